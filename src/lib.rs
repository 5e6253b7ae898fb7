//! Gives Kubernetes pods their AWS identity: IRSA and EKS Pod Identity, on any cluster.
//!
//! One straight line from a call of the API server to its answer:
//!
//! ```text
//! TLS connection → admission → injection::review → identities.find → injection::decide → answer
//! ```
//!
//! Only `find` may wait. The crate [`injection`] is pure: bytes, what was found and the rules in, a decision out.
//! Each folder imports those that stand above it, and a subsystem never another one; only [`cli`] names them all:
//!
//! - [`telemetry`]: the log, and the registry of metrics
//! - [`process`]: runs whatever is served: readiness, tasks, signals, the end in two steps
//! - [`source`]: the last good word of a source, files, what is asked for one thing at a time
//! - [`kubernetes`]: the one client, how objects are listed and followed
//! - [`aws`]: the names of AWS, and what an instance says of itself
//! - [`association`]: an association as an object of Kubernetes
//! - [`certificates`]: what TLS serves; [`server`]: connections, TLS, probes
//! - [`identities`]: who has which grant; [`role_policy`]: who may use which role
//! - [`webhook`]: the admission webhook, a subsystem
//! - [`offline`]: `inject`, a subsystem; the crate [`manifests`] is how it reads and edits YAML
//! - [`own_identity`]: `identity`, a subsystem; [`certificate_report`]: `certificates`, a subsystem
//! - [`associations_command`]: `associations`, a subsystem
//! - [`eks_endpoint`]: EKS's association API, a subsystem
//! - [`agent`]: the node's endpoint of credentials, a subsystem
//! - [`issuer`]: the documents of a cluster that is its own OIDC provider, a subsystem
//! - [`cli`]: the commands, a line each; and the groups of flags that several of them share, which what stands above
//!   reads its settings from

pub mod agent;
pub mod association;
pub mod associations_command;
pub mod aws;
pub mod certificate_report;
pub mod certificates;
pub mod cli;
pub mod eks_endpoint;
pub mod identities;
pub mod issuer;
pub mod kubernetes;
pub mod offline;
pub mod own_identity;
pub mod process;
pub mod role_policy;
pub mod server;
pub mod source;
pub mod telemetry;
pub mod webhook;
