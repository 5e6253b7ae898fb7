//! Keeps lines of the log as short as log readers accept, whatever their fields hold: names that strangers
//! chose are escaped, and each character may become six.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Longest line, in bytes with its end. Ordinary ones have a few hundred, and container runtimes split lines
/// longer than 16 KiB.
const LONGEST: usize = 8 << 10;

/// Bytes that each text of a JSON line keeps if the line is too long.
const TEXT: usize = 256;

/// Marks the place where something was cut.
const ELLIPSIS: &str = "…";

/// The line, cut if it is too long; JSON stays JSON.
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

/// The line's fields with their texts cut; as many as fit.
fn shorten(fields: Map<String, Value>) -> String {
    // This leaves room for the braces.
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

/// The beginning of a text, in at most this many bytes.
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
