//! Whether AWS would trust a certificate, and what is wrong if not: its name, its time, who signed it.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use injection::text::Line;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{CertificateError, Error};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::super::finding::{Findings, PodSees, Step};
use crate::cli::time::{distance, moment};
use crate::issuer::web::Authorities;
use crate::issuer::web::trust::{is_for, path};

/// How long before its end a certificate is worth a warning: whoever renews theirs by themselves does it earlier.
const SOON: i64 = 14 * 24 * 3600;

/// Names of a certificate that are shown, and characters of each.
const MOST_NAMES: usize = 5;
const LONGEST_NAME: usize = 100;

/// By what certificates are judged.
pub(super) struct Certificates<'a> {
    pub(super) authorities: &'a Authorities,
    pub(super) now: SystemTime,
}

/// What a certificate says of itself.
struct Described {
    not_before: i64,
    not_after: i64,
    names: String,
    issuer: String,
}

/// The thumbprint by which IAM knows a chain: SHA-1 of its last certificate, in 40 hexadecimal digits.
pub(in super::super) fn thumbprint(chain: &[CertificateDer<'_>]) -> Option<String> {
    let mut hex = String::new();
    for byte in digest(&SHA1_FOR_LEGACY_USE_ONLY, chain.last()?).as_ref() {
        write!(hex, "{byte:02x}").ok()?;
    }
    Some(hex)
}

impl Certificates<'_> {
    /// Judges the chain that a host showed; says whether it is that host at all.
    pub(super) fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        host: &str,
        step: Step,
        findings: &mut Findings,
    ) -> bool {
        let parsed = chain.split_first().and_then(|(leaf, others)| Some((leaf, others, described(leaf)?)));
        let Some((leaf, others, described)) = parsed else {
            let fix = "Give the server a certificate for the host from a public authority.";
            findings.fail(step, "the server's certificate cannot be read", PodSees::NoKey, fix);
            return false;
        };
        if !is_for(leaf, host) {
            let seen = format!("it is for {}, not for {host}", described.names);
            findings.fail(step, seen, PodSees::NoKey, other_name(host));
            return false;
        }
        let print = thumbprint(chain).unwrap_or_default();
        self.judge_time(&described, step, findings);
        let at = self.seconds().clamp(described.not_before, described.not_after);
        match (self.signed(leaf, others, at), findings.is_open(step)) {
            (Signed::Publicly, true) => {
                let until = moment(described.not_after);
                findings
                    .ok(step, format!("by {}, valid until {until}, thumbprint {print}", described.issuer));
            }
            (Signed::Publicly, false) => {}
            (Signed::Privately, _) => {
                let seen = format!("by {}, which is no public authority", described.issuer);
                findings.warn(step, seen, needs_thumbprint(&print));
            }
            (Signed::Unknown(why), _) => {
                let seen = format!("by {}, which no public authority vouches for: {why}", described.issuer);
                findings.fail(step, seen, PodSees::Thumbprint, unknown_authority(&print));
            }
        }
        true
    }

    fn judge_time(&self, described: &Described, step: Step, findings: &mut Findings) {
        let now = self.seconds();
        let Described { not_before, not_after, .. } = *described;
        if now >= not_after {
            let seen = format!("it expired on {}, {}", moment(not_after), distance(not_after, now));
            let fix = "Renew the certificate, and have it renewed by itself from now on.";
            findings.fail(step, seen, PodSees::NoKey, fix);
        } else if now < not_before {
            let seen =
                format!("it is not valid before {}, {}", moment(not_before), distance(not_before, now));
            let fix = "Compare this machine's clock with others. If it is right, give the server a certificate that is valid now.";
            findings.fail(step, seen, PodSees::NoKey, fix);
        } else if not_after - now < SOON {
            let seen = format!("it expires on {}, {}", moment(not_after), distance(not_after, now));
            findings.warn(
                step,
                seen,
                "Renew the certificate, and find out why it was not renewed by itself.",
            );
        }
    }

    fn seconds(&self) -> i64 {
        let since = self.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    fn signed(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>], at: i64) -> Signed {
        let why = match path(leaf, others, &self.authorities.public, at) {
            Ok(()) => return Signed::Publicly,
            Err(error) => error,
        };
        match &self.authorities.own {
            Some(own) if path(leaf, others, own, at).is_ok() => Signed::Privately,
            _ => Signed::Unknown(in_words(&why)),
        }
    }
}

/// Who has signed a chain.
enum Signed {
    /// A public authority.
    Publicly,
    /// One of --ca-file.
    Privately,
    /// Nobody who is known, for this reason.
    Unknown(String),
}

fn in_words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its authority is not public, or the server does not send the certificates between".to_owned()
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "a certificate between it and the authority has expired".to_owned()
        }
        other => other.to_string(),
    }
}

fn other_name(host: &str) -> String {
    let is_bucket = host.ends_with(".amazonaws.com") && host.contains(".s3") && {
        let bucket = host.split(".s3").next().unwrap_or_default();
        bucket.contains('.')
    };
    if is_bucket {
        return "Use a bucket whose name has no dots, or CloudFront before it: S3's certificate is for one label before \
                .s3.REGION.amazonaws.com."
            .to_owned();
    }
    format!(
        "Give the server a certificate that has {host} among its names, or correct the address that DNS has for {host}: another \
         server may be answering."
    )
}

fn needs_thumbprint(print: &str) -> String {
    format!(
        "IAM trusts it by its thumbprint alone: the provider's ThumbprintList has to have {print}, and the new one before the \
         authority changes. A certificate of a public authority needs none of this."
    )
}

fn unknown_authority(print: &str) -> String {
    format!(
        "Give the server a certificate of a public authority, and have it send the whole chain. If the authority is your own, name \
         it with --ca-file, and give IAM its thumbprint {print} (aws iam update-open-id-connect-provider-thumbprint)."
    )
}

fn described(leaf: &CertificateDer<'_>) -> Option<Described> {
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf).ok()?;
    let validity = parsed.validity();
    let issuer = parsed.issuer();
    let common = issuer.iter_common_name().next().and_then(|name| name.as_str().ok());
    let issuer = common.map_or_else(|| issuer.to_string(), str::to_owned);
    Some(Described {
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
        names: names(&parsed),
        issuer: Line::new(&issuer, LONGEST_NAME).to_string(),
    })
}

fn names(parsed: &X509Certificate<'_>) -> String {
    let Ok(Some(extension)) = parsed.subject_alternative_name() else { return "no name".to_owned() };
    let all: Vec<_> = extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(Line::new(name, LONGEST_NAME).to_string()),
            _ => None,
        })
        .collect();
    match all.len() {
        0 => "no name".to_owned(),
        count if count > MOST_NAMES => {
            let shown: Vec<_> = all.into_iter().take(MOST_NAMES).collect();
            format!("{} and {} more", shown.join(", "), count - MOST_NAMES)
        }
        _ => all.join(", "),
    }
}
