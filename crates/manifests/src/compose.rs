//! From the tree to its meaning, as sigs.k8s.io/yaml gives it: aliases and merge keys followed,
//! keys made strings, later entries over earlier ones. Aliases are expanded within a budget, so
//! that a small text cannot become a large value.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::error::{Fault, Problem};
use super::scalar;
use super::tree::{KeyValue, Kind, MAX_DEPTH, Node, Style};

/// Nodes that the aliases of one stream may add. goyaml allows some 400,000 in a document.
const MAX_EXPANSION: usize = 1_000_000;
/// Bytes of text that cost as much as one node.
const TEXT_PER_NODE: usize = 32;

const MERGE_TAG: &str = "tag:yaml.org,2002:merge";

/// How many more nodes the aliases of a stream may add.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Budget {
    /// The budget for a whole stream.
    pub(super) fn new() -> Self {
        Self(MAX_EXPANSION)
    }
}

/// The value of a document.
pub(super) fn compose(root: &Node, budget: &mut Budget) -> Result<Value, Fault> {
    let mut anchors = HashMap::new();
    collect_anchors(root, &mut anchors);
    let mut composer = Composer { anchors, open: Vec::new(), budget };
    composer.value(root, 0)
}

/// The text of a key that is a scalar in its own right, for finding it again in the tree.
pub(super) fn key_text(key: &Node) -> Option<String> {
    match &key.kind {
        Kind::Scalar { text, style } => scalar::resolve(text, *style, key.tag.as_deref()).ok()?.into_key(),
        _ => None,
    }
}

/// Whether a key is the merge key. goyaml goes by the text, unless quotes or a tag say otherwise.
pub(super) fn is_merge(key: &Node) -> bool {
    match (&key.kind, key.tag.as_deref()) {
        (Kind::Scalar { text, style }, None) => text == "<<" && *style == Style::Plain,
        (Kind::Scalar { text, .. }, Some("!" | MERGE_TAG)) => text == "<<",
        _ => false,
    }
}

fn collect_anchors<'t>(node: &'t Node, anchors: &mut HashMap<usize, &'t Node>) {
    if node.anchor != 0 {
        anchors.insert(node.anchor, node);
    }
    match &node.kind {
        Kind::Scalar { .. } | Kind::Alias { .. } => {}
        Kind::Sequence { items, .. } => {
            for item in items {
                collect_anchors(item, anchors);
            }
        }
        Kind::Mapping { pairs, .. } => {
            for KeyValue { key, value } in pairs {
                collect_anchors(key, anchors);
                collect_anchors(value, anchors);
            }
        }
    }
}

struct Composer<'t> {
    anchors: HashMap<usize, &'t Node>,
    /// Anchors whose aliases are being followed.
    open: Vec<usize>,
    budget: &'t mut Budget,
}

impl<'t> Composer<'t> {
    fn value(&mut self, node: &'t Node, depth: usize) -> Result<Value, Fault> {
        self.spend(node)?;
        if depth > MAX_DEPTH {
            return Err(Fault::at(node.line, Problem::Depth(MAX_DEPTH)));
        }
        match &node.kind {
            Kind::Scalar { text, style } => scalar::resolve(text, *style, node.tag.as_deref())
                .and_then(scalar::Scalar::into_value)
                .map_err(|problem| Fault::at(node.line, problem)),
            Kind::Alias { anchor } => {
                self.follow(node, *anchor, |composer, target| composer.value(target, depth))
            }
            Kind::Sequence { items, .. } => items
                .iter()
                .map(|item| self.value(item, depth + 1))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            Kind::Mapping { pairs, .. } => {
                let mut map = Map::new();
                self.fill(&mut map, pairs, depth)?;
                Ok(Value::Object(map))
            }
        }
    }

    /// Puts the pairs into the map in their order. A merge key takes effect where it stands: it
    /// overrides keys before it and is overridden by keys after it.
    fn fill(
        &mut self,
        map: &mut Map<String, Value>,
        pairs: &'t [KeyValue],
        depth: usize,
    ) -> Result<(), Fault> {
        for KeyValue { key, value } in pairs {
            if is_merge(key) {
                self.merge(map, value, depth)?;
            } else {
                let text = self.key(key)?;
                let value = self.value(value, depth + 1)?;
                map.insert(text, value);
            }
        }
        Ok(())
    }

    fn merge(&mut self, map: &mut Map<String, Value>, value: &'t Node, depth: usize) -> Result<(), Fault> {
        match &value.kind {
            // The first of the list wins, so it goes last.
            Kind::Sequence { items, .. } => {
                items.iter().rev().try_for_each(|item| self.merge_one(map, item, depth))
            }
            _ => self.merge_one(map, value, depth),
        }
    }

    fn merge_one(
        &mut self,
        map: &mut Map<String, Value>,
        value: &'t Node,
        depth: usize,
    ) -> Result<(), Fault> {
        self.spend(value)?;
        if depth > MAX_DEPTH {
            return Err(Fault::at(value.line, Problem::Depth(MAX_DEPTH)));
        }
        match &value.kind {
            Kind::Mapping { pairs, .. } => self.fill(map, pairs, depth + 1),
            Kind::Alias { anchor } => {
                let line = value.line;
                self.follow(value, *anchor, |composer, target| match &target.kind {
                    Kind::Mapping { pairs, .. } => composer.fill(map, pairs, depth + 1),
                    _ => Err(Fault::at(line, Problem::Merge)),
                })
            }
            _ => Err(Fault::at(value.line, Problem::Merge)),
        }
    }

    fn key(&mut self, key: &'t Node) -> Result<String, Fault> {
        self.spend(key)?;
        let text = match &key.kind {
            Kind::Scalar { text, style } => scalar::resolve(text, *style, key.tag.as_deref())
                .map_err(|problem| Fault::at(key.line, problem))?
                .into_key(),
            Kind::Alias { anchor } => Some(self.follow(key, *anchor, Self::key)?),
            Kind::Sequence { .. } | Kind::Mapping { .. } => None,
        };
        text.ok_or_else(|| Fault::at(key.line, Problem::Key))
    }

    fn follow<T>(
        &mut self,
        alias: &Node,
        anchor: usize,
        read: impl FnOnce(&mut Self, &'t Node) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let target = self.anchors.get(&anchor).copied();
        let target = target.ok_or_else(|| Fault::at(alias.line, Problem::Alias))?;
        if self.open.contains(&anchor) {
            return Err(Fault::at(alias.line, Problem::Cycle));
        }
        self.open.push(anchor);
        let read = read(self, target);
        self.open.pop();
        read
    }

    /// Charges a node that an alias repeats; the text itself bounds the nodes that are written out.
    fn spend(&mut self, node: &Node) -> Result<(), Fault> {
        if self.open.is_empty() {
            return Ok(());
        }
        let text = match &node.kind {
            Kind::Scalar { text, .. } => text.len(),
            _ => 0,
        };
        match self.budget.0.checked_sub(1 + text / TEXT_PER_NODE) {
            Some(left) => self.budget.0 = left,
            None => return Err(Fault::at(node.line, Problem::Expansion(MAX_EXPANSION))),
        }
        Ok(())
    }
}
