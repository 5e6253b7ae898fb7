//! One YAML document as a tree of nodes with their places in the text. `compose` reads its
//! meaning, `place` and `edit` its layout. Built from parser events without recursion, so depth
//! is bounded before anything recurses over it.

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::error::{Fault, Problem};

/// How deep collections may be nested. Manifests stay below 30, and `serde_json` stops at 128 too.
pub(super) const MAX_DEPTH: usize = 128;

/// A node of the document. Offsets are bytes of the parsed text.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    /// What the parser calls the start; for block collections only `begin` is reliable.
    pub(super) start: usize,
    pub(super) end: usize,
    /// End of the anchor and tag, if there are any.
    pub(super) properties_end: Option<usize>,
    /// The parser's number for the anchor; 0 if there is none.
    pub(super) anchor: usize,
    pub(super) tag: Option<String>,
    pub(super) kind: Kind,
    /// Just behind the `:`, `-` or `?` that introduces the node, or else where the text before it ends.
    /// Set by `place`, as are the next two.
    pub(super) from: usize,
    /// First byte of the node behind its properties.
    pub(super) begin: usize,
    /// Behind its last byte of content; comments and blank lines that follow are not content.
    pub(super) last: usize,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Kind {
    Scalar { text: String, style: Style },
    Sequence { items: Vec<Node>, layout: Layout },
    Mapping { pairs: Vec<KeyValue>, layout: Layout },
    Alias { anchor: usize },
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct KeyValue {
    pub(super) key: Node,
    pub(super) value: Node,
}

/// How a scalar is written, as far as its meaning or its extent depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Quoted,
    Block,
}

/// How a collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Block,
    Flow,
}

/// Reads the first document of `text`, or `None` if there is none; kubectl ignores what follows a
/// `...` line.
pub(super) fn read(text: &str) -> Result<Option<Node>, Fault> {
    let options = granit_parser::options! {
        emit_anchor_events: true,
        emit_comments: false,
        // goyaml skips a byte order mark at the very start only.
        bom_inside_document_as_content: true,
        block_nesting_limit: MAX_DEPTH + 1,
        flow_nesting_limit: MAX_DEPTH + 1,
    };
    let mut builder = Builder { text, open: Vec::new(), root: None };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Fault {
            line: error.marker().line(),
            column: Some(error.marker().col() + 1),
            problem: Problem::Yaml(error.info()),
        })?;
        if matches!(event, Event::DocumentEnd) {
            break;
        }
        builder.take(event, &span)?;
    }
    Ok(builder.root)
}

struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    root: Option<Node>,
}

/// A collection that is not complete yet, and the key whose value comes next.
struct Open {
    node: Node,
    key: Option<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Fault> {
        self.check_dialect(&event, span)
            .map_err(|what| Fault::at(span.start.line(), Problem::Dialect(what)))?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    _ => Style::Quoted,
                };
                // The parser reports a value left out as `~`.
                let left_out = style == Style::Plain && span.is_empty();
                let text = if left_out { String::new() } else { text.into_owned() };
                let tag = tag.map(|tag| full_tag(&tag));
                self.close(node(span, anchor, tag, Kind::Scalar { text, style }));
            }
            Event::Alias(anchor) => self.close(node(span, 0, None, Kind::Alias { anchor })),
            Event::SequenceStart(style, anchor, tag) => {
                let kind = Kind::Sequence { items: Vec::new(), layout: layout(style) };
                let tag = tag.map(|tag| full_tag(&tag));
                self.open(node(span, anchor, tag, kind))?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = Kind::Mapping { pairs: Vec::new(), layout: layout(style) };
                let tag = tag.map(|tag| full_tag(&tag));
                self.open(node(span, anchor, tag, kind))?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(mut open) = self.open.pop() {
                    open.node.end = bytes(span).1;
                    self.close(open.node);
                }
            }
            Event::Anchor(..) => self.anchor(span),
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, node: Node) -> Result<(), Fault> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault::at(node.line, Problem::Depth(MAX_DEPTH)));
        }
        self.open.push(Open { node, key: None });
        Ok(())
    }

    fn close(&mut self, node: Node) {
        let Some(Open { node: parent, key }) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut parent.kind {
            Kind::Sequence { items, .. } => items.push(node),
            Kind::Mapping { pairs, .. } => match key.take() {
                Some(key) => pairs.push(KeyValue { key, value: node }),
                None => *key = Some(node),
            },
            Kind::Scalar { .. } | Kind::Alias { .. } => {}
        }
    }

    /// Refuses the few spellings that goyaml's YAML 1.1 scanner takes for something else than the
    /// 1.2 parser. (Spellings that goyaml only refuses are left to kubectl.)
    fn check_dialect(&self, event: &Event<'_>, span: &Span) -> Result<(), &'static str> {
        let (start, end) = bytes(span);
        let behind = |at: usize| self.text.as_bytes().get(at).copied();
        if let Some((_, tag_end)) = span.tag_span().map(|tag| bytes(&tag))
            && behind(tag_end) == Some(b',')
        {
            return Err("the comma would be part of the tag; put a space before it");
        }
        let in_flow = self.open.last().is_some_and(|open| {
            matches!(
                open.node.kind,
                Kind::Sequence { layout: Layout::Flow, .. } | Kind::Mapping { layout: Layout::Flow, .. }
            )
        });
        match event {
            Event::Anchor(_, name) => {
                let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                if !name.bytes().all(is_known) {
                    return Err("the name of an anchor may hold letters, digits, `_` and `-` only");
                }
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) if in_flow && start != end => {
                if text.contains('?') {
                    return Err("a `?` without quotes inside `[]` or `{}`; put the text in quotes");
                }
                let joined = matches!(behind(end + 1), Some(b',' | b'[' | b']' | b'{' | b'}'));
                if behind(end) == Some(b':') && joined {
                    return Err("the colon would be part of the text; put a space after it");
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The event follows the node that bears the anchor: the collection just opened or the scalar
    /// just closed.
    fn anchor(&mut self, span: &Span) {
        let latest = match self.open.last_mut() {
            None => self.root.as_mut(),
            Some(Open { node, key }) => match &mut node.kind {
                _ if key.is_some() => key.as_mut(),
                Kind::Sequence { items, .. } if !items.is_empty() => items.last_mut(),
                Kind::Mapping { pairs, .. } if !pairs.is_empty() => {
                    pairs.last_mut().map(|pair| &mut pair.value)
                }
                _ => Some(node),
            },
        };
        if let Some(node) = latest {
            let end = bytes(span).1;
            node.properties_end = Some(node.properties_end.map_or(end, |tag| tag.max(end)));
        }
    }
}

fn node(span: &Span, anchor: usize, tag: Option<String>, kind: Kind) -> Node {
    let (start, end) = bytes(span);
    Node {
        line: span.start.line(),
        start,
        end,
        properties_end: span.tag_span().map(|tag| bytes(&tag).1),
        anchor,
        tag,
        kind,
        from: start,
        begin: start,
        last: end,
    }
}

/// The span's byte offsets. The parser gives them for every span of a string.
fn bytes(span: &Span) -> (usize, usize) {
    span.byte_range().map_or((0, 0), |range| (range.start, range.end))
}

fn full_tag(tag: &granit_parser::Tag) -> String {
    format!("{}{}", tag.handle(), tag.suffix())
}

fn layout(style: StructureStyle) -> Layout {
    match style {
        StructureStyle::Block => Layout::Block,
        StructureStyle::Flow => Layout::Flow,
    }
}
