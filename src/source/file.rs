//! A file that is followed: read twice a second and compared by its bytes, because a watch for writes misses
//! kubelet's swap of the `..data` symlink. [`FileFormat`] reads what it says.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{Complaint, Source};
use crate::source::regular_file::{self, ReadError};

/// How often a file is read: a change takes effect within two seconds, even if it needs a second look.
const POLL: Duration = Duration::from_millis(500);

/// How long one reading may take; the file may be on a file system that hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// The contents of a file.
pub(crate) trait FileFormat: Sized + Send + 'static {
    /// The part of the contents that takes effect.
    type Set: PartialEq + Send + Sync + 'static;

    /// Why bytes cannot be read as such contents: one line that holds no secret.
    type Error: Error + Send + 'static;

    /// What the set is, in the plural.
    const WHAT: &'static str;

    /// Largest file that is read, in bytes.
    const LIMIT: u64;

    /// Whether the first part of a file can be told from a whole one.
    const PARTS: Parts;

    /// Reads a file that holds more than blanks.
    fn parse(bytes: &[u8]) -> Result<Self, Self::Error>;

    /// What a missing or empty file says; `None` where that is an error.
    fn nothing() -> Option<Self>;

    /// What takes effect, and a complaint about what does not.
    fn into_set(self) -> (Self::Set, Option<Complaint>);
}

/// Whether the first part of a file can be told from a whole one: some write a file in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// No first part can be read.
    AreRefused,
    /// Some first parts can be read and say less, so bytes count only once two looks in a row saw them.
    MayPass,
}

/// Why a file cannot be used now. The last good set stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError<E: Error + 'static> {
    #[error("failed to read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to read {}: not a regular file", .0.display())]
    NotAFile(PathBuf),
    #[error("failed to read {}: larger than {limit} MiB", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("failed to read {}: it is empty", .0.display())]
    Empty(PathBuf),
    #[error("failed to read {}: {source}", path.display())]
    Format { path: PathBuf, source: E },
}

/// Keeps `source` at what the file at `path` says, for ever; whether or not the file exists yet.
pub(crate) async fn follow<C: FileFormat>(path: PathBuf, source: Arc<Source<C::Set>>) {
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut file = File { path, seen: None };
    loop {
        poll.tick().await;
        let mut look = spawn_blocking(move || {
            let news = file.look::<C>();
            (file, news)
        });
        // A look that hangs is waited for: another would hang beside it.
        let (back, news) = loop {
            match timeout(PATIENCE, &mut look).await {
                Ok(Ok(done)) => break done,
                // The look panicked, which ends this task and so the process.
                Ok(Err(_)) => return,
                Err(_) => source.fail(&format!("no answer from the file system within {PATIENCE:?}")),
            }
        };
        file = back;
        match news {
            Ok(Look::Same) => source.confirm(),
            Ok(Look::Wait) => {}
            Ok(Look::Contents(contents)) => replace(&file.path, contents, &source),
            Err(error) => source.fail(&error.to_string()),
        }
    }
}

fn replace<C: FileFormat>(path: &Path, contents: C, source: &Source<C::Set>) {
    let (set, complaint) = contents.into_set();
    let entries = source.count(&set);
    let is_same = source.current().is_some_and(|current| *current == set);
    source.replace_but(set, complaint);
    if !is_same {
        tracing::info!(path = %path.display(), entries, "{} replaced", C::WHAT);
    }
}

/// Reads a file once, as it is now.
pub(crate) fn read_now<C: FileFormat>(path: &Path) -> Result<C, FileError<C::Error>> {
    let bytes = read::<C>(path)?;
    if bytes.trim_ascii().is_empty() {
        return C::nothing().ok_or_else(|| FileError::Empty(path.to_owned()));
    }
    parse(path, &bytes)
}

fn read<C: FileFormat>(path: &Path) -> Result<Vec<u8>, FileError<C::Error>> {
    regular_file::read(path, C::LIMIT).map_err(|error| match error {
        ReadError::Io(source) => FileError::Read { path: path.to_owned(), source },
        ReadError::NotAFile => FileError::NotAFile(path.to_owned()),
        ReadError::TooLarge { limit } => FileError::TooLarge { path: path.to_owned(), limit: limit >> 20 },
    })
}

fn parse<C: FileFormat>(path: &Path, bytes: &[u8]) -> Result<C, FileError<C::Error>> {
    C::parse(bytes).map_err(|source| FileError::Format { path: path.to_owned(), source })
}

/// The file and what was last seen of it.
struct File {
    path: PathBuf,
    seen: Option<Seen>,
}

enum Seen {
    /// No file or an empty one, which only the last look found.
    NothingYet,
    /// No file or an empty one, which two looks in a row found.
    Nothing,
    /// These bytes, which only the last look found.
    BytesYet(Vec<u8>),
    /// These bytes, which have taken effect.
    Bytes(Vec<u8>),
}

/// What a look at the file brings.
enum Look<C> {
    /// The file says what it said before.
    Same,
    /// What is new takes effect if the next look finds it too.
    Wait,
    /// These contents are new and take effect.
    Contents(C),
}

impl File {
    fn look<C: FileFormat>(&mut self) -> Result<Look<C>, FileError<C::Error>> {
        // This is forgotten unless found again now: anything that follows an unreadable file is news.
        let last = self.seen.take();
        let bytes = match read::<C>(&self.path) {
            Ok(bytes) if bytes.trim_ascii().is_empty() => {
                let why = FileError::Empty(self.path.clone());
                return self.nothing(last.as_ref(), why);
            }
            Ok(bytes) => bytes,
            Err(why) if why.is_missing() => return self.nothing(last.as_ref(), why),
            Err(error) => return Err(error),
        };
        if matches!(&last, Some(Seen::Bytes(last)) if *last == bytes) {
            self.seen = last;
            return Ok(Look::Same);
        }
        let contents = parse(&self.path, &bytes)?;
        let is_whole = match (C::PARTS, last) {
            (Parts::AreRefused, _) => true,
            (Parts::MayPass, Some(Seen::BytesYet(last))) => last == bytes,
            (Parts::MayPass, _) => false,
        };
        let (seen, news) = if is_whole {
            (Seen::Bytes(bytes), Look::Contents(contents))
        } else {
            (Seen::BytesYet(bytes), Look::Wait)
        };
        self.seen = Some(seen);
        Ok(news)
    }

    /// A missing or empty file counts only if two looks in a row find it so: a file that is written in place
    /// is empty first, and some writers remove it before they put the new one there.
    fn nothing<C: FileFormat>(
        &mut self,
        last: Option<&Seen>,
        why: FileError<C::Error>,
    ) -> Result<Look<C>, FileError<C::Error>> {
        let (seen, is_believed) = match last {
            Some(Seen::Nothing | Seen::NothingYet) => (Seen::Nothing, true),
            Some(Seen::Bytes(_) | Seen::BytesYet(_)) | None => (Seen::NothingYet, false),
        };
        self.seen = Some(seen);
        match (is_believed, last, C::nothing()) {
            (false, ..) => Ok(Look::Wait),
            (true, _, None) => Err(why),
            (true, Some(Seen::Nothing), Some(_)) => Ok(Look::Same),
            (true, _, Some(contents)) => Ok(Look::Contents(contents)),
        }
    }
}

impl<E: Error> FileError<E> {
    fn is_missing(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

#[cfg(test)]
mod tests;
