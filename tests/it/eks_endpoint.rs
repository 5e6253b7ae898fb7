//! The EKS endpoint's verification of signatures, against AWS's own signer and published requests.

mod published;
mod round_trip;
mod suite;
