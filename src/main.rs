//! `pod-identity-webhook`: nothing to serve yet.

fn main() {}
