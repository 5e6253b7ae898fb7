//! EKS Pod Identity's associations in a file, as EKS feeds its own webhook.

mod format;
mod terms;

use std::path::PathBuf;
use std::sync::Arc;

use crate::identities::association_set::AssociationSet;
use crate::source::file::{self, Parts};
use crate::source::{Complaint, Source};

pub use format::{AssociationFile, AssociationFileError};

/// The source's name in log, metrics and readiness.
pub const NAME: &str = "association-file";

/// Keeps `source` up to date with the file at `path`, for ever; the file need not exist yet.
pub async fn follow(path: PathBuf, source: Arc<Source<AssociationSet>>) {
    file::follow::<AssociationFile>(path, source).await;
}

impl file::FileFormat for AssociationFile {
    type Set = AssociationSet;
    type Error = AssociationFileError;

    const WHAT: &'static str = "associations";

    /// Bytes, enough for a quarter of a million associations.
    const LIMIT: u64 = 16 << 20;

    /// JSON ends with the bracket that it began with, so the first part of a file cannot be parsed.
    const PARTS: Parts = Parts::AreRefused;

    fn parse(bytes: &[u8]) -> Result<Self, AssociationFileError> {
        Self::parse(bytes)
    }

    /// A missing file has no associations: it need not be there.
    fn nothing() -> Option<Self> {
        Some(Self::default())
    }

    fn into_set(self) -> (AssociationSet, Option<Complaint>) {
        let Self { associations, complaint } = self;
        (associations, complaint)
    }
}
