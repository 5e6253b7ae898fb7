//! `AssumeRoleWithWebIdentity`: a token in, credentials out.

use std::path::PathBuf;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::caller::Caller;
use crate::keys::KeySource;
use crate::provider::Provider;
use crate::query::AssumeRole;
use crate::refusal::Refusal;
use crate::sessions::{Credentials, Session, Sessions};
use crate::token::{Claims, Unverified};
use crate::trust::{Identity, Roles};

/// What the decision is made from.
#[derive(Debug)]
pub struct Authority {
    /// The provider whose tokens are taken.
    pub provider: Provider,
    /// Where the keys are that sign the tokens.
    pub keys: KeySource,
    /// The file of roles and trust policies.
    pub roles: PathBuf,
}

/// What the caller gets.
#[derive(Debug)]
pub struct Assumed {
    /// The token's audience.
    pub audience: String,
    /// The token's `sub`.
    pub subject: String,
    /// The provider's ARN.
    pub provider: String,
    /// The role's session.
    pub caller: Caller,
    /// The credentials to sign requests with.
    pub credentials: Credentials,
    /// When the credentials expire, in RFC 3339.
    pub expiration: String,
}

impl Authority {
    /// Every check in turn: issuer, key, signature, times, audience, trust policy.
    pub async fn assume(&self, call: &AssumeRole, sessions: &Sessions, now: i64) -> Result<Assumed, Refusal> {
        let claims = self.verify(&call.token, now).await?;
        let audience = self.provider.accept_audience(&claims)?;
        let provider = self.provider.arn(&call.role);
        let identity = Identity {
            provider_arn: &provider,
            provider: self.provider.name(),
            subject: &claims.sub,
            audience,
        };
        Roles::read(&self.roles)?.authorize(call.role.as_str(), &identity)?;
        let caller = Caller::of(&call.role, &call.session_name);
        let expiration = now.saturating_add_unsigned(call.duration.as_secs());
        let credentials = Credentials::random()?;
        sessions.keep(Session { credentials: credentials.clone(), caller: caller.clone(), expiration }, now);
        Ok(Assumed {
            audience: audience.to_owned(),
            subject: claims.sub.clone(),
            provider,
            caller,
            credentials,
            expiration: timestamp(expiration)?,
        })
    }

    async fn verify(&self, token: &str, now: i64) -> Result<Claims, Refusal> {
        let token = Unverified::parse(token)?;
        self.provider.accept_issuer(token.issuer())?;
        let key = self.keys.find(token.key_id()).await?;
        let claims = token.verify(&key)?;
        claims.check_times(now)?;
        Ok(claims)
    }
}

fn timestamp(seconds: i64) -> Result<String, Refusal> {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .ok_or_else(|| Refusal::Internal(format!("no such time: {seconds}")))
}
