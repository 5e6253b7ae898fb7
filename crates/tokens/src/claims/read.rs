//! Reads claims; what is missing is for [`Claims::check`] to judge.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::super::json::{Fault, Members};
use super::Claims;

/// The end of the year 9999, in seconds since 1970: what comes after cannot be written as RFC 3339 has it.
const LAST_DATE: Duration = Duration::from_secs(253_402_300_799);

/// The claim `kubernetes.io`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kubernetes {
    pub(super) namespace: Option<String>,
    pub(super) service_account: Bound,
    pub(super) pod: Bound,
    pub(super) node: Bound,
}

/// An object that a token is bound to; an empty text is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Bound {
    pub(super) name: Option<String>,
    pub(super) uid: Option<String>,
}

/// A claim that may be one text or a list (RFC 7519, 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Claims {
    pub(crate) fn read(members: &Members<'_>) -> Result<Self, Fault> {
        Ok(Self {
            issuer: members.read("iss")?,
            subject: members.read("sub")?,
            audiences: match members.read("aud")? {
                None => Vec::new(),
                Some(Texts::One(audience)) => vec![audience],
                Some(Texts::Many(audiences)) => audiences,
            },
            expires_at: date(members, "exp")?,
            not_before: date(members, "nbf")?,
            issued_at: date(members, "iat")?,
            kubernetes: members.object("kubernetes.io")?.as_ref().map(Kubernetes::read).transpose()?,
        })
    }
}

impl Kubernetes {
    fn read(members: &Members<'_>) -> Result<Self, Fault> {
        Ok(Self {
            namespace: text(members, "namespace")?,
            service_account: Bound::read(members, "serviceaccount")?,
            pod: Bound::read(members, "pod")?,
            node: Bound::read(members, "node")?,
        })
    }
}

impl Bound {
    fn read(members: &Members<'_>, kind: &'static str) -> Result<Self, Fault> {
        let Some(members) = members.object(kind)? else { return Ok(Self::default()) };
        Ok(Self { name: text(&members, "name")?, uid: text(&members, "uid")? })
    }
}

fn text(members: &Members<'_>, name: &'static str) -> Result<Option<String>, Fault> {
    Ok(members.read::<String>(name)?.filter(|text| !text.is_empty()))
}

/// A `NumericDate` (RFC 7519, 2): seconds since 1970, which may have fractions.
fn date(members: &Members<'_>, name: &'static str) -> Result<Option<SystemTime>, Fault> {
    let Some(seconds) = members.read::<f64>(name)? else { return Ok(None) };
    let since = Duration::try_from_secs_f64(seconds).ok().filter(|since| *since <= LAST_DATE);
    since.map(|since| Some(UNIX_EPOCH + since)).ok_or(Fault::Member(name))
}
