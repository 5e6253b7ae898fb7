//! The file that holds the role policy, and the policy that counts: the last good one. The admission path
//! takes it from here; `inject` reads it once. What it allows is decided in [`injection::policy`].

mod format;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use injection::AccountName;
use injection::policy::{ActivePolicy, Forbidden, PolicyMode, RolePolicy, Ruling};

use crate::source::file::{self, FileError, Parts};
use crate::source::{Complaint, Source};

pub use format::{Mistake, PolicyError, parse};

/// The source's name in log, metrics and readiness.
pub const NAME: &str = "role-policy";

/// The policy of a server, whose file is followed, and what is done about what it does not allow.
#[derive(Debug, Clone)]
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

/// Why a policy could not be read. It ends `inject`, which has no last good one.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PolicyReadError(#[from] FileError<PolicyError>);

impl PolicyFile {
    /// The policy that a task keeps in `source` while it follows the file at `path`.
    #[must_use]
    pub fn new(path: &Path, mode: PolicyMode, source: Arc<Source<RolePolicy>>) -> Self {
        Self { source, mode, path: shown(path) }
    }

    /// The policy that counts; `None` before the first was read: then it is not known what is allowed.
    #[must_use]
    pub fn current(&self) -> Option<Snapshot> {
        let Self { source, mode, path } = self;
        Some(Snapshot { policy: source.current()?, mode: *mode, path: path.clone() })
    }
}

impl Snapshot {
    /// A policy that is in force as long as this is held; `path` is for people.
    #[must_use]
    pub fn new(policy: RolePolicy, mode: PolicyMode, path: &str) -> Self {
        Self { policy: Arc::new(policy), mode, path: path.into() }
    }

    /// The policy that a file holds now.
    pub fn read(path: &Path, mode: PolicyMode) -> Result<Self, PolicyReadError> {
        let PolicyDocument(policy) = file::read_now(path)?;
        Ok(Self { policy: Arc::new(policy), mode, path: shown(path) })
    }

    /// What is done about a role that the policy does not allow.
    #[must_use]
    pub fn mode(&self) -> PolicyMode {
        self.mode
    }

    /// The first of these roles that the policy does not allow to an account, and why.
    #[must_use]
    pub fn forbidden<'r>(
        &self,
        account: AccountName<'_>,
        roles: impl IntoIterator<Item = &'r str>,
    ) -> Option<(&'r str, Forbidden)> {
        roles.into_iter().find_map(|role| match self.policy.judge(account, role) {
            Ruling::Allowed { .. } => None,
            Ruling::Forbidden(why) => Some((role, why)),
        })
    }

    /// The policy itself.
    #[must_use]
    pub fn policy(&self) -> Arc<RolePolicy> {
        self.policy.clone()
    }

    /// The policy in the form that a decision takes.
    #[must_use]
    pub fn active(&self) -> ActivePolicy<'_> {
        let Self { policy, mode, path } = self;
        ActivePolicy { policy, mode: *mode, file: path }
    }
}

fn shown(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

/// Keeps `source` up to date with the file at `path`, for ever; the file need not exist yet.
pub async fn follow(path: PathBuf, source: Arc<Source<RolePolicy>>) {
    file::follow::<PolicyDocument>(path, source).await;
}

/// What the file says.
struct PolicyDocument(RolePolicy);

impl file::FileFormat for PolicyDocument {
    type Set = RolePolicy;
    type Error = PolicyError;

    const WHAT: &'static str = "rules";

    /// Bytes, as many as a ConfigMap can hold; parsed, YAML takes many times its size.
    const LIMIT: u64 = 1 << 20;

    /// The first part of a YAML file may be a policy too, but a different one: the rest may narrow its last
    /// rule.
    const PARTS: Parts = Parts::MayPass;

    fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        parse(bytes).map(Self)
    }

    /// Removing the file must not lift what the policy forbids, nor withdraw what it allows.
    fn nothing() -> Option<Self> {
        None
    }

    fn into_set(self) -> (RolePolicy, Option<Complaint>) {
        let Self(policy) = self;
        (policy, None)
    }
}
