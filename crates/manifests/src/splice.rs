//! Collects insertions and replacements in a text and applies them at once. It knows lines and
//! entries, not YAML: `edit` says where they go.

use super::place::{indentation, is_first_on_line, line_end, line_start, newline};

/// A text with the replacements to make.
pub(super) struct Splice<'t> {
    pub(super) text: &'t str,
    /// The line break that the text uses.
    pub(super) newline: &'static str,
    replacements: Vec<Replacement>,
}

struct Replacement {
    start: usize,
    end: usize,
    text: String,
}

impl<'t> Splice<'t> {
    /// No replacements yet.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, newline: newline(text), replacements: Vec::new() }
    }

    /// The indentation of an entry that starts its line.
    pub(super) fn own_line(&self, at: usize) -> Option<&'t str> {
        is_first_on_line(self.text, at).then(|| indentation(self.text, at))
    }

    /// Puts an entry behind another one of a flow collection, on a line of its own if that one
    /// has its own.
    pub(super) fn append(&mut self, at: usize, indent: Option<&str>, separator: &str, entry: &str) {
        let text = match indent {
            Some(indent) => format!(",{}{indent}{entry}", self.newline),
            None => format!("{separator}{entry}"),
        };
        self.replace(at, at, text);
    }

    /// Puts an entry before another one.
    pub(super) fn prepend(&mut self, at: usize, indent: Option<&str>, separator: &str, entry: &str) {
        let text = match indent {
            Some(indent) => format!("{entry},{}{indent}", self.newline),
            None => format!("{entry}{separator}"),
        };
        self.replace(at, at, text);
    }

    /// Inserts lines below the one that ends a node; a comment at that line's end stays there.
    pub(super) fn insert_below(&mut self, last: usize, lines: &[String]) -> Option<()> {
        if lines.is_empty() {
            return Some(());
        }
        let mut end = line_end(self.text, last);
        let rest = self.text.get(last..end)?.trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            return None;
        }
        // goyaml takes a blank line with a tab for the end of a plain scalar but not for a line
        // of its own, so such a line stays with what it follows.
        while end < self.text.len() {
            let next = line_end(self.text, end + 1);
            let line = self.text.get(end + 1..next)?;
            if !line.contains('\t') || !line.trim().is_empty() {
                break;
            }
            end = next;
        }
        let lines = lines.join(self.newline);
        if end == self.text.len() {
            self.replace(end, end, format!("{}{lines}", self.newline));
        } else {
            self.replace(end + 1, end + 1, format!("{lines}{}", self.newline));
        }
        Some(())
    }

    /// Inserts lines above the first dash of a sequence and above the comments on top of it.
    pub(super) fn insert_above(&mut self, dash: usize, lines: &[String]) -> Option<()> {
        if !is_first_on_line(self.text, dash) {
            return None;
        }
        let indent = indentation(self.text, dash);
        let mut at = line_start(self.text, dash);
        while at > 0 {
            let above = line_start(self.text, at - 1);
            let line = self.text.get(above..at)?;
            if !line.strip_prefix(indent).is_some_and(|line| line.starts_with('#')) {
                break;
            }
            at = above;
        }
        self.replace(at, at, format!("{}{}", lines.join(self.newline), self.newline));
        Some(())
    }

    /// Puts a text in place of another one.
    pub(super) fn replace(&mut self, start: usize, end: usize, text: String) {
        self.replacements.push(Replacement { start, end, text });
    }

    /// Applies the replacements. Those at one place keep their order, inner nodes before outer ones.
    pub(super) fn finish(mut self) -> Option<String> {
        self.replacements.sort_by_key(|replacement| replacement.start);
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for Replacement { start, end, text } in self.replacements {
            out.push_str(self.text.get(at..start)?);
            out.push_str(&text);
            at = end;
        }
        out.push_str(self.text.get(at..)?);
        Some(out)
    }
}
