//! How an issuer is reached, by flags, and who may have signed its certificates.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::args::WebArgs;
use crate::cli::error::{SettingsError, invalid};
use crate::source::regular_file;

/// Bytes of the file of authorities: a bundle of all public ones has a quarter of it.
const LARGEST_PEM: u64 = 1 << 20;

/// How an issuer is reached.
#[derive(Debug)]
pub(in crate::issuer) struct Approach {
    pub(in crate::issuer) authorities: Authorities,
    pub(in crate::issuer) resolved: Vec<Resolved>,
    /// How long connecting may take, and then TLS, and then the answer.
    pub(in crate::issuer) limit: Duration,
}

/// Who may have signed a certificate.
#[derive(Debug)]
pub(in crate::issuer) struct Authorities {
    /// Mozilla's list, which is about whom AWS trusts.
    pub(in crate::issuer) public: RootCertStore,
    /// The user's own.
    pub(in crate::issuer) own: Option<RootCertStore>,
}

/// Where a host is, whatever DNS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::issuer) struct Resolved {
    /// In lower case.
    pub(in crate::issuer) host: String,
    pub(in crate::issuer) address: SocketAddr,
}

impl TryFrom<&WebArgs> for Approach {
    type Error = SettingsError;

    fn try_from(args: &WebArgs) -> Result<Self, SettingsError> {
        let WebArgs { ca_file, resolve, timeout } = args;
        if timeout.is_zero() {
            return Err(invalid("--timeout", "0", "expected more than 0"));
        }
        let resolved = resolve.iter().map(|text| Resolved::parse(text)).collect::<Result<_, _>>()?;
        let own = ca_file.as_deref().map(|path| {
            let pem = regular_file::read(path, LARGEST_PEM).map_err(|error| error.to_string());
            let path = path.to_string_lossy();
            pem.and_then(|pem| authorities(&pem)).map_err(|why| invalid("--ca-file", &path, why))
        });
        let authorities = Authorities { public: public(), own: own.transpose()? };
        Ok(Self { authorities, resolved, limit: *timeout })
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
