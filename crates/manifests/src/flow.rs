//! Writes values on one line or as indented JSON, and says how a document writes its own.

use serde_json::Value;

use super::place::{indentation, is_first_on_line};
use super::quote;
use super::split::Syntax;
use super::tree::{KeyValue, Kind, Layout, Node};

/// How a document writes flow collections.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Whether all keys and strings are in quotes, as in JSON.
    quotes: bool,
    /// Whether a space follows `:` and `,`.
    spaces: bool,
    /// One level of indentation, if each entry has a line of its own.
    unit: Option<String>,
    newline: &'static str,
}

impl Flow {
    /// The usual style inside block YAML: `{name: x, values: [1, 2]}`.
    pub(super) fn yaml() -> Self {
        Self { quotes: false, spaces: true, unit: None, newline: "\n" }
    }

    /// Indented JSON.
    pub(super) fn json(unit: String, newline: &'static str) -> Self {
        Self { quotes: true, spaces: true, unit: Some(unit), newline }
    }

    /// The style of a document, judged by the first entry of its root: JSON's if its key is quoted.
    pub(super) fn of(syntax: Syntax, root: &Node, text: &str, newline: &'static str) -> Self {
        let pair = match &root.kind {
            Kind::Mapping { pairs, layout: Layout::Flow } => pairs.first(),
            _ => None,
        };
        let starts_quoted = |pair: &&KeyValue| {
            let key = text.get(pair.key.start..);
            key.is_some_and(|key| key.starts_with('"'))
        };
        let Some(pair) = pair.filter(starts_quoted) else {
            let quotes = syntax == Syntax::Json;
            return Self { quotes, ..Self::yaml() };
        };
        let between = text.get(pair.key.end..pair.value.start).unwrap_or_default();
        let own_line = is_first_on_line(text, pair.key.start);
        Self {
            quotes: true,
            spaces: between.ends_with(char::is_whitespace),
            unit: own_line.then(|| indentation(text, pair.key.start).to_owned()),
            newline,
        }
    }

    /// What separates two entries on one line.
    pub(super) fn separator(&self) -> &'static str {
        if self.spaces { ", " } else { "," }
    }

    /// The value on one line.
    pub(super) fn compact(&self, value: &Value) -> String {
        match value {
            Value::Object(map) => {
                let entries: Vec<_> = map
                    .iter()
                    .map(|(key, value)| format!("{}{}", self.key(key), self.compact(value)))
                    .collect();
                format!("{{{}}}", entries.join(self.separator()))
            }
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.compact(item)).collect();
                format!("[{}]", items.join(self.separator()))
            }
            Value::String(text) => self.text(text),
            other => other.to_string(),
        }
    }

    /// The value over several lines if that is the style; `indent` is that of the first of them.
    pub(super) fn value(&self, value: &Value, indent: &str) -> String {
        let Some(unit) = &self.unit else {
            return self.compact(value);
        };
        let inner = format!("{indent}{unit}");
        let entries: Vec<_> = match value {
            Value::Object(map) => {
                map.iter().map(|(key, value)| format!("{inner}{}", self.entry(key, value, &inner))).collect()
            }
            Value::Array(items) => {
                items.iter().map(|item| format!("{inner}{}", self.value(item, &inner))).collect()
            }
            _ => Vec::new(),
        };
        if entries.is_empty() {
            return self.compact(value);
        }
        let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
        let newline = self.newline;
        let entries = entries.join(&format!(",{newline}"));
        format!("{open}{newline}{entries}{newline}{indent}{close}")
    }

    /// `key: value`, on a line with this indentation.
    pub(super) fn entry(&self, key: &str, value: &Value, indent: &str) -> String {
        format!("{}{}", self.key(key), self.value(value, indent))
    }

    fn key(&self, key: &str) -> String {
        let colon = if self.spaces { ": " } else { ":" };
        format!("{}{colon}", self.text(key))
    }

    fn text(&self, text: &str) -> String {
        if self.quotes { quote::quoted(text) } else { quote::scalar(text, Layout::Flow) }
    }
}
