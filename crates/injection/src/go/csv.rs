//! Go's `encoding/csv`.

use alloc::borrow::ToOwned;
use alloc::string::String;

/// One field of a record and what follows it: a comma, a line's end, or nothing. `None` where a quote stands
/// anywhere but at the field's start or doubled inside one, or is never closed.
#[must_use]
pub fn field(text: &str) -> Option<(String, &str)> {
    // Go takes a quote after blanks for a bare one; here blanks are trimmed, so the quote still opens.
    let trimmed = text.trim_start_matches([' ', '\t']);
    let Some(mut rest) = trimmed.strip_prefix('"') else {
        let end = text.find([',', '\n', '\r']).unwrap_or(text.len());
        let (name, after) = text.split_at_checked(end)?;
        return (!name.contains('"')).then(|| (name.to_owned(), after));
    };
    let mut name = String::new();
    loop {
        let (quoted, after) = rest.split_once('"')?;
        name.push_str(quoted);
        let Some(next) = after.strip_prefix('"') else {
            let after = after.trim_start_matches([' ', '\t']);
            let ends = after.is_empty() || after.starts_with([',', '\n', '\r']);
            return ends.then_some((name, after));
        };
        name.push('"');
        rest = next;
    }
}
