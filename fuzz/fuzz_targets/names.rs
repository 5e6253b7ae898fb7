//! Any annotation value: names that survive being quoted, integers that agree with Rust's own.
#![no_main]

use injection::annotation::names;
use injection::go;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(names) = names(text) {
        assert!(names.iter().all(|name| !name.is_empty() && name.trim() == name));
        let quoted: Vec<_> = names.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
        if !names.is_empty() {
            assert_eq!(self::names(&quoted.join(",")), Ok(names));
        }
    }
    match (go::decimal(text), text.parse::<i64>()) {
        (read, Ok(exact)) => assert_eq!(read, Some(exact)),
        (Some(clamped), Err(_)) => assert!(clamped == i64::MAX || clamped == i64::MIN),
        (None, Err(_)) => {}
    }
});
