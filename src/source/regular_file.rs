//! Reads a file that an operator names, and that may be anything: a pipe nobody writes to, a device without
//! an end, a dump.

use std::io::{self, Read};
use std::path::Path;

/// Why a file was not read. The caller keeps what it has.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The system said so.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A folder, a pipe, a device.
    #[error("not a regular file")]
    NotAFile,
    /// More than anything of its kind has.
    #[error("larger than {} MiB", .limit >> 20)]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
}

/// Reads a regular file of `limit` bytes at most. It blocks for as long as the file system does.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    // Not opened before it is known to be a file: to open a pipe would wait for its writer.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile);
    }
    let mut bytes = Vec::new();
    if metadata.len() <= limit {
        std::fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    }
    if metadata.len().max(bytes.len() as u64) > limit {
        return Err(ReadError::TooLarge { limit });
    }
    Ok(bytes)
}
