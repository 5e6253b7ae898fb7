//! How many descriptors the process may have: as many as the system allows, for each connection takes one.

/// Raises the process's own limit to the one that only root may raise: many systems start services with
/// 1,024, for the sake of programs that use select(2).
pub(crate) fn raise() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "failed to raise the limit of open files");
    }
}

/// How many descriptors the process may have; `None`: any number.
pub(crate) fn allowed() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}
