//! Turns a document's text into one that says the patched value: edited in place if that reads
//! back right, else written anew from the value, with its leading and trailing comments.

use serde_json::Value;

use super::comments::first_comment;
use super::compose::Budget;
use super::edit::edit;
use super::emit::{Block, Texts};
use super::flow::Flow;
use super::indent::block_style;
use super::place::{indentation, line_end, line_start, newline, place, skip_trivia};
use super::split::{Syntax, read_yaml};
use super::tree::{self, Node};

/// A document's new text.
#[derive(Debug)]
pub(super) struct Rewritten {
    pub(super) text: String,
    /// Where in the old text the first comment begins that the new one does not have; `None` if it has all.
    pub(super) lost: Option<usize>,
}

/// The new text, or `None` if no text was found that reads back as the new value.
pub(super) fn rewrite(syntax: Syntax, body: &str, old: &Value, new: &Value) -> Option<Rewritten> {
    if old == new {
        return Some(Rewritten { text: body.to_owned(), lost: None });
    }
    let old_text = OldText::read(body);
    let reads_back = |text: &String| reads_as(syntax, text, new);
    if let OldText::Placed(root) = &old_text {
        // A comment that follows, further to the right, would be taken for a line of a literal block.
        let mut edited = [Texts::Literal, Texts::Quoted]
            .into_iter()
            .map(|texts| edit(syntax, body, root, (old, new), texts));
        if let Some(text) = edited.find_map(|text| text.filter(reads_back)) {
            return Some(Rewritten { text, lost: None });
        }
    }
    let anew = match syntax {
        Syntax::Json => Rewritten { text: json_anew(body, new), lost: None },
        Syntax::Yaml => yaml_anew(body, &old_text, new),
    };
    Some(anew).filter(|Rewritten { text, .. }| reads_back(text))
}

/// How much is known of a document's text before it is patched.
enum OldText {
    /// The YAML parser refuses it; only a document in JSON may hold what YAML does not.
    Unread,
    /// Its nodes are known, but not where each begins and ends.
    Read(Node),
    /// Its nodes and their places are known.
    Placed(Node),
}

impl OldText {
    fn read(body: &str) -> Self {
        let Ok(Some(mut root)) = tree::read(body) else { return Self::Unread };
        match place(&mut root, body) {
            Some(()) => Self::Placed(root),
            None => Self::Read(root),
        }
    }
}

fn json_anew(body: &str, new: &Value) -> String {
    let first_key = skip_trivia(body, body.find('{').map_or(0, |brace| brace + 1));
    let unit = match indentation(body, first_key) {
        "" => "  ",
        unit => unit,
    };
    Flow::json(unit.to_owned(), newline(body)).value(new, "")
}

fn yaml_anew(body: &str, old: &OldText, new: &Value) -> Rewritten {
    let newline = newline(body);
    let start = line_start(body, skip_trivia(body, 0));
    let head = body.get(..start);
    let (end, block) = match old {
        OldText::Placed(root) => (line_end(body, root.last) + 1, block_style(root, body)),
        // Where the parser stopped reading the root is all that is known.
        OldText::Read(root) => (root.end, Block::KUBECTL),
        OldText::Unread => (body.len(), Block::KUBECTL),
    };
    let tail = body.get(end..).unwrap_or_default();
    let mut text = head.unwrap_or_default().to_owned();
    text.push_str(&block.document(new).join(newline));
    if !tail.is_empty() || body.ends_with('\n') {
        text.push_str(newline);
    }
    text.push_str(tail);
    let lost = match old {
        OldText::Placed(root) | OldText::Read(root) => first_comment(root, body, start..end.min(body.len())),
        // This is JSON, which has no comments.
        OldText::Unread => None,
    };
    Rewritten { text, lost }
}

fn reads_as(syntax: Syntax, text: &str, value: &Value) -> bool {
    let read = match syntax {
        Syntax::Json => serde_json::from_str(text).ok(),
        Syntax::Yaml => read_yaml(text, &mut Budget::new()).ok().flatten().map(|read| read.value),
    };
    read.is_some_and(|read| is_same(&read, value))
}

/// Equality that takes numbers as equal if JSON writes them alike: kubectl reads a YAML `1.0` as 1.
pub(super) fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() != other.is_f64() => {
            one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| is_same(value, other)))
        }
        _ => left == right,
    }
}
