//! Reads a file that an operator names and that may be anything: a pipe without a writer, a device without an
//! end, a dump.

use std::io::{self, Read};
use std::path::Path;

/// Why a file was not read. The caller keeps what it has.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The operating system reported an error.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is a folder, a pipe or a device.
    #[error("not a regular file")]
    NotAFile,
    /// It is larger than any file of its kind.
    #[error("larger than {} MiB", .limit >> 20)]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
}

/// Reads a regular file of `limit` bytes at most. It blocks for as long as the file system does.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    // The file is looked at before it is opened: opening a pipe would wait for its writer.
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
