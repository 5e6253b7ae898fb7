//! Chains of certificates. `EXAMPLE` stands for the whole of the public authorities.

use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::super::super::finding::{Finding, Findings, PodSees, Status, Step};
use super::super::certificate::{Certificates, thumbprint};
use crate::issuer::web::Authorities;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// 2030-01-01.
const NOW: u64 = 1_893_456_000;

fn params(name: &str, is_ca: bool) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params
}

fn root(name: &str) -> Authority {
    CertifiedIssuer::self_signed(params(name, true), KeyPair::generate().unwrap()).unwrap()
}

/// A leaf for this host that ends on the given day of 2030.
fn leaf(authority: &Authority, host: &str, (month, day): (u8, u8)) -> CertificateDer<'static> {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2030, month, day);
    params.signed_by(&KeyPair::generate().unwrap(), authority).unwrap().der().clone()
}

fn judged(public: &Authority, own: Option<&Authority>, chain: &[CertificateDer<'_>]) -> (bool, Vec<Finding>) {
    let store = |authority: &Authority| {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        roots
    };
    let authorities = Authorities { public: store(public), own: own.map(store) };
    let certificates =
        Certificates { authorities: &authorities, now: SystemTime::UNIX_EPOCH + Duration::from_secs(NOW) };
    let mut findings = Findings::default();
    let is_host = certificates.judge(chain, "oidc.example.com", Step::Certificate, &mut findings);
    (is_host, findings.into_vec())
}

#[test]
fn a_chain_of_a_public_authority_is_well_with_all_its_certificates_alone() {
    let public = root("EXAMPLE");
    let between =
        CertifiedIssuer::signed_by(params("Between", true), KeyPair::generate().unwrap(), &public).unwrap();
    let leaf = leaf(&between, "*.example.com", (12, 1));
    let whole = [leaf.clone(), between.der().clone()];
    let (is_host, findings) = judged(&public, None, &whole);
    assert_eq!((is_host, findings[0].status), (true, Status::Ok), "{findings:?}");
    let print = thumbprint(&whole).unwrap();
    assert!(findings[0].seen.starts_with("by Between, valid until 2030-12-01T00:00:00Z, thumbprint "));
    assert!(findings[0].seen.ends_with(&print) && print.len() == 40);

    let (is_host, findings) = judged(&public, None, &[leaf]);
    assert_eq!((is_host, findings[0].status), (true, Status::Failed));
    assert_eq!(findings[0].pod_sees, Some(PodSees::Thumbprint));
    assert!(
        findings[0].seen.ends_with("or the server does not send the certificates between"),
        "{findings:?}"
    );
}

#[test]
fn one_that_ends_soon_is_a_warning_and_one_that_has_ended_has_failed() {
    let public = root("EXAMPLE");
    let (_, findings) = judged(&public, None, &[leaf(&public, "oidc.example.com", (1, 10))]);
    assert_eq!((findings.len(), findings[0].status), (1, Status::Warning), "{findings:?}");
    let mut params = params("x", false);
    params.subject_alt_names =
        CertificateParams::new(vec!["oidc.example.com".to_owned()]).unwrap().subject_alt_names;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2029, 12, 1);
    let expired = params.signed_by(&KeyPair::generate().unwrap(), &public).unwrap().der().clone();
    // Its authority is known to be public all the same: that is no second fault.
    let (is_host, findings) = judged(&public, None, &[expired]);
    assert_eq!((is_host, findings.len(), findings[0].status), (true, 1, Status::Failed), "{findings:?}");
    assert!(findings[0].seen.starts_with("it expired on 2029-12-01T00:00:00Z, 31d ago"), "{findings:?}");
}

#[test]
fn an_authority_of_ones_own_needs_a_thumbprint() {
    let (public, own) = (root("EXAMPLE"), root("Own"));
    let chain = [leaf(&own, "oidc.example.com", (12, 1)), own.der().clone()];
    let (is_host, findings) = judged(&public, Some(&own), &chain);
    assert_eq!((is_host, findings[0].status), (true, Status::Warning), "{findings:?}");
    let print = thumbprint(&chain).unwrap();
    assert_eq!(Some(print.clone()), thumbprint(&[own.der().clone()]), "the last of the chain");
    assert!(findings[0].fix.as_ref().unwrap().contains(&print));
    let (_, findings) = judged(&public, None, &chain);
    assert_eq!(findings[0].status, Status::Failed, "{findings:?}");
}

#[test]
fn another_host_is_nobody_to_read_from() {
    let public = root("EXAMPLE");
    for host in ["www.example.com", "*.oidc.example.com", "*.com"] {
        let (is_host, findings) = judged(&public, None, &[leaf(&public, host, (12, 1))]);
        assert_eq!((is_host, findings[0].status), (false, Status::Failed), "{host}");
        assert_eq!(findings[0].seen, format!("it is for {host}, not for oidc.example.com"));
    }
    for chain in [&[][..], &[CertificateDer::from(vec![0; 10])]] {
        let (is_host, findings) = judged(&public, None, chain);
        assert_eq!((is_host, findings[0].status), (false, Status::Failed));
    }
}
