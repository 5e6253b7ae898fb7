//! The sources of identity, a file or folder each: how it is read, followed, and asked for one account.

pub mod association_file;
pub mod association_resources;
pub mod config_map;
#[cfg(feature = "eks-api")]
pub mod eks_api;
pub mod service_accounts;
pub mod single_lookups;
