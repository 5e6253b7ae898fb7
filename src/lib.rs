//! Gives Kubernetes pods their AWS identity: IRSA and EKS Pod Identity, on any cluster.
//!
//! One straight line from a call of the API server to its answer:
//!
//! ```text
//! TLS connection → admission → injection::review → identities.find → injection::decide → answer
//! ```
//!
//! Only `find` may wait. The crate [`injection`] is pure: bytes, what was found and the rules in, a decision out.
//! The folders in the order in which a start and then a call meet them; each imports what stands above it, and a
//! subsystem never another one:
//!
//! - [`cli`]: the commands, a line each, and the flags that several of them share
//! - [`process`]: runs whatever is served: readiness, tasks, signals, the end in two steps
//! - [`telemetry`]: the log, and the registry of metrics
//! - [`server`]: connections, TLS, probes; [`certificates`]: what TLS serves
//! - [`kubernetes`]: the one client, how objects are listed and followed; [`aws`]: names, what an instance says
//! - [`source`]: the last good word of a source, files, what is asked for one thing at a time
//! - [`identities`]: who has which grant; [`role_policy`]: who may use which role
//! - [`webhook`]: the admission webhook, a subsystem
//! - [`offline`]: `inject`, a subsystem; the crate [`manifests`] is how it reads and edits YAML

pub mod aws;
pub mod certificates;
pub mod cli;
pub mod identities;
pub mod kubernetes;
pub mod offline;
pub mod process;
pub mod role_policy;
pub mod server;
pub mod source;
pub mod telemetry;
pub mod webhook;
