//! Writes values as block YAML lines, for added entries and for documents written anew.

use serde_json::Value;

use super::flow;
use super::quote;
use super::tree::Layout;

/// How far a document indents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Columns from a mapping to a mapping under one of its keys.
    pub(super) step: usize,
    /// Columns from a mapping to the dashes under one of its keys; 0 is kubectl's own style.
    pub(super) dash: usize,
    pub(super) texts: Texts,
}

/// How texts of several lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Texts {
    /// As literal blocks, as people do.
    Literal,
    /// In quotes, where a comment that follows would be taken for a line of the block.
    Quoted,
}

impl Block {
    /// What kubectl prints.
    pub(super) const KUBECTL: Self = Self { step: 2, dash: 0, texts: Texts::Literal };

    /// A whole document.
    pub(super) fn document(self, value: &Value) -> Vec<String> {
        match value {
            Value::Object(map) if !map.is_empty() => {
                map.iter().flat_map(|(key, value)| self.entry(key, value, 0)).collect()
            }
            Value::Array(items) if !items.is_empty() => {
                items.iter().flat_map(|item| self.item(item, 0)).collect()
            }
            scalar => vec![inline(scalar)],
        }
    }

    /// `key: value`, with the key at the column.
    pub(super) fn entry(self, key: &str, value: &Value, column: usize) -> Vec<String> {
        let key = format!("{:column$}{}:", "", quote::scalar(key, Layout::Block));
        if is_collection(value) {
            let mut lines = vec![key];
            lines.extend(self.nested(value, column));
            return lines;
        }
        match self.literal(value, column + self.step) {
            Some((header, text)) => {
                let mut lines = vec![format!("{key} {header}")];
                lines.extend(text);
                lines
            }
            None => vec![format!("{key} {}", inline(value))],
        }
    }

    /// A collection with content, under a key at the column.
    pub(super) fn nested(self, value: &Value, column: usize) -> Vec<String> {
        match value {
            Value::Object(map) => {
                map.iter().flat_map(|(key, value)| self.entry(key, value, column + self.step)).collect()
            }
            Value::Array(items) => {
                items.iter().flat_map(|item| self.item(item, column + self.dash)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// `- value`, with the dash at the column.
    pub(super) fn item(self, value: &Value, column: usize) -> Vec<String> {
        let inner = column + 2;
        let mut lines: Vec<String> = match value {
            Value::Object(map) if !map.is_empty() => {
                map.iter().flat_map(|(key, value)| self.entry(key, value, inner)).collect()
            }
            Value::Array(items) if !items.is_empty() => {
                items.iter().flat_map(|item| self.item(item, inner)).collect()
            }
            scalar => match self.literal(scalar, inner) {
                Some((header, mut text)) => {
                    text.insert(0, header.to_owned());
                    text
                }
                None => vec![inline(scalar)],
            },
        };
        if let Some(first) = lines.first_mut() {
            *first = format!("{:column$}- {}", "", first.trim_start());
        }
        lines
    }

    fn literal(self, value: &Value, column: usize) -> Option<(&'static str, Vec<String>)> {
        if self.texts == Texts::Literal { literal(value, column) } else { None }
    }
}

/// Whether the value is a collection with content, which needs lines of its own.
pub(super) fn is_collection(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// The value as it stands behind a key or a dash.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quote::scalar(text, Layout::Block),
        other => flow::Flow::yaml().compact(other),
    }
}

/// A text of several lines as a literal block scalar: its header and lines. `None` if that form
/// cannot hold the text exactly, or only with indicators that few people know.
fn literal(value: &Value, column: usize) -> Option<(&'static str, Vec<String>)> {
    let text = value.as_str().filter(|text| text.contains('\n'))?;
    let (header, body) = match text.strip_suffix('\n') {
        Some(body) => ("|", body),
        None => ("|-", text),
    };
    let line_fits = |line: &str| {
        let blank = line.trim_matches([' ', '\t']).is_empty();
        (line.is_empty() || !blank)
            && !line.starts_with('\t')
            && line.chars().all(|character| character == '\t' || quote::is_printable(character))
    };
    if body.starts_with([' ', '\n'])
        || body.is_empty()
        || body.ends_with('\n')
        || !body.split('\n').all(line_fits)
    {
        return None;
    }
    let lines = body.split('\n').map(|line| match line {
        "" => String::new(),
        line => format!("{:column$}{line}", ""),
    });
    Some((header, lines.collect()))
}
