//! What several parts know of AWS: the names that its services give to things.

mod cluster_name;

pub use cluster_name::ClusterName;
