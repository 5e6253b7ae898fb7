//! The file that holds the role policy, and the policy that counts: the last good one. Whoever admits a
//! pod takes it from here; `inject` reads it once. What it says is judged in [`injection::policy`].

mod format;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use injection::policy::{ActivePolicy, PolicyMode, RolePolicy};

use crate::source::file::{self, FileError, Parts};
use crate::source::{Complaint, Source};

pub use format::{Mistake, PolicyError, parse};

/// The source's name in log, metrics and readiness.
pub const NAME: &str = "role-policy";

/// The policy of a server, whose file is followed, and what is done about what it does not allow.
#[derive(Debug)]
pub struct PolicyFile {
    source: Arc<Source<RolePolicy>>,
    mode: PolicyMode,
    path: Arc<str>,
}

/// The policy as it was when an admission began: it stays the same to the end.
#[derive(Debug)]
pub struct Snapshot {
    policy: Arc<RolePolicy>,
    mode: PolicyMode,
    path: Arc<str>,
}

/// Why a policy could not be read: `inject` ends, for it knows no last good one.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PolicyReadError(#[from] FileError<PolicyError>);

impl PolicyFile {
    /// The policy that a task keeps in `source` while it follows the file at `path`.
    #[must_use]
    pub fn new(path: &Path, mode: PolicyMode, source: Arc<Source<RolePolicy>>) -> Self {
        Self { source, mode, path: shown(path) }
    }

    /// The policy that counts; `None` before the first was read: then nobody can tell what is allowed.
    #[must_use]
    pub fn current(&self) -> Option<Snapshot> {
        let Self { source, mode, path } = self;
        Some(Snapshot { policy: source.current()?, mode: *mode, path: path.clone() })
    }
}

impl Snapshot {
    /// The policy that a file holds now.
    pub fn read(path: &Path, mode: PolicyMode) -> Result<Self, PolicyReadError> {
        let PolicyDocument(policy) = file::read_now(path)?;
        Ok(Self { policy: Arc::new(policy), mode, path: shown(path) })
    }

    /// The same, for a decision.
    #[must_use]
    pub fn active(&self) -> ActivePolicy<'_> {
        let Self { policy, mode, path } = self;
        ActivePolicy { policy, mode: *mode, file: path }
    }
}

fn shown(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

/// Keeps `source` at what the file at `path` says, for ever; whether or not there is one yet.
pub async fn follow(path: PathBuf, source: Arc<Source<RolePolicy>>) {
    file::follow::<PolicyDocument>(path, source).await;
}

/// What the file says.
struct PolicyDocument(RolePolicy);

impl file::FileFormat for PolicyDocument {
    type Set = RolePolicy;
    type Error = PolicyError;

    const WHAT: &'static str = "rules";

    /// What a ConfigMap can hold; parsed, YAML takes many times its size.
    const LIMIT: u64 = 1 << 20;

    /// The first part of a file in YAML may be a policy as well, and another one: what follows it may be what
    /// narrows its last rule.
    const PARTS: Parts = Parts::MayPass;

    fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        parse(bytes).map(Self)
    }

    /// Whoever takes the policy away must not have taken away what it forbids; nor what it allows.
    fn nothing() -> Option<Self> {
        None
    }

    fn into_set(self) -> (RolePolicy, Option<Complaint>) {
        let Self(policy) = self;
        (policy, None)
    }
}
