//! The integration tests, one binary: real TLS, a fake API server, processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(unreachable_pub, missing_docs, reason = "nobody imports a test")]

mod accounts;
mod agent;
#[cfg(target_os = "linux")]
mod agent_node;
mod association_file;
mod association_resources;
mod association_status;
mod associations_command;
mod certificates;
mod client_certificates;
mod command_line;
mod crowd;
mod descriptors;
#[cfg(feature = "eks-api")]
mod eks_api;
mod eks_endpoint;
mod excess;
mod follow;
mod growth;
mod identity;
mod inject;
mod ip_family;
mod issuer;
mod issuer_check;
mod issuer_new;
mod issuer_rotate;
mod issuer_serve;
mod kubeconfig;
mod limits;
mod log;
mod make_run;
mod memory;
mod policy;
mod precedence;
mod properties;
mod protocol;
mod proxy;
mod readme;
mod refusals;
mod reload;
mod role_names;
mod role_policy;
mod scrape;
mod security;
mod self_managed;
mod shutdown;
mod support;
mod tls;
mod troubleshooting;
