//! What is checked, and how.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::args::{CheckArgs, CheckOutput};
use crate::cli::error::{SettingsError, invalid};
use crate::issuer::account::Account;
use crate::kubernetes::UserClusterSettings;
use crate::source::regular_file;

/// Bytes of the file of authorities: a bundle of all public ones has a quarter of it.
const LARGEST_PEM: u64 = 1 << 20;

/// What the flags come to.
#[derive(Debug)]
pub(super) struct Settings {
    /// The issuer as it was given: whether it can be one is for the check to say.
    pub(super) issuer: String,
    pub(super) authorities: Authorities,
    pub(super) resolved: Vec<Resolved>,
    pub(super) limit: Duration,
    pub(super) account: Account,
    pub(super) audience: String,
    /// Ids of keys that are published no more.
    pub(super) withdrawn: Vec<String>,
    /// The cluster to ask; `None`: none.
    pub(super) cluster: Option<UserClusterSettings>,
    pub(super) output: CheckOutput,
}

/// Who may have signed a certificate.
#[derive(Debug)]
pub(super) struct Authorities {
    /// Mozilla's list, which is about whom AWS trusts.
    pub(super) public: RootCertStore,
    /// The user's own.
    pub(super) own: Option<RootCertStore>,
}

/// Where a host is, whatever DNS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    /// In lower case.
    pub(super) host: String,
    pub(super) address: SocketAddr,
}

impl TryFrom<&CheckArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: &CheckArgs) -> Result<Self, SettingsError> {
        let CheckArgs {
            issuer,
            ca_file,
            resolve,
            timeout,
            service_account,
            token_audience,
            withdrawn,
            no_cluster,
            output,
            cluster,
        } = args;
        if timeout.is_zero() {
            return Err(invalid("--timeout", "0", "expected more than 0"));
        }
        if token_audience.is_empty() {
            return Err(invalid("--token-audience", "", "expected the audience of a token"));
        }
        let resolved = resolve.iter().map(|text| Resolved::parse(text)).collect::<Result<_, _>>()?;
        let own = ca_file.as_deref().map(|path| {
            let pem = regular_file::read(path, LARGEST_PEM).map_err(|error| error.to_string());
            let path = path.to_string_lossy();
            pem.and_then(|pem| authorities(&pem)).map_err(|why| invalid("--ca-file", &path, why))
        });
        Ok(Self {
            issuer: issuer.clone(),
            authorities: Authorities { public: public(), own: own.transpose()? },
            resolved,
            limit: *timeout,
            account: Account::parse(service_account)?,
            audience: token_audience.clone(),
            withdrawn: withdrawn.clone(),
            cluster: (!no_cluster).then(|| cluster.try_into()).transpose()?,
            output: *output,
        })
    }
}

/// Mozilla's list.
fn public() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    roots
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err("expected a file with certificates in PEM".to_owned()),
        _ => Ok(roots),
    }
}

impl Resolved {
    fn parse(text: &str) -> Result<Self, SettingsError> {
        let parsed = text.split_once('=').and_then(|(host, address)| {
            let with_port = || address.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 443));
            let address = address.parse().ok().or_else(with_port)?;
            (!host.is_empty()).then(|| Self { host: host.to_ascii_lowercase(), address })
        });
        let allowed = "expected HOST=ADDRESS or HOST=ADDRESS:PORT, with an IP address";
        parsed.ok_or_else(|| invalid("--resolve", text, allowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_resolved_to_an_address_with_or_without_a_port() {
        for (text, address) in [
            ("Oidc.Example.com=203.0.113.7", Some("203.0.113.7:443")),
            ("oidc.example.com=203.0.113.7:8443", Some("203.0.113.7:8443")),
            ("oidc.example.com=::1", Some("[::1]:443")),
            ("oidc.example.com=[::1]:8443", Some("[::1]:8443")),
            ("oidc.example.com", None),
            ("=203.0.113.7", None),
            ("oidc.example.com=other.example.com", None),
        ] {
            let resolved = Resolved::parse(text).ok();
            assert_eq!(resolved.as_ref().map(|one| one.address.to_string()).as_deref(), address, "{text}");
            assert!(resolved.is_none_or(|one| one.host == "oidc.example.com"));
        }
    }

    #[test]
    fn the_public_authorities_can_all_be_read() {
        assert!(public().len() > 100);
    }
}
