//! Edits a document's text so that it says a new value, touching only the lines that differ. It
//! compares the old value with the new one along the tree; `rewrite` reads the result back, so
//! that a layout misjudged here costs the comments and never the meaning.

use serde_json::{Map, Value};

use super::align::{Pairing, align};
use super::compose::key_text;
use super::emit::{Block, Texts, inline, is_collection};
use super::flow::Flow;
use super::indent::block_style;
use super::place::{column, indentation, is_first_on_line, is_left_out};
use super::splice::Splice;
use super::split::Syntax;
use super::tree::{KeyValue, Kind, Layout, Node};

/// Where a node stands, which decides how it can be replaced.
#[derive(Clone, Copy, Debug)]
enum Position {
    Root,
    /// Under a key of a block mapping: the column of its keys, and how much further in dashes are.
    Entry {
        column: usize,
        dash: usize,
    },
    Item,
    Flow,
}

/// The text with the value changed, or `None` if the change cannot be made by editing. The tree must
/// be the text's own, with its places set.
pub(super) fn edit(
    syntax: Syntax,
    text: &str,
    root: &Node,
    (old, new): (&Value, &Value),
    texts: Texts,
) -> Option<String> {
    let splice = Splice::new(text);
    let block = Block { texts, ..block_style(root, text) };
    let mut editor = Editor { block, flow: Flow::of(syntax, root, text, splice.newline), splice };
    editor.node(root, Position::Root, old, new)?;
    editor.splice.finish()
}

struct Editor<'t> {
    splice: Splice<'t>,
    block: Block,
    flow: Flow,
}

