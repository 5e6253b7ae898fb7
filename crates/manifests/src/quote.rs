//! How a string is written as a YAML scalar: plain where YAML 1.1 and 1.2 both read it back as
//! that string, else in double quotes, which both read as JSON does.

use std::fmt::Write;

use super::scalar::{Scalar, resolve};
use super::tree::{Layout, Style};

/// The scalar's text, plain or quoted, for a collection of this layout: in a flow collection `,[]{}`
/// and most colons end a plain scalar.
pub(super) fn scalar(text: &str, around: Layout) -> String {
    if is_plain(text, around) { text.to_owned() } else { quoted(text) }
}

/// Whether the text may stand without quotes. The rule is much stricter than YAML's: a letter first, so
/// that no number, date or indicator passes, and then only characters without a meaning anywhere.
fn is_plain(text: &str, around: Layout) -> bool {
    let first_fits =
        text.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '/'));
    let rest_fits = text.chars().zip(text.chars().skip(1).map(Some).chain([None])).all(
        |(character, next)| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' | '/' | '@' | '+' => true,
            ':' => around == Layout::Block && next.is_some_and(|next| next != ' '),
            ' ' => around == Layout::Block && next.is_some_and(|next| next.is_ascii_alphanumeric()),
            _ => false,
        },
    );
    // Other readers ignore case in the words for booleans and null.
    let folded = text.to_ascii_lowercase();
    first_fits
        && rest_fits
        && resolve(text, Style::Plain, None) == Ok(Scalar::Text(text.to_owned()))
        && resolve(&folded, Style::Plain, None) == Ok(Scalar::Text(folded))
}

/// The string in double quotes, with escapes that YAML and JSON share.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_printable(character) => out.push(character),
            // Unprintable characters are all below U+10000; writing to a string cannot fail.
            _ => drop(write!(out, "\\u{:04x}", u32::from(character))),
        }
    }
    out.push('"');
    out
}

/// Whether goyaml and our parser both take the character as it is, and not for a line break.
pub(super) fn is_printable(character: char) -> bool {
    matches!(
        character,
        ' '..='~'
            | '\u{a0}'..='\u{2027}'
            | '\u{202a}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fefe}'
            | '\u{ff00}'..='\u{fffd}'
            | '\u{10000}'..
    )
}
