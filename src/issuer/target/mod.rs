//! Where documents are written to: a folder that a server serves, or an S3 bucket.
//!
//! An object is written only over what was read before, so that of two publishers neither loses the other's keys.

mod directory;
#[cfg(feature = "eks-api")]
pub(super) mod s3;

use std::fmt;
use std::path::PathBuf;

pub(super) use directory::Directory;
#[cfg(feature = "eks-api")]
pub(super) use s3::S3;

/// Largest object that is read, in bytes: as large as a key set may be.
pub(super) const LARGEST: u64 = tokens::key_set::MAX_BYTES as u64;

/// Where documents are written to.
pub(super) enum Target {
    Directory(Directory),
    #[cfg(feature = "eks-api")]
    S3(S3),
}

/// What is written.
pub(super) struct Object {
    /// Its path below the target.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) headers: Headers,
}

/// How an object is served. A folder's server decides this by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) content_type: String,
    pub(super) cache_control: String,
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) bytes: Vec<u8>,
    /// By which it is told from what others write.
    pub(super) tag: String,
    /// How it is served, where that is stored with it.
    pub(super) headers: Option<Headers>,
}

/// Why an object was not read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    /// Somebody else wrote it in the meantime.
    #[error("{0} was changed by somebody else in the meantime")]
    Changed(String),
    /// The folder cannot be used.
    #[error("failed to {doing} {}: {source}", path.display())]
    File { doing: &'static str, path: PathBuf, source: std::io::Error },
    /// It is something that was not published by this.
    #[error("failed to read {}: {why}", path.display())]
    Unexpected { path: PathBuf, why: String },
    /// S3 does not do it.
    #[cfg(feature = "eks-api")]
    #[error("failed to {doing} s3://{bucket}/{key}: {source}")]
    S3 { doing: &'static str, bucket: String, key: String, source: s3::S3Error },
    /// The task that asks the file system is gone.
    #[error("failed to ask the file system: {0}")]
    Lost(String),
}

impl Target {
    /// What is at this path; `None` if nothing is.
    pub(super) async fn read(&self, path: &str) -> Result<Option<Stored>, TargetError> {
        match self {
            Self::Directory(directory) => directory.read(path).await,
            #[cfg(feature = "eks-api")]
            Self::S3(s3) => s3.read(path).await,
        }
    }

    /// Writes an object over the one that was read, or where there was none.
    pub(super) async fn write(&self, object: Object, over: Option<&Stored>) -> Result<(), TargetError> {
        let tag = over.map(|stored| stored.tag.clone());
        match self {
            Self::Directory(directory) => directory.write(object, tag).await,
            #[cfg(feature = "eks-api")]
            Self::S3(s3) => s3.write(object, tag).await,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(directory) => directory.fmt(f),
            #[cfg(feature = "eks-api")]
            Self::S3(s3) => s3.fmt(f),
        }
    }
}