impl Editor<'_> {
    fn node(&mut self, node: &Node, position: Position, old: &Value, new: &Value) -> Option<()> {
        if old == new {
            return Some(());
        }
        match (&node.kind, old, new) {
            (Kind::Mapping { pairs, layout }, Value::Object(old), Value::Object(new))
                if !pairs.is_empty() =>
            {
                match layout {
                    Layout::Block => self.block_mapping(node, pairs, old, new),
                    Layout::Flow => self.flow_mapping(node, pairs, old, new),
                }
            }
            (Kind::Sequence { items, layout }, Value::Array(old), Value::Array(new)) if !items.is_empty() => {
                match layout {
                    Layout::Block => self.block_sequence(node, items, old, new),
                    Layout::Flow => self.flow_sequence(node, items, old, new),
                }
            }
            _ => self.replace(node, position, new),
        }
    }

    fn block_mapping(
        &mut self,
        node: &Node,
        pairs: &[KeyValue],
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) -> Option<()> {
        let column = column(self.splice.text, node.begin);
        let dash = self.dash_among(pairs, column);
        let position = Position::Entry { column, dash };
        let added = self.entries(pairs, position, old, new)?;
        let block = Block { dash, ..self.block };
        let lines: Vec<_> =
            added.into_iter().flat_map(|(key, value)| block.entry(key, value, column)).collect();
        self.splice.insert_below(node.last, &lines)
    }

    /// Edits the entries that are there and returns those to add. An entry that a merge key
    /// brings is added in full, which overrides the merged one.
    fn entries<'v>(
        &mut self,
        pairs: &[KeyValue],
        position: Position,
        old: &Map<String, Value>,
        new: &'v Map<String, Value>,
    ) -> Option<Vec<(&'v String, &'v Value)>> {
        if old.keys().any(|key| !new.contains_key(key)) {
            return None;
        }
        let mut added = Vec::new();
        for (key, value) in new {
            let before = old.get(key);
            if before == Some(value) {
                continue;
            }
            // If a key is written twice, the last one counts.
            let pair = pairs.iter().rev().find(|pair| key_text(&pair.key).as_ref() == Some(key));
            match (before, pair) {
                (Some(before), Some(pair)) => self.node(&pair.value, position, before, value)?,
                _ => added.push((key, value)),
            }
        }
        Some(added)
    }

    /// How far this mapping indents the dashes of its sequences; if it has none, how far the document does.
    fn dash_among(&self, pairs: &[KeyValue], column_of_keys: usize) -> usize {
        pairs
            .iter()
            .filter(|pair| matches!(&pair.value.kind, Kind::Sequence { layout: Layout::Block, .. }))
            // On the line of an explicit key's colon, the dash is where that leaves room for it.
            .filter(|pair| is_first_on_line(self.splice.text, pair.value.begin))
            .find_map(|pair| column(self.splice.text, pair.value.begin).checked_sub(column_of_keys))
            .unwrap_or(self.block.dash)
    }

    fn block_sequence(&mut self, node: &Node, items: &[Node], old: &[Value], new: &[Value]) -> Option<()> {
        let column = column(self.splice.text, node.begin);
        self.items(items, Position::Item, old, new, |editor, latest, value| {
            let lines = editor.block.item(value, column);
            match latest {
                Some(item) => editor.splice.insert_below(item.last, &lines),
                None => editor.splice.insert_above(node.begin, &lines),
            }
        })
    }

    /// Edits the items that are there and has those added that are not, in order, each with the item
    /// that it follows.
    fn items(
        &mut self,
        items: &[Node],
        position: Position,
        old: &[Value],
        new: &[Value],
        add: impl Fn(&mut Self, Option<&Node>, &Value) -> Option<()>,
    ) -> Option<()> {
        let mut latest = None;
        let mut rest = items.iter().zip(old);
        for (value, pairing) in new.iter().zip(align(old, new)?) {
            if pairing == Pairing::Added {
                add(self, latest, value)?;
                continue;
            }
            let (item, before) = rest.next()?;
            self.node(item, position, before, value)?;
            latest = Some(item);
        }
        Some(())
    }

    fn flow_mapping(
        &mut self,
        node: &Node,
        pairs: &[KeyValue],
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) -> Option<()> {
        let added = self.entries(pairs, Position::Flow, old, new)?;
        let last = pairs.last()?;
        if !self.opens_with(node, '{') || (!added.is_empty() && is_left_out(&last.value)) {
            return None;
        }
        for (key, value) in added {
            let indent = self.splice.own_line(last.key.start);
            let entry = self.flow.entry(key, value, indent.unwrap_or_default());
            self.splice.append(last.value.end, indent, self.flow.separator(), &entry);
        }
        Some(())
    }

    fn flow_sequence(&mut self, node: &Node, items: &[Node], old: &[Value], new: &[Value]) -> Option<()> {
        if !self.opens_with(node, '[') {
            return None;
        }
        self.items(items, Position::Flow, old, new, |editor, latest, value| {
            let Some(item) = latest else {
                return editor.prepend(items.first()?, value);
            };
            let indent = editor.splice.own_line(item.start);
            let text = editor.flow.value(value, indent.unwrap_or_default());
            editor.splice.append(item.end, indent, editor.flow.separator(), &text);
            Some(())
        })
    }

    fn opens_with(&self, node: &Node, bracket: char) -> bool {
        let rest = self.splice.text.get(node.start..);
        rest.is_some_and(|rest| rest.starts_with(bracket))
    }

    fn prepend(&mut self, first: &Node, value: &Value) -> Option<()> {
        // The new item would get the anchor or tag of the first.
        if first.properties_end.is_some() {
            return None;
        }
        let indent = self.splice.own_line(first.start);
        let text = self.flow.value(value, indent.unwrap_or_default());
        self.splice.prepend(first.start, indent, self.flow.separator(), &text);
        Some(())
    }

    /// Puts a value in place of a scalar, an alias or an empty collection.
    fn replace(&mut self, node: &Node, position: Position, new: &Value) -> Option<()> {
        let (flow, content) = match &node.kind {
            Kind::Sequence { layout, items } => (*layout == Layout::Flow, !items.is_empty()),
            Kind::Mapping { layout, pairs } => (*layout == Layout::Flow, !pairs.is_empty()),
            _ => (false, false),
        };
        let from = node.properties_end.unwrap_or(node.from);
        let between = self.splice.text.get(from..node.begin)?;
        let written = self.splice.text.get(node.begin..node.last)?;
        let comment = between.contains('#') || (flow && written.contains('#'));
        match position {
            Position::Root if !flow => None,
            Position::Flow if is_left_out(node) => None,
            Position::Root | Position::Flow => {
                let indent = indentation(self.splice.text, node.start);
                let text = self.flow.value(new, indent);
                self.splice.replace(node.start, node.end, text);
                Some(())
            }
            Position::Entry { .. } | Position::Item if content || comment => None,
            Position::Entry { column, dash } if is_collection(new) => {
                self.splice.replace(from, node.last, String::new());
                let lines = Block { dash, ..self.block }.nested(new, column);
                self.splice.insert_below(node.last, &lines)
            }
            Position::Entry { .. } | Position::Item => {
                self.splice.replace(from, node.last, format!(" {}", inline(new)));
                Some(())
            }
        }
    }
}
