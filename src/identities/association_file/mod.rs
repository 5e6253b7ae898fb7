//! EKS Pod Identity's associations in a file, as EKS feeds its own webhook: read twice a second and
//! compared by its bytes, for a watch for writes misses kubelet's swap of the `..data` symlink.

mod format;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::associations::AssociationSet;
use super::source::Source;

pub use format::{Contents, FormatError};
pub(super) use format::{Entry, complaint, entries};

/// How often the file is read: a change counts within two seconds, also one that needs a second look.
const POLL: Duration = Duration::from_millis(500);

/// How long one reading may take; the file may be on a file system that hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Largest file that is read, in bytes: a quarter of a million associations.
const LIMIT: u64 = 16 << 20;

/// Why the file says nothing now. The last good set stays.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("failed to read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to read {}: not a regular file", .0.display())]
    NotAFile(PathBuf),
    #[error("failed to read {}: larger than {} MiB", .0.display(), LIMIT >> 20)]
    TooLarge(PathBuf),
    #[error("failed to read {}: {source}", path.display())]
    Format { path: PathBuf, source: FormatError },
}

/// Keeps `source` at what the file at `path` says, for ever; whether or not there is one yet.
pub async fn follow(path: PathBuf, source: Arc<Source<AssociationSet>>) {
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut file = File { path, seen: None };
    loop {
        poll.tick().await;
        let mut look = spawn_blocking(move || {
            let news = file.look();
            (file, news)
        });
        // One that hangs is waited for: another would hang beside it.
        let (back, news) = loop {
            match timeout(PATIENCE, &mut look).await {
                Ok(Ok(done)) => break done,
                // A panic, which ends this task and so the process.
                Ok(Err(_)) => return,
                Err(_) => source.fail(&format!("no answer from the file system within {PATIENCE:?}")),
            }
        };
        file = back;
        match news {
            Ok(News::Same) => source.confirm(),
            Ok(News::Wait) => {}
            Ok(News::Contents(contents)) => replace(&file.path, contents, &source),
            Err(error) => source.fail(&error.to_string()),
        }
    }
}

fn replace(path: &Path, contents: Contents, source: &Source<AssociationSet>) {
    let Contents { associations, complaint } = contents;
    let is_same = source.current().is_some_and(|current| *current == associations);
    let entries = associations.len();
    source.replace_but(associations, complaint);
    if !is_same {
        tracing::info!(path = %path.display(), entries, "associations replaced");
    }
}

/// The file and what was last seen of it.
struct File {
    path: PathBuf,
    seen: Option<Seen>,
}

enum Seen {
    /// No file or an empty one, at the last look for the first time.
    NothingYet,
    /// No file or an empty one.
    Nothing,
    /// These bytes, which are good.
    Bytes(Vec<u8>),
}

/// What a look at the file brings.
enum News {
    /// What it said before.
    Same,
    /// To be said at the next look.
    Wait,
    /// This.
    Contents(Contents),
}

impl File {
    fn look(&mut self) -> Result<News, FileError> {
        // Forgotten unless it is there again: whatever follows what cannot be read is news.
        let last = self.seen.take();
        let bytes = match self.read() {
            Ok(bytes) => bytes,
            Err(error) if error.is_missing() => Vec::new(),
            Err(error) => return Err(error),
        };
        let (seen, news) = if bytes.trim_ascii().is_empty() {
            nothing(last.as_ref())
        } else if matches!(&last, Some(Seen::Bytes(last)) if *last == bytes) {
            (Seen::Bytes(bytes), News::Same)
        } else {
            let contents = Contents::parse(&bytes)
                .map_err(|source| FileError::Format { path: self.path.clone(), source })?;
            (Seen::Bytes(bytes), News::Contents(contents))
        };
        self.seen = Some(seen);
        Ok(news)
    }

    fn read(&self) -> Result<Vec<u8>, FileError> {
        let failed = |source| FileError::Read { path: self.path.clone(), source };
        // Not opened before it is known to be a file: to open a pipe would wait for its writer.
        let metadata = std::fs::metadata(&self.path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(FileError::NotAFile(self.path.clone()));
        }
        let mut bytes = Vec::new();
        if metadata.len() <= LIMIT {
            let file = std::fs::File::open(&self.path).map_err(failed)?;
            file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
        }
        if metadata.len().max(bytes.len() as u64) > LIMIT {
            return Err(FileError::TooLarge(self.path.clone()));
        }
        Ok(bytes)
    }
}

/// Nothing is believed at the second look: whoever writes a file in place empties it first, and some
/// take it away before they put the new one there.
fn nothing(last: Option<&Seen>) -> (Seen, News) {
    match last {
        Some(Seen::Nothing) => (Seen::Nothing, News::Same),
        Some(Seen::NothingYet) => (Seen::Nothing, News::Contents(Contents::default())),
        Some(Seen::Bytes(_)) | None => (Seen::NothingYet, News::Wait),
    }
}

impl FileError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
