//! Somebody else's text in the webhook's own lines: it is cut, and nothing in it may break the line, move a
//! terminal's cursor, turn letters around or be invisible.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::{self, Write};

/// The first characters of a text, and `…` where there are more.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    text: &'a str,
    longest: usize,
}

impl<'a> Line<'a> {
    /// At most `longest` characters of a text, not counting what escapes add.
    #[must_use]
    pub fn new(text: &'a str, longest: usize) -> Self {
        Self { text, longest }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.text.chars();
        characters.by_ref().take(self.longest).try_for_each(|character| write_visibly(f, character))?;
        if characters.next().is_some() { f.write_char('…') } else { Ok(()) }
    }
}

/// Like [`Line`], in quotes: for what users wrote, other than names.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a> {
    line: Line<'a>,
    /// Whether everything that is not ASCII is escaped.
    is_ascii: bool,
}

impl<'a> Quoted<'a> {
    /// At most `longest` characters of a text, not counting quotes and what escapes add.
    #[must_use]
    pub fn new(text: &'a str, longest: usize) -> Self {
        Self { line: Line::new(text, longest), is_ascii: false }
    }

    /// The same for what ought to be plain ASCII: letters of other alphabets are escaped too.
    #[must_use]
    pub fn ascii(text: &'a str, longest: usize) -> Self {
        Self { line: Line::new(text, longest), is_ascii: true }
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line: Line { text, longest }, is_ascii } = self;
        let mut characters = text.chars();
        f.write_char('"')?;
        for character in characters.by_ref().take(*longest) {
            if matches!(character, '"' | '\\') {
                f.write_char('\\')?;
            }
            if *is_ascii && !character.is_ascii() {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                write_visibly(f, character)?;
            }
        }
        f.write_str(if characters.next().is_some() { "…\"" } else { "\"" })
    }
}

/// A whole text with invisible characters escaped.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_visible) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    // Writing to a string cannot fail.
    let written = text.chars().try_for_each(|character| write_visibly(&mut escaped, character));
    debug_assert!(written.is_ok());
    Cow::Owned(escaped)
}

/// A name for the log, no longer than `longest`: a sender of names that are invalid in Kubernetes must not
/// fill the log with them, nor with escapes that are longer than what they stand for.
#[must_use]
pub fn logged_name(name: &str, longest: usize) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '?' };
    name.chars().take(longest).map(plain).collect()
}

/// Whether a text has more characters than this.
#[must_use]
pub fn is_longer(text: &str, characters: usize) -> bool {
    text.len() > characters && text.chars().nth(characters).is_some()
}

/// A text of which only the beginning matters: at most one character longer than `characters`, so that it
/// can still be seen to be too long.
#[must_use]
pub fn cut(text: &str, characters: usize) -> &str {
    if text.len() <= characters {
        return text;
    }
    let end = text.char_indices().nth(characters + 1).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}

fn write_visibly(out: &mut impl Write, character: char) -> fmt::Result {
    if is_visible(character) {
        out.write_char(character)
    } else {
        match character {
            '\0' | '\t' | '\n' | '\r' => write!(out, "{}", character.escape_debug()),
            _ => write!(out, "{}", character.escape_unicode()),
        }
    }
}

/// Whether a character is visible as itself. Control characters are not, nor are U+200B (no width),
/// U+202E (reverses what follows) and U+2028 (a line's end to some), nor those that word processors write
/// instead of plain ones: dashes, quotes, and letters of full width. Some letters and symbols are blank.
fn is_visible(character: char) -> bool {
    let is_lookalike = matches!(
        character,
        '\u{2010}'..='\u{201f}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff01}'..='\u{ff5e}'
    );
    let is_blank = matches!(character, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}');
    matches!(character, '\'' | '"' | '\\')
        || !is_lookalike && !is_blank && character.escape_debug().len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_escaped_and_the_rest_cut() {
        for (text, line, quoted) in [
            ("é b", "é b", "\"é b\""),
            ("a\"\\b'", "a\"\\b'", "\"a\\\"\\\\b'\""),
            ("a\n\u{1b}[1m", "a\\n\\u{1b}[…", "\"a\\n\\u{1b}[…\""),
            ("\u{200b}\u{202e}\u{2028}", "\\u{200b}\\u{202e}\\u{2028}", "\"\\u{200b}\\u{202e}\\u{2028}\""),
            (
                "\u{a0}\u{2010}\u{2212}\u{ff0d}",
                "\\u{a0}\\u{2010}\\u{2212}\\u{ff0d}",
                "\"\\u{a0}\\u{2010}\\u{2212}\\u{ff0d}\"",
            ),
            ("\u{3164}\u{2800}", "\\u{3164}\\u{2800}", "\"\\u{3164}\\u{2800}\""),
            ("12345678", "1234…", "\"1234…\""),
        ] {
            let longest = if text.starts_with("12") || text.starts_with("a\n") { 4 } else { 10 };
            assert_eq!(Line::new(text, longest).to_string(), line);
            assert_eq!(Quoted::new(text, longest).to_string(), quoted);
        }
        assert_eq!(Quoted::ascii("\u{430}é\n", 10).to_string(), "\"\\u{430}\\u{e9}\\n\"");
        assert!(matches!(visible("as it is, 'whole' \\"), Cow::Borrowed(_)));
        assert_eq!(visible("a\u{202e}b\n"), "a\\u{202e}b\\n");
    }

    #[test]
    fn names_are_logged_as_kubernetes_has_them_and_others_are_neither_longer_nor_escaped() {
        assert_eq!(logged_name("orders-7d4b9c6f5-x2x9z", 253), "orders-7d4b9c6f5-x2x9z");
        assert_eq!(logged_name("a\n\u{1b}[31m\"\\é ", 253), "a??[31m????");
        assert_eq!(logged_name(&"\u{1}".repeat(1000), 253), "?".repeat(253));
    }

    #[test]
    fn what_is_too_long_is_so_when_it_is_cut() {
        for (text, characters, cut_text, longer) in [
            ("abc", 3, "abc", false),
            ("abcd", 3, "abcd", true),
            ("abcdef", 3, "abcd", true),
            ("éèê", 3, "éèê", false),
            ("éèêéèê", 3, "éèêé", true),
            ("", 0, "", false),
        ] {
            assert_eq!(cut(text, characters), cut_text, "{text}");
            assert_eq!((is_longer(text, characters), is_longer(cut_text, characters)), (longer, longer));
        }
    }
}
