//! How many descriptors the process may have, each connection one: as many as the system allows, and no more
//! connections than that.

use crate::settings::Limits;

/// What else has a descriptor: the listeners, the runtime, files that are read, the log, and connections to
/// the API server, of which there are a few dozen.
const RESERVE: u64 = 128;

/// Raises the process's own limit to the one that only root may raise: many start services with 1,024, for
/// the sake of programs that use select(2).
pub(crate) fn raise() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "failed to raise the limit of open files");
    }
}

/// How many the process may have; `None`: any number.
pub(crate) fn allowed() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Lowers the connections to what there are descriptors for; whether they had to be.
pub(crate) fn fit(limits: &mut Limits, allowed: Option<u64>) -> bool {
    let Some(allowed) = allowed else {
        return false;
    };
    let metrics = limits.of_metrics_port().connections as u64;
    let left = usize::try_from(allowed.saturating_sub(metrics + RESERVE)).unwrap_or(usize::MAX).max(1);
    let fits = limits.connections <= left;
    limits.connections = limits.connections.min(left);
    if !fits && limits.connections_per_peer > 0 {
        limits.connections_per_peer = limits.connections_per_peer.min(left.div_ceil(2));
    }
    !fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_have_no_descriptor_are_not_promised() {
        let fitted = |allowed, per_peer| {
            let mut limits = Limits { connections_per_peer: per_peer, ..Limits::default() };
            let is_lowered = fit(&mut limits, allowed);
            (is_lowered, limits.connections, limits.connections_per_peer)
        };
        assert_eq!(fitted(None, 500), (false, 1000, 500));
        assert_eq!(fitted(Some(1000 + 128 + RESERVE), 500), (false, 1000, 500));
        assert_eq!(fitted(Some(1024), 500), (true, 768, 384));
        assert_eq!(fitted(Some(1024), 0), (true, 768, 0));
        assert_eq!(fitted(Some(10), 500), (true, 1, 1));
    }
}
