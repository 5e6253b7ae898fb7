//! Gives Kubernetes pods their AWS identity: IRSA and EKS Pod Identity, on any cluster.
//!
//! One straight line from a call of the API server to its answer:
//!
//! ```text
//! TLS connection → admission → injection::review → identities.find → injection::decide → answer
//! ```
//!
//! Only `find` may wait. The crate [`injection`] is pure: bytes, what was found and the rules in, a decision out.
//! The modules in the order in which a start and then a call meet them:
//!
//! - [`args`] → [`settings`]: the command line, and what it comes to once it is checked
//! - [`discovery`]: what the command line leaves to be found out at start
//! - [`app`]: puts the parts together; [`lifecycle`], [`telemetry`], [`metrics`] serve all of them
//! - [`server`]: connections, TLS, probes; [`certificates`]: what TLS serves
//! - [`admission`]: the path itself
//! - [`identities`]: who has which grant; [`kubernetes`]: the client it asks with, how it follows objects
//! - [`role_policy`]: who may use which role, where an operator says so
//! - `descriptors`: how many files and connections the process may have; `regular_file`: how files are read
//! - [`source`]: how the last good word of a source is kept, whatever happens to the source
//! - [`commands`]: what the binary does instead of serving; the crate [`manifests`]: how they read YAML

pub mod admission;
pub mod app;
pub mod args;
pub mod aws;
pub mod certificates;
pub mod commands;
mod descriptors;
pub mod discovery;
pub mod identities;
pub mod kubernetes;
pub mod lifecycle;
pub mod metrics;
pub mod pressure;
mod regular_file;
pub mod role_policy;
pub mod server;
pub mod settings;
pub mod source;
pub mod telemetry;
