//! The EKS endpoint: its verification of signatures, against AWS's own signer and published requests; and the program
//! over HTTP, beside an API server that refuses on cue.

mod calls;
mod command;
mod endpoint;
mod published;
mod repeated;
mod round_trip;
mod suite;
