//! Which objects hold the authority and the registration, and how long things last.

use std::fmt;
use std::time::Duration;

use crate::cli::certificates::{CertificateArgs, ObjectArgs};
use crate::cli::error::{SettingsError, invalid};

/// How long authorities and leaves last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// An authority's life. The next one is made with a third of it left.
    pub authority: Duration,
    /// A leaf's life, with a third of which left the next one is made.
    pub leaf: Duration,
    /// How long API servers have to notice a change of the registration.
    pub wait: Duration,
}

/// The objects that certificates are kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objects {
    /// The Service's name, for which certificates are.
    pub service: String,
    /// The namespace of Service and Secret.
    pub namespace: String,
    /// The Secret of the authority.
    pub secret: String,
    /// The registration whose entries trust the authority.
    pub registration: String,
}

/// Everything that self-managed certificates need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfManaged {
    /// Where they are kept.
    pub objects: Objects,
    /// How long they last.
    pub periods: Periods,
}

/// Name of the Secret, as the Go webhook has it.
const SECRET: &str = "pod-identity-webhook";

/// Shortest life of a leaf. Each of its thirds has to suffice for a renewal.
const SHORTEST_LEAF: Duration = Duration::from_secs(3);

impl TryFrom<&ObjectArgs> for Objects {
    type Error = SettingsError;

    fn try_from(args: &ObjectArgs) -> Result<Self, SettingsError> {
        let ObjectArgs { service_name, namespace, tls_secret, webhook_configuration } = args;
        let name = |flag, value: &String| {
            let expected = "expected the name of an object: small letters, digits, - and .";
            if is_name(value) { Ok(value.clone()) } else { Err(invalid(flag, value, expected)) }
        };
        let label = |flag, value: &String| {
            let expected = "expected at most 63 small letters, digits and -";
            if is_label(value) { Ok(value.clone()) } else { Err(invalid(flag, value, expected)) }
        };
        Ok(Self {
            service: label("--service-name", service_name)?,
            namespace: label("--namespace", namespace)?,
            secret: name("--tls-secret", tls_secret.as_ref().unwrap_or(&SECRET.to_owned()))?,
            registration: name(
                "--webhook-configuration",
                webhook_configuration.as_ref().unwrap_or(service_name),
            )?,
        })
    }
}

impl Objects {
    /// The same Service's objects, as the chart names them.
    #[must_use]
    pub fn of_chart(&self) -> Self {
        let Self { service, namespace, .. } = self.clone();
        Self {
            secret: format!("{service}-authority"),
            registration: format!("{service}.{namespace}"),
            service,
            namespace,
        }
    }
}

impl TryFrom<&CertificateArgs> for SelfManaged {
    type Error = SettingsError;

    fn try_from(args: &CertificateArgs) -> Result<Self, SettingsError> {
        Ok(Self { objects: (&args.objects).try_into()?, periods: Periods::new(args)? })
    }
}

impl Periods {
    fn new(args: &CertificateArgs) -> Result<Self, SettingsError> {
        let &CertificateArgs { authority_lifetime, certificate_lifetime, rotation_wait, .. } = args;
        if certificate_lifetime < SHORTEST_LEAF {
            let expected = format!("expected at least {SHORTEST_LEAF:?}");
            return Err(invalid("--certificate-lifetime", &written(certificate_lifetime), expected));
        }
        // In the last third of an authority's life the next one is announced and a leaf of it is made everywhere.
        if authority_lifetime / 3 < certificate_lifetime + rotation_wait {
            let expected =
                "expected at least three times --certificate-lifetime and --rotation-wait together";
            return Err(invalid("--authority-lifetime", &written(authority_lifetime), expected));
        }
        Ok(Self { authority: authority_lifetime, leaf: certificate_lifetime, wait: rotation_wait })
    }
}

/// A duration as it may have been written.
fn written(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        _ => format!("{duration:?}"),
    }
}

/// Whether this may be an object's name: RFC 1123's subdomains.
fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_word)
}

/// Whether this may be the name of a Service or a namespace, which are words of DNS names.
fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_word(text)
}

fn is_word(word: &str) -> bool {
    let of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !word.is_empty() && word.bytes().all(of_name) && !word.starts_with('-') && !word.ends_with('-')
}

impl fmt::Display for SelfManaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { objects, periods } = self;
        let Objects { service, namespace, secret, registration } = objects;
        let Periods { authority, leaf, wait } = periods;
        write!(f, "certificates=self-managed service={namespace}/{service} tls-secret={secret}")?;
        let [authority, leaf, wait] = [authority, leaf, wait].map(|duration| written(*duration));
        write!(f, " webhook-configuration={registration} authority-lifetime={authority}")?;
        write!(f, " certificate-lifetime={leaf} rotation-wait={wait}")
    }
}
