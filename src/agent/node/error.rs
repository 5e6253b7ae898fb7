//! What goes wrong between the agent and the node's network, in words that say what to do.

use std::io;
use std::time::Duration;

use rustix::io::Errno;

use super::link::LinkType;
use super::plan::Conflict;
use super::removal::Foreign;
use super::state::Family;

/// Why the network is not as it is to be. Nothing is tried again: the kubelet starts an init container anew by itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum NodeError {
    /// There is no thread to ask the kernel from.
    #[error("failed to start a thread")]
    Thread(#[source] io::Error),
    /// There is no way to ask the kernel.
    #[error("failed to open a netlink socket")]
    Socket(#[source] io::Error),
    /// The kernel did not say what is there.
    #[error("failed to read {what}")]
    Read {
        /// What was to be read.
        what: &'static str,
        /// The kernel's word.
        source: io::Error,
    },
    /// The process may not do it.
    #[error(
        "not allowed to {doing}: it needs CAP_NET_ADMIN in the host's network namespace (hostNetwork: true)"
    )]
    NotAllowed {
        /// What was to be done.
        doing: String,
    },
    /// The kernel has no such type of link.
    #[error("{}", no_such(*.0))]
    NoSuchType(LinkType),
    /// The kernel refused a change.
    #[error("failed to {doing}")]
    Refused {
        /// What was to be done.
        doing: String,
        /// The kernel's word.
        source: io::Error,
    },
    /// Something stands in the way.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The link is not the agent's.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// The kernel says that it has done everything, and does not show it.
    #[error(
        "the kernel took each change of the node's network, and did not keep them all: something undoes them"
    )]
    Undone,
    /// The connection to the kernel ended.
    #[error("the connection to the kernel was closed")]
    Closed,
    /// The kernel did not answer.
    #[error("the kernel did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
}

/// Everything that went wrong, each to be said in a line of its own.
#[derive(Debug)]
pub(super) struct Failures(pub(super) Vec<NodeError>);

impl From<NodeError> for Failures {
    fn from(error: NodeError) -> Self {
        Self(vec![error])
    }
}

impl From<Vec<Conflict>> for Failures {
    fn from(conflicts: Vec<Conflict>) -> Self {
        Self(conflicts.into_iter().map(NodeError::from).collect())
    }
}

/// The error of a change that the kernel did not make.
pub(super) fn refused(doing: String, source: io::Error) -> NodeError {
    if is(&source, Errno::PERM) {
        NodeError::NotAllowed { doing }
    } else {
        NodeError::Refused { doing, source }
    }
}

/// Whether an error is the kernel's one of this number. `io::ErrorKind` takes EPERM and EACCES for one, of which the
/// second is said of IPv6 where it is disabled.
pub(super) fn is(error: &io::Error, number: Errno) -> bool {
    Errno::from_io_error(error) == Some(number)
}

/// What it most likely comes from that an address was refused.
pub(super) fn cause(family: Family, error: &NodeError) -> Option<&'static str> {
    let NodeError::Refused { source, .. } = error else { return None };
    match (family, Errno::from_io_error(source)?) {
        (Family::V6, Errno::ACCESS) => Some("IPv6 is disabled by the sysctl net.ipv6.conf.all.disable_ipv6"),
        (Family::V6, Errno::OPNOTSUPP | Errno::AFNOSUPPORT) => Some("the kernel has no IPv6"),
        _ => None,
    }
}

fn no_such(asked: LinkType) -> &'static str {
    match asked {
        LinkType::Auto => {
            "the kernel has neither a dummy device nor a bridge: load a module on the node ('modprobe dummy')"
        }
        LinkType::Dummy => {
            "the kernel has no dummy device: load its module on the node ('modprobe dummy'), or leave --link-type out, \
             and a bridge is made instead"
        }
        LinkType::Bridge => {
            "the kernel has no bridge: load its module on the node ('modprobe bridge'), or leave --link-type out, and \
             a dummy device is made if there is one"
        }
    }
}
