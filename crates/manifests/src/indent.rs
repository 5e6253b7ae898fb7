//! Finds out how deep a document indents, so that what is added looks like its neighbours.

use super::emit::{Block, Texts};
use super::place::{column, is_first_on_line};
use super::tree::{KeyValue, Kind, Layout, Node};

/// The indentation that a document uses, going by its first nested collections.
pub(super) fn block_style(root: &Node, text: &str) -> Block {
    let (mut step, mut dash) = (None, None);
    survey(root, text, &mut step, &mut dash);
    Block { step: step.unwrap_or(2), dash: dash.unwrap_or(0), texts: Texts::Literal }
}

fn survey(node: &Node, text: &str, step: &mut Option<usize>, dash: &mut Option<usize>) {
    match &node.kind {
        Kind::Sequence { items, layout: Layout::Block } => {
            for item in items {
                survey(item, text, step, dash);
            }
        }
        Kind::Mapping { pairs, layout: Layout::Block } => {
            let outer = column(text, node.begin);
            for KeyValue { value, .. } in pairs {
                // On the line of an explicit key's colon, it begins where that leaves room for it.
                let inner = || {
                    let own_line = is_first_on_line(text, value.begin);
                    column(text, value.begin).checked_sub(outer).filter(|_| own_line)
                };
                match &value.kind {
                    Kind::Mapping { layout: Layout::Block, .. } if step.is_none() => {
                        *step = inner();
                    }
                    Kind::Sequence { layout: Layout::Block, .. } if dash.is_none() => {
                        *dash = inner();
                    }
                    _ => {}
                }
                if step.is_none() || dash.is_none() {
                    survey(value, text, step, dash);
                }
            }
        }
        _ => {}
    }
}
