//! What is remembered of a rotation, in a file: of which keys it is, and since when things are as they are.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::source::regular_file::{self, ReadError};

/// Bytes of the file: it has a few ids.
const LARGEST: u64 = 1 << 20;

/// The form of the file; another one is of another version of this program.
const VERSION: u32 = 1;

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Progress {
    pub(super) version: u32,
    pub(super) issuer: String,
    /// Ids of the keys that signed when it began.
    pub(super) old: BTreeSet<String>,
    /// Id of the key that is to sign.
    pub(super) new: String,
    /// URLs of the API servers that were seen: one that is not asked any more could sign with an old key unseen.
    pub(super) servers: BTreeSet<String>,
    /// Whether it began as an emergency.
    #[serde(default)]
    pub(super) emergency: bool,
    /// Since when the new key is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) published_since: Option<Timestamp>,
    /// Since when every API server signs with the new key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signing_since: Option<Timestamp>,
}

/// Why the file cannot be used. It is never written over then.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProgressError {
    #[error("failed to read {}: {source}", path.display())]
    Read { path: PathBuf, source: ReadError },
    #[error(
        "{} is not the file of a rotation: {why}; name another file with --state, or take this one away to begin anew",
        path.display()
    )]
    Damaged { path: PathBuf, why: String },
    #[error("{} is of a rotation of the issuer {issuer}: name another file with --state", path.display())]
    OtherIssuer { path: PathBuf, issuer: String },
    #[error(
        "{} is of a rotation to the key {kid}, and --new-key is {new}: finish that one first, or take the file away to begin anew",
        path.display()
    )]
    OtherKey { path: PathBuf, kid: String, new: String },
    #[error(
        "the API server {server} was seen before and is not named now: name it with --api-server, or if it is gone for good, take it out of \"servers\" in {}",
        path.display()
    )]
    Unnamed { path: PathBuf, server: String },
    #[error("failed to write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Progress {
    /// A rotation that begins, from the keys that sign.
    pub(super) fn begin(issuer: &str, old: BTreeSet<String>, new: &str, emergency: bool) -> Self {
        let (issuer, new) = (issuer.to_owned(), new.to_owned());
        let servers = BTreeSet::new();
        Self {
            version: VERSION,
            issuer,
            old,
            new,
            servers,
            emergency,
            published_since: None,
            signing_since: None,
        }
    }

    /// Takes these API servers for those of the cluster. One that was not seen before may have signed with the old key until
    /// now, so that the wait for tokens begins anew.
    ///
    /// # Errors
    /// One that was seen before is not among them; `path` is the rotation's file.
    pub(super) fn meet(&mut self, servers: BTreeSet<String>, path: &Path) -> Result<(), ProgressError> {
        if let Some(server) = self.servers.difference(&servers).next() {
            return Err(ProgressError::Unnamed { path: path.to_owned(), server: server.clone() });
        }
        if self.servers != servers {
            self.signing_since = None;
            self.servers = servers;
        }
        Ok(())
    }

    /// The rotation of a file; `None` if there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or is of another rotation.
    pub(super) fn read(path: &Path, issuer: &str, new: &str) -> Result<Option<Self>, ProgressError> {
        let bytes = match regular_file::read(path, LARGEST) {
            Ok(bytes) => bytes,
            Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ProgressError::Read { path: path.to_owned(), source }),
        };
        let damaged = |why: String| ProgressError::Damaged { path: path.to_owned(), why };
        let progress: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if progress.version != VERSION {
            return Err(damaged(format!(
                "it has version {}, and this program has {VERSION}",
                progress.version
            )));
        }
        if progress.issuer != issuer {
            return Err(ProgressError::OtherIssuer { path: path.to_owned(), issuer: progress.issuer });
        }
        if progress.new != new {
            let (path, new) = (path.to_owned(), new.to_owned());
            return Err(ProgressError::OtherKey { path, kid: progress.new, new });
        }
        Ok(Some(progress))
    }

    /// Writes the file: it is there whole, or as it was.
    pub(super) fn write(&self, path: &Path) -> Result<(), ProgressError> {
        let failed = |source| ProgressError::Write { path: path.to_owned(), source };
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let temporary = PathBuf::from(name);
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        // What a run that died has left; a new file has this mode, and is no link.
        drop(fs::remove_file(&temporary));
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
        let written = written.and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        });
        written.map_err(|error| {
            drop(fs::remove_file(&temporary));
            failed(error)
        })
    }
}
