//! What every test stands on: the cluster, a namespace of its own, the webhook installed as users
//! install it, and what is printed when a test fails.

pub mod asking;
pub mod association_kind;
pub mod attack;
pub mod certificates;
pub mod cluster;
pub mod command;
pub mod diagnosis;
pub mod eks_client;
pub mod eks_endpoint;
pub mod forwarder;
pub mod go_webhook;
pub mod http;
pub mod identity;
pub mod injected;
pub mod inventory;
pub mod issuer_host;
pub mod kubeconfig;
pub mod load;
pub mod memory;
pub mod own_associations;
pub mod page;
pub mod port_forward;
pub mod process;
pub mod registration;
pub mod release;
pub mod replica;
pub mod report;
pub mod sidecars;
pub mod test;
pub mod verdict;
pub mod vigil;
pub mod wait;
pub mod workload;

pub use cluster::Cluster;
pub use injected::Injected;
pub use report::Report;
pub use test::{Case, Test};
pub use wait::until;
