//! What is wrong with a kubeconfig.

use std::path::{Path, PathBuf};

/// Why a kubeconfig cannot be used. The start fails with it. No text quotes more of the file than names and versions, for
/// it holds secrets; all go on after its path.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KubeconfigError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It is not YAML and not JSON, or no mapping.
    #[error("it is not YAML or JSON of a kubeconfig{0}")]
    Syntax(String),
    /// There is more than one document in it, of which Go's client reads the first.
    #[error("it has more than one YAML document: leave one")]
    Documents,
    /// It is something else.
    #[error("it is {kind:?} of {api_version:?}: only Config of v1 is supported")]
    Foreign {
        /// Its kind.
        kind: String,
        /// Its version.
        api_version: String,
    },
    /// It does not say which context is meant.
    #[error("it has no current-context: set one, for instance with kubectl config use-context")]
    NoContext,
    /// Something that it names is not in it.
    #[error("its {what} {name:?} is not in it")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It has two things of one name.
    #[error("it has two {what} with the name {name:?}: remove one")]
    Twice {
        /// What there are two of.
        what: &'static str,
        /// Their name.
        name: String,
    },
    /// Two fields exclude each other.
    #[error("it has both {0} and {1}: remove one")]
    Both(&'static str, &'static str),
    /// A field is of no use without another.
    #[error("it has {0} without {1}")]
    Alone(&'static str, &'static str),
    /// A field cannot be used.
    #[error("its {field} {why}")]
    Field {
        /// The field, below its user, cluster or context.
        field: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// What fields say together cannot be used: the text of who found out.
    #[error("{0}")]
    Use(String),
}

/// What is wrong with one of several files, or with all of them together.
#[derive(Debug)]
pub(in crate::kubernetes) struct MisreadError {
    /// The files that it is about.
    pub(in crate::kubernetes) files: Vec<PathBuf>,
    /// What is wrong.
    pub(in crate::kubernetes) source: KubeconfigError,
}

impl MisreadError {
    pub(super) fn of<'a>(files: impl IntoIterator<Item = &'a Path>, source: KubeconfigError) -> Self {
        Self { files: files.into_iter().map(Path::to_owned).collect(), source }
    }
}

impl KubeconfigError {
    /// A field that cannot be used.
    pub(super) fn field(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Field { field: field.into(), why: why.into() }
    }
}
