//! What several parts know of AWS: the names that its services give to things, and what an instance says of
//! itself.

mod cluster_name;
mod instance_metadata;
#[cfg(feature = "eks-api")]
pub(crate) mod sdk;

pub use cluster_name::ClusterName;
pub(crate) use instance_metadata::InstanceMetadata;
