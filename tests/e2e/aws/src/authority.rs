//! What every call that issues credentials is decided by: the provider and its keys, the roles, and the
//! sessions that there are.

use std::path::PathBuf;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::caller::Caller;
use crate::keys::KeySource;
use crate::provider::Provider;
use crate::refusal::Refusal;
use crate::role::RoleArn;
use crate::sessions::{Credentials, Session, Sessions};
use crate::tags::Tags;
use crate::token::{Claims, Unverified};

/// What decisions are made from.
#[derive(Debug)]
pub struct Authority {
    /// The provider whose tokens are taken.
    pub provider: Provider,
    /// Where the keys are that sign the tokens.
    pub keys: KeySource,
    /// The file of roles and trust policies.
    pub roles: PathBuf,
    /// How long all credentials live, whatever was asked for.
    pub lifetime: Option<Duration>,
    /// The credentials that were issued.
    pub sessions: Sessions,
}

/// A session that may begin.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Whose session it is.
    pub role: &'a RoleArn,
    /// Its name, the last part of its ARN.
    pub name: &'a str,
    /// How long it was asked to last.
    pub duration: Duration,
    /// Its tags.
    pub tags: Tags,
}

/// A session that has begun.
#[derive(Debug)]
pub struct Issued {
    /// The role's session.
    pub caller: Caller,
    /// The credentials to sign requests with.
    pub credentials: Credentials,
    /// When the credentials expire, in seconds since the epoch.
    pub expiration: i64,
    /// The same in RFC 3339.
    pub expires_at: String,
}

impl Authority {
    /// The claims of a token that the provider's issuer signed and that is valid now; for whom it is, is not
    /// looked at.
    pub async fn verify(&self, token: &str, now: i64) -> Result<Claims, Refusal> {
        let token = Unverified::parse(token)?;
        self.provider.accept_issuer(token.issuer())?;
        let key = self.keys.find(token.key_id()).await?;
        let claims = token.verify(&key)?;
        claims.check_times(now)?;
        Ok(claims)
    }

    /// Begins a session: whoever asks has been judged.
    pub fn issue(&self, session: NewSession<'_>, now: i64) -> Result<Issued, Refusal> {
        let NewSession { role, name, duration, tags } = session;
        let lifetime = self.lifetime.unwrap_or(duration);
        let expiration = now.saturating_add_unsigned(lifetime.as_secs());
        let caller = Caller::of(role, name);
        let credentials = Credentials::random()?;
        let kept = Session {
            credentials: credentials.clone(),
            role: role.clone(),
            caller: caller.clone(),
            tags,
            expiration,
        };
        self.sessions.keep(kept, now);
        Ok(Issued { caller, credentials, expiration, expires_at: timestamp(expiration)? })
    }
}

fn timestamp(seconds: i64) -> Result<String, Refusal> {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .ok_or_else(|| Refusal::Internal(format!("no such time: {seconds}")))
}
