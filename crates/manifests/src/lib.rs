//! A stream of Kubernetes manifests, read with the meaning that kubectl gives it and written back
//! with additions. `inject` calls it; it knows nothing of pods. What no patch touches keeps its
//! text to the byte; what the edited text means is checked by reading it back before it is used.

mod align;
mod comments;
mod compose;
mod edit;
mod emit;
mod error;
mod flow;
mod indent;
mod marked;
mod object;
mod place;
mod quote;
mod rewrite;
mod scalar;
mod splice;
mod split;
#[cfg(test)]
mod tests;
mod tree;

use std::borrow::Cow;

use serde_json::Value;

pub use error::{Error, Problem, RenderError};
pub use marked::{Marked, MarkedValue, document};
pub use object::Object;

use rewrite::Rewritten;
use split::{Piece, Syntax};

/// The text of a stream and the documents in it.
#[derive(Debug)]
pub struct Stream {
    text: String,
    /// Stretches of the text that make it up; a document's own text is one of them.
    pieces: Vec<Stretch>,
    documents: Vec<Document>,
}

#[derive(Debug)]
struct Stretch {
    piece: Piece,
    document: Option<usize>,
}

/// What is written between a JSON value and the next document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    Nothing,
    Separator,
}

/// A document with content.
#[derive(Debug)]
pub struct Document {
    number: usize,
    line: usize,
    value: Value,
}

/// A stream's text with its patches applied.
#[derive(Debug)]
pub struct Rendered {
    /// The whole text.
    pub text: String,
    /// The documents that could not be edited in place and have lost comments by being written anew, in
    /// their order.
    pub losses: Vec<Loss>,
}

/// The comments that a document has lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The document's number among those with content, from 1.
    pub document: usize,
    /// The line of the text as it was that had the first of the lost comments, from 1.
    pub line: usize,
}

/// Reads a stream of YAML documents or JSON values.
///
/// Documents end where kubectl's decoder ends them: at lines starting with `---`, or after each
/// JSON value of a text that starts with `{`.
///
/// # Errors
///
/// The first place that kubectl would refuse too, that JSON has no value for, or that would exhaust
/// memory.
pub fn parse(text: &str) -> Result<Stream, Error> {
    let mut documents = Vec::new();
    let pieces = split::split(text)?
        .into_iter()
        .map(|mut piece| {
            let document = piece.value.take().map(|value| {
                documents.push(Document { number: documents.len() + 1, line: piece.line, value });
                documents.len() - 1
            });
            Stretch { piece, document }
        })
        .collect();
    Ok(Stream { text: text.to_owned(), pieces, documents })
}

/// A JSON value as a YAML document, in kubectl's own style; readers of YAML 1.1 and of 1.2 read it back as it is.
#[must_use]
pub fn yaml(value: &Value) -> String {
    let lines = emit::Block::KUBECTL.document(value);
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

impl Stream {
    /// The documents in order. Empty ones (comments, nothing, null) are not among them; their
    /// text is kept all the same.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The stream's text with each document's patch applied, `patches` being in the order of
    /// [`Stream::documents`]. A document without a patch, with an empty one or with one that
    /// changes nothing keeps its text to the byte.
    ///
    /// # Errors
    ///
    /// A patch that does not apply, or a value that cannot be written so that it reads back.
    pub fn render(&self, patches: &[Option<json_patch::Patch>]) -> Result<Rendered, RenderError> {
        self.write(patches, Between::Nothing)
    }

    /// [`Stream::render`] for a text that will be joined with others by lines of `---`. kubectl reads
    /// such a text as YAML, so that JSON values need these lines between them too.
    pub fn render_among_others(
        &self,
        patches: &[Option<json_patch::Patch>],
    ) -> Result<Rendered, RenderError> {
        self.write(patches, Between::Separator)
    }

    /// Whether the whole text is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.pieces.iter().all(|stretch| stretch.piece.syntax == Syntax::Json)
    }

    fn write(
        &self,
        patches: &[Option<json_patch::Patch>],
        between: Between,
    ) -> Result<Rendered, RenderError> {
        let mut out = String::with_capacity(self.text.len());
        let mut losses = Vec::new();
        let mut is_after_json = false;
        let mut values = Vec::with_capacity(self.documents.len());
        for Stretch { piece, document } in &self.pieces {
            if document.is_some() {
                let text = self.text.get(piece.range.clone()).unwrap_or_default();
                if is_after_json && between == Between::Separator && !text.starts_with("---") {
                    if !out.ends_with('\n') {
                        out.push('\n');
                    }
                    out.push_str("---\n");
                }
                is_after_json = piece.syntax == Syntax::Json;
            }
            let before = self.text.get(piece.range.start..piece.body);
            let body = self.text.get(piece.body..piece.range.end).unwrap_or_default();
            out.push_str(before.unwrap_or_default());
            let patch = document.and_then(|index| patches.get(index)?.as_ref());
            let document = document.and_then(|index| self.documents.get(index));
            match (document, patch) {
                (Some(document), Some(patch)) if !patch.0.is_empty() => {
                    let value = document.patched(patch)?;
                    let Rewritten { text, lost } = document.rewritten(piece.syntax, body, &value)?;
                    out.push_str(&text);
                    let above = lost.and_then(|comment| body.get(..comment));
                    losses.extend(above.map(|above| Loss {
                        document: document.number,
                        line: piece.body_line + above.matches('\n').count(),
                    }));
                    values.push(Cow::Owned(value));
                }
                (document, _) => {
                    out.push_str(body);
                    values.extend(document.map(|document| Cow::Borrowed(&document.value)));
                }
            }
        }
        let is_untouched = values.iter().all(|value| matches!(value, Cow::Borrowed(_)));
        let text = if is_untouched { out } else { read_back(out, &values)? };
        Ok(Rendered { text, losses })
    }
}

/// The text, if its documents say these values. Each document was read back by itself, but where it
/// ends and how it is read depends on the text before it.
fn read_back(text: String, values: &[Cow<'_, Value>]) -> Result<String, RenderError> {
    // If there are more documents than before, the last one fell apart.
    let wrong = |number: usize| RenderError::ReadBack { document: number.min(values.len()) };
    let stream = parse(&text).map_err(|error| wrong(error.document))?;
    let mut read = stream.documents.iter();
    for (place, value) in values.iter().enumerate() {
        if !read.next().is_some_and(|read| rewrite::is_same(&read.value, value)) {
            return Err(wrong(place + 1));
        }
    }
    match read.next() {
        Some(more) => Err(wrong(more.number)),
        None => Ok(text),
    }
}

impl Document {
    /// The document's number among those with content, from 1.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// The line of the whole text on which the document's content starts, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// What the document says.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The object in the document, or the items in order if that is a List.
    #[must_use]
    pub fn objects(&self) -> Vec<Object<'_>> {
        let mut found = Vec::new();
        object::collect(&self.value, ("", ""), String::new(), &mut found);
        found
    }

    fn patched(&self, patch: &json_patch::Patch) -> Result<Value, RenderError> {
        let mut value = self.value.clone();
        json_patch::patch(&mut value, patch)
            .map_err(|source| RenderError::ApplyPatch { document: self.number, source })?;
        Ok(value)
    }

    fn rewritten(&self, syntax: Syntax, body: &str, value: &Value) -> Result<Rewritten, RenderError> {
        rewrite::rewrite(syntax, body, &self.value, value)
            .ok_or(RenderError::ReadBack { document: self.number })
    }
}
