//! Finds where each node's text begins and ends, for `edit`. The parser's spans are exact for
//! scalars and flow collections; where a block collection begins and ends is read off the text
//! between them.

use super::tree::{KeyValue, Kind, Layout, Node, Style};

/// Sets `from`, `begin` and `last` throughout the tree. `None` means that the text is not laid out as
/// the tree says, so that it cannot be edited: the places are then incomplete.
pub(super) fn place(root: &mut Node, text: &str) -> Option<()> {
    place_block(root, text, 0)
}

fn place_block(node: &mut Node, text: &str, from: usize) -> Option<()> {
    let content = node.properties_end.unwrap_or(from);
    node.from = from;
    node.begin = if is_left_out(node) { content } else { skip_trivia(text, content) };
    let begin = node.begin;
    node.last = match &mut node.kind {
        Kind::Scalar { style, .. } if *style == Style::Block => block_scalar_end(text, begin, node.end),
        Kind::Scalar { .. } | Kind::Alias { .. } if node.start == node.end => begin,
        Kind::Scalar { .. } | Kind::Alias { .. } => node.end,
        Kind::Sequence { items, layout: Layout::Block } => place_items(items, text, begin)?,
        Kind::Mapping { pairs, layout: Layout::Block } => place_pairs(pairs, text, begin)?,
        Kind::Sequence { items, .. } => {
            items.iter_mut().for_each(place_flow);
            node.end
        }
        Kind::Mapping { pairs, .. } => {
            pairs.iter_mut().for_each(place_flow_pair);
            node.end
        }
    };
    Some(())
}

fn place_items(items: &mut [Node], text: &str, begin: usize) -> Option<usize> {
    let mut at = begin;
    for item in items {
        let dash = skip_trivia(text, at);
        if byte(text, dash) != Some(b'-') {
            return None;
        }
        place_block(item, text, dash + 1)?;
        at = item.last;
    }
    Some(at)
}

fn place_pairs(pairs: &mut [KeyValue], text: &str, begin: usize) -> Option<usize> {
    let mut at = begin;
    for KeyValue { key, value } in pairs {
        let start = skip_trivia(text, at);
        let colon = if is_indicator(text, start, b'?') {
            place_block(key, text, start + 1)?;
            skip_trivia(text, key.last)
        } else {
            place_block(key, text, start)?;
            let after = text.get(key.last..)?;
            key.last + (after.len() - after.trim_start_matches([' ', '\t']).len())
        };
        let from = match is_indicator(text, colon, b':') {
            true => colon + 1,
            // An explicit key may stand without a colon, its value being null.
            false if is_indicator(text, start, b'?') && is_left_out(value) => key.last,
            false => return None,
        };
        place_block(value, text, from)?;
        at = value.last;
    }
    Some(at)
}

/// Whether the `?` or `:` at this place introduces a key or a value, rather than being a text's first character.
fn is_indicator(text: &str, at: usize, indicator: u8) -> bool {
    byte(text, at) == Some(indicator) && byte(text, at + 1).is_none_or(|next| next.is_ascii_whitespace())
}

fn place_flow(node: &mut Node) {
    node.from = node.start;
    node.begin = node.start;
    node.last = node.end;
    match &mut node.kind {
        Kind::Scalar { .. } | Kind::Alias { .. } => {}
        Kind::Sequence { items, .. } => items.iter_mut().for_each(place_flow),
        Kind::Mapping { pairs, .. } => pairs.iter_mut().for_each(place_flow_pair),
    }
}

fn place_flow_pair(KeyValue { key, value }: &mut KeyValue) {
    place_flow(key);
    place_flow(value);
}

/// Whether the node has no text of its own, as the value of `key:`.
pub(super) fn is_left_out(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar { style, .. } => *style == Style::Plain && node.start == node.end,
        _ => false,
    }
}

/// The end of a block scalar. Blank lines at its end belong to it only if its header says `+`.
fn block_scalar_end(text: &str, begin: usize, end: usize) -> usize {
    let header_end = line_end(text, begin);
    let header = text.get(begin..header_end).unwrap_or_default();
    let indicators = header.split('#').next().unwrap_or_default();
    let header_end = begin + header.trim_end().len();
    let scalar = text.get(begin..end).unwrap_or_default();
    let kept = if indicators.contains('+') {
        // The span may reach into the next line's indentation.
        let lines = scalar.trim_end_matches([' ', '\t']);
        lines.strip_suffix('\n').unwrap_or(scalar)
    } else {
        scalar.trim_end()
    };
    header_end.max(begin + kept.len())
}

/// The first byte at or behind `at` that is neither space, line break nor comment.
pub(super) fn skip_trivia(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let mut comment = false;
    for (offset, character) in rest.char_indices() {
        match character {
            '\n' | '\r' => comment = false,
            _ if comment => {}
            ' ' | '\t' => {}
            '\u{feff}' if at + offset == 0 => {}
            '#' => comment = true,
            _ => return at + offset,
        }
    }
    text.len()
}

/// Where the line that holds `at` starts.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the line that holds `at` ends: its `\n`, or the end of the text.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let after = text.get(at..).unwrap_or_default();
    after.find('\n').map_or(text.len(), |newline| at + newline)
}

/// The spaces, or tabs in JSON, that the line of `at` starts with.
pub(super) fn indentation(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    let text_start = line.trim_start_matches([' ', '\t']);
    line.strip_suffix(text_start).unwrap_or_default()
}

/// Whether nothing but indentation precedes `at` on its line.
pub(super) fn is_first_on_line(text: &str, at: usize) -> bool {
    let before = text.get(line_start(text, at)..at).unwrap_or_default();
    before.chars().all(|character| matches!(character, ' ' | '\t' | '\u{feff}'))
}

/// The column of `at` from 0. Only indicators and spaces precede a block collection on its line,
/// so characters are columns.
pub(super) fn column(text: &str, at: usize) -> usize {
    let before = text.get(line_start(text, at)..at).unwrap_or_default();
    before.chars().filter(|character| *character != '\u{feff}').count()
}

/// The line break that the text uses, judged by its first.
pub(super) fn newline(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((line, _)) if line.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}
