//! Self-managed certificates, by replicas that run as they do in a cluster, in simulated time. What must hold at any
//! moment: a replica that is ready, or was, serves a certificate that every API server accepts.

mod cluster;
mod faults;
mod replica;
mod rotation;
mod start;
