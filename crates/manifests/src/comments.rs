//! Finds comments, which the tree does not hold, in the text between its scalars. `rewrite` asks, to
//! tell what a document loses that is written anew.

use std::ops::Range;

use super::tree::{KeyValue, Kind, Node};

/// Where the first comment in a part of the text begins.
pub(super) fn first_comment(root: &Node, text: &str, part: Range<usize>) -> Option<usize> {
    let mut scalars = Vec::new();
    collect(root, &mut scalars);
    scalars.push(part.end..part.end);
    let mut at = part.start;
    for Range { start, end } in scalars {
        if let Some(comment) = between_scalars(text, at..start.min(part.end)) {
            return Some(comment);
        }
        at = at.max(end);
    }
    None
}

/// A `#` at the start of a line or behind a blank: any other is part of a tag.
fn between_scalars(text: &str, gap: Range<usize>) -> Option<usize> {
    let hashes = text.get(gap.clone())?.match_indices('#');
    hashes.map(|(offset, _)| gap.start + offset).find(|at| {
        let before = text.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with(char::is_whitespace)
    })
}

/// The places of the scalars' texts, in the order of the text.
fn collect(node: &Node, scalars: &mut Vec<Range<usize>>) {
    match &node.kind {
        // A block scalar starts below its indicator, which a comment may follow.
        Kind::Scalar { .. } => scalars.push(node.start..node.end),
        Kind::Alias { .. } => {}
        Kind::Sequence { items, .. } => items.iter().for_each(|item| collect(item, scalars)),
        Kind::Mapping { pairs, .. } => {
            for KeyValue { key, value } in pairs {
                collect(key, scalars);
                collect(value, scalars);
            }
        }
    }
}
