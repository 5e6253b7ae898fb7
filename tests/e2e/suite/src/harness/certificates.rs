//! Serving certificates, as `make certs` makes them.

use anyhow::Result;
use pod_identity_webhook::certificates::{Authority, Leaf};

/// An authority and a leaf of it.
pub struct Certificates {
    /// What the API server trusts, PEM.
    pub authority: String,
    pub leaf: Leaf,
}

impl Certificates {
    /// A certificate for names or addresses.
    pub fn of(names: &[&str]) -> Result<Self> {
        let authority = Authority::new()?;
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(Self { authority: authority.certificate_pem(), leaf: authority.leaf(&names)? })
    }
}
