//! A folder that a server serves. A file is there whole or not at all: it is written under another name and renamed.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::task::spawn_blocking;

use super::{LARGEST, Object, Stored, TargetError};
use crate::source::regular_file::{self, ReadError};

/// Modes of files and folders: a server reads them that is another user, whatever the umask is.
const FILE: u32 = 0o644;
const FOLDER: u32 = 0o755;

/// A folder that is there.
#[derive(Debug, Clone)]
pub(in crate::issuer) struct Directory(PathBuf);

impl Directory {
    /// The folder of this name. It is not made: with a name that is spelled wrongly nothing would be served.
    pub(in crate::issuer) fn open(path: &Path) -> Result<Self, TargetError> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(Self(path.to_owned())),
            Ok(_) => Err(failed("use", path)(ErrorKind::NotADirectory.into())),
            Err(error) => Err(failed("use", path)(error)),
        }
    }

    pub(super) async fn read(&self, path: &str) -> Result<Option<Stored>, TargetError> {
        let path = self.0.join(path);
        blocking(move || read(&path)).await
    }

    pub(super) async fn write(&self, object: Object, over: Option<String>) -> Result<(), TargetError> {
        let root = self.0.clone();
        blocking(move || write(&root, &object, over.as_deref())).await
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TargetError> + Send + 'static,
) -> Result<T, TargetError> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(TargetError::Lost(error.to_string())))
}

fn read(path: &Path) -> Result<Option<Stored>, TargetError> {
    match regular_file::read(path, LARGEST) {
        Ok(bytes) => {
            let tag = STANDARD.encode(digest(&SHA256, &bytes));
            Ok(Some(Stored { bytes, tag, headers: None }))
        }
        Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(ReadError::Io(source)) => Err(failed("read", path)(source)),
        Err(error) => Err(TargetError::Unexpected { path: path.to_owned(), why: error.to_string() }),
    }
}

fn write(root: &Path, object: &Object, over: Option<&str>) -> Result<(), TargetError> {
    let path = root.join(&object.path);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed("write", &path)(ErrorKind::InvalidFilename.into()));
    };
    make_folders(root, folder).map_err(failed("make the folder", folder))?;
    // From the look at what is there to the rename, no other publisher writes. The kernel takes the lock away with the
    // process; a file system that knows no locks has one publisher, as everywhere else.
    let lock = File::open(root).map_err(failed("open", root))?;
    match lock.lock() {
        Err(error) if error.kind() != ErrorKind::Unsupported => return Err(failed("lock", root)(error)),
        _ => {}
    }
    if read(&path)?.map(|stored| stored.tag).as_deref() != over {
        return Err(TargetError::Changed(path.display().to_string()));
    }
    // Of the same file system, and hidden; under the lock the name is free but for what a publisher that died has left.
    let temporary = folder.join(format!(".{}.new", name.to_string_lossy()));
    let written = write_whole(&temporary, object.text.as_bytes()).and_then(|()| {
        fs::rename(&temporary, &path)?;
        File::open(folder)?.sync_all()
    });
    written.map_err(|error| {
        drop(fs::remove_file(&temporary));
        failed("write", &path)(error)
    })
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE).open(path)?;
    // The mode of a new file is less the umask.
    file.set_permissions(Permissions::from_mode(FILE))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the folders below the root that are missing.
fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    if folder == root || folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folders(root, parent)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(FOLDER)),
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TargetError {
    let path = path.to_owned();
    move |source| TargetError::File { doing, path, source }
}
