//! What can go wrong with a stream of manifests, and where.

use thiserror::Error;

/// A stream could not be read. The caller shows this and stops: a document that was read in part would
/// be written wrongly.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("document {document}, line {line}{}: {problem}", column_text(*.column))]
pub struct Error {
    /// Number of the document, counted from 1; documents without content are not counted.
    pub document: usize,
    /// Line within the whole text, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1, where the parser knows it.
    pub column: Option<usize>,
    /// What is wrong there.
    pub problem: Problem,
}

fn column_text(column: Option<usize>) -> String {
    column.map_or_else(String::new, |column| format!(", column {column}"))
}

/// Why a place in the text cannot be read as kubectl would read it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The YAML parser refused the text.
    #[error("{0}")]
    Yaml(String),
    /// The JSON parser refused the text.
    #[error("{0}")]
    Json(String),
    /// kubectl allows only spaces and a comment after `---`.
    #[error("invalid document separator: `---` is followed by {0:?}")]
    Separator(String),
    /// A character that YAML forbids.
    #[error("character U+{0:04X} is not allowed in YAML")]
    Character(u32),
    /// A character that YAML 1.1 takes for a line break and YAML 1.2 does not.
    #[error("character U+{0:04X} is a line break for kubectl; write it as an escape in double quotes")]
    LineBreak(u32),
    /// A spelling that YAML 1.2 reads and that kubectl refuses or takes for something else.
    #[error("kubectl would read this differently: {0}")]
    Dialect(&'static str),
    /// Collections are nested too deep.
    #[error("nested more than {0} levels deep")]
    Depth(usize),
    /// Aliases make the document too large.
    #[error("aliases expand to more than {0} nodes")]
    Expansion(usize),
    /// An alias stands inside the node that it refers to.
    #[error("the alias is part of the value that it refers to")]
    Cycle,
    /// The anchor of an alias is not in the document.
    #[error("the alias refers to an anchor that is not in this document")]
    Alias,
    /// `<<` with something other than a mapping or a list of mappings.
    #[error("a merge key `<<` needs a mapping or a list of mappings")]
    Merge,
    /// A mapping key that JSON has no text for (null, a collection, beyond 63 bits).
    #[error("a mapping key has to be a string, number or boolean")]
    Key,
    /// An explicit tag that the text does not fit.
    #[error("cannot read {text:?} as {tag}")]
    Tag {
        /// The tag as written in full.
        tag: String,
        /// The scalar's text.
        text: String,
    },
    /// A duplicate key, for readers that refuse them.
    #[error("duplicate key {0:?}")]
    DuplicateKey(String),
    /// An alias or a merge key, for readers that do not follow them.
    #[error("aliases and merge keys are not supported here; write the value out")]
    Aliased,
    /// A second document, for readers that take one.
    #[error("more than one document")]
    SecondDocument,
    /// `.inf` and `.nan`, which JSON cannot hold.
    #[error("{0:?} is a number that JSON cannot hold")]
    Number(String),
}

/// A patched stream could not be written. The caller shows this and stops.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A patch does not fit its document.
    #[error("failed to apply the patch to document {document}")]
    ApplyPatch {
        /// Number of the document, counted from 1.
        document: usize,
        /// The operation that failed.
        source: json_patch::PatchError,
    },
    /// Neither the edited nor the re-emitted text reads back as the patched value.
    #[error("failed to write document {document} with its patch: the new text would read back differently")]
    ReadBack {
        /// Number of the document, counted from 1.
        document: usize,
    },
}

/// A problem and its place within one document's text; it becomes an [`struct@Error`] once the document's
/// own place in the stream is known.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) column: Option<usize>,
    pub(super) problem: Problem,
}

impl Fault {
    /// A fault at a line whose column is not known.
    pub(super) fn at(line: usize, problem: Problem) -> Self {
        Self { line, column: None, problem }
    }
}
