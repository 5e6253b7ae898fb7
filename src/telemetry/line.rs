//! A line of the log is no longer than what a reader of logs takes, whatever stands in its fields: names
//! from strangers are escaped, and each character may become six.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Longest line, in bytes with its end: the longest of ours have a few hundred, and the runtimes of
/// containers split what is longer than 16 KiB.
const LONGEST: usize = 8 << 10;

/// What a text of a line in JSON keeps of itself if the line is too long.
const TEXT: usize = 256;

/// What tells that something is missing.
const ELLIPSIS: &str = "…";

/// The line as it is, or cut; JSON stays JSON.
pub(super) fn cut(line: &[u8]) -> Cow<'_, [u8]> {
    if line.len() <= LONGEST {
        return Cow::Borrowed(line);
    }
    let cut = match serde_json::from_slice::<Map<String, Value>>(line) {
        Ok(fields) => shorten(fields),
        Err(_) => text(&String::from_utf8_lossy(line), LONGEST - 1),
    };
    Cow::Owned(format!("{cut}\n").into_bytes())
}

/// The line's fields with their texts cut; as many as there is room for.
fn shorten(fields: Map<String, Value>) -> String {
    // Room for the braces.
    let mut left = LONGEST - 3;
    let mut kept = Map::new();
    for (name, value) in fields {
        let value = match value {
            Value::String(long) => Value::String(text(&long, TEXT)),
            other => other,
        };
        let size = Value::String(name.clone()).to_string().len() + value.to_string().len() + 2;
        if size <= left {
            left -= size;
            kept.insert(name, value);
        }
    }
    Value::Object(kept).to_string()
}

/// The beginning of a text, in so many bytes.
fn text(long: &str, bytes: usize) -> String {
    let long = long.trim_end_matches('\n');
    if long.len() <= bytes {
        return long.to_owned();
    }
    let end = long.floor_char_boundary(bytes - ELLIPSIS.len());
    format!("{}{ELLIPSIS}", long.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn usual_line_stays_as_it_is() {
        let longest = format!("{}\n", "x".repeat(LONGEST - 1));
        for line in ["INFO admission\n", "{\"a\":1}\n", &longest] {
            assert!(matches!(cut(line.as_bytes()), Cow::Borrowed(same) if same == line.as_bytes()));
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        for filling in ["x", "é", "…", "🦀"] {
            let line = format!("WARN {}\n", filling.repeat(LONGEST));
            let cut = String::from_utf8(cut(line.as_bytes()).into_owned()).unwrap();
            assert!(cut.len() <= LONGEST && cut.len() > LONGEST - 8, "{}", cut.len());
            assert!(cut.starts_with("WARN ") && cut.ends_with("…\n"));
        }
    }

    #[test]
    fn long_json_is_cut_and_stays_json() {
        let long = "\u{1}".repeat(2 * LONGEST);
        let many: Map<_, _> = (0..LONGEST).map(|field| (format!("field{field}"), json!("x"))).collect();
        for mut fields in [Map::from_iter([("uid".to_owned(), json!(long))]), many] {
            let first = [("timestamp".to_owned(), json!("2026")), ("level".to_owned(), json!("WARN"))];
            fields = first.into_iter().chain(fields).chain([("micros".to_owned(), json!(7))]).collect();
            let line = format!("{}\n", Value::Object(fields));
            let cut = cut(line.as_bytes());
            assert!(cut.len() <= LONGEST && cut.ends_with(b"\n"), "{}", cut.len());
            let read: Value = serde_json::from_slice(&cut).unwrap();
            assert_eq!((&read["timestamp"], &read["level"]), (&json!("2026"), &json!("WARN")));
        }
    }
}
