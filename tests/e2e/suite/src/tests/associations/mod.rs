//! Associations of the cluster's own: what AWS's clients and kubectl make of them, and what pods then get.

pub mod clients;
pub mod conflicts;
pub mod kubectl;
pub mod many;
pub mod newcomer;
pub mod pods;
pub mod policy;
pub mod refused;
pub mod repeated;
mod table;
