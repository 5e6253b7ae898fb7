//! An authority and leaves made in memory, for a server without a cluster and for tests.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use super::issue::{self, IssueError, Leaf};

/// How long authority and leaves last: a development server that runs for longer is restarted.
const VALID: Duration = Duration::from_hours(8760);

/// A certificate authority whose key exists only in this process.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// A new authority that may sign leaves and nothing else.
    pub fn new() -> Result<Self, IssueError> {
        let mut params = params("pod-identity-webhook authority")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// The authority's certificate: what a client is to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.0.pem()
    }

    /// A serving certificate for names and addresses.
    pub fn leaf(&self, names: &[String]) -> Result<Leaf, IssueError> {
        let mut params = issue::of_server(params("pod-identity-webhook")?);
        params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
        Ok(issue::leaf(params, &self.0)?)
    }

    /// A client's certificate, which proves who the client is.
    pub fn client(&self, name: &str) -> Result<Leaf, IssueError> {
        let mut params = params(name)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(issue::leaf(params, &self.0)?)
    }
}

fn params(name: &str) -> Result<CertificateParams, IssueError> {
    issue::params(name, SystemTime::now(), VALID)
}
