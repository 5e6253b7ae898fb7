//! `AssumeRoleWithWebIdentity`: a token in, credentials out.

use std::time::Duration;

use crate::authority::{Authority, Issued, NewSession};
use crate::query::Parameters;
use crate::refusal::Refusal;
use crate::role::RoleArn;
use crate::tags::Tags;
use crate::trust::{Action, Asker, Principal, Roles};

/// Parameters of `AssumeRoleWithWebIdentity`.
#[derive(Debug)]
pub struct WithWebIdentity {
    /// `RoleArn`.
    pub role: RoleArn,
    /// `RoleSessionName`.
    pub session_name: String,
    /// `WebIdentityToken`.
    pub token: String,
    /// `DurationSeconds`, an hour if absent.
    pub duration: Duration,
    /// `Policy`, a JSON object.
    pub policy: Option<String>,
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
    pub issued: Issued,
}

impl WithWebIdentity {
    /// Reads the parameters, within their limits.
    pub fn parse(parameters: &Parameters, shortest: Duration) -> Result<Self, Refusal> {
        Ok(Self {
            role: parameters.role()?,
            session_name: parameters.session_name()?,
            token: parameters.required("WebIdentityToken", 4..=20_000)?.to_owned(),
            duration: parameters.duration(shortest)?,
            policy: parameters.policy()?,
        })
    }
}

impl Authority {
    /// Every check in turn: issuer, key, signature, times, audience, trust policy.
    pub async fn assume_with_web_identity(
        &self,
        call: &WithWebIdentity,
        now: i64,
    ) -> Result<Assumed, Refusal> {
        let WithWebIdentity { role, session_name, token, duration, policy: _ } = call;
        let claims = self.verify(token, now).await?;
        let audience = self.provider.accept_audience(&claims)?;
        let provider = self.provider.arn(role);
        let name = self.provider.name();
        let asker = Asker {
            principal: Principal::Provider(&provider),
            values: [
                (format!("{name}:sub"), claims.sub.clone()),
                (format!("{name}:aud"), audience.to_owned()),
            ]
            .into(),
        };
        if !Roles::read(&self.roles)?.allow(role, Action::AssumeRoleWithWebIdentity, &asker) {
            return Err(Refusal::AccessDenied(
                "Not authorized to perform sts:AssumeRoleWithWebIdentity".to_owned(),
            ));
        }
        let session = NewSession { role, name: session_name, duration: *duration, tags: Tags::default() };
        Ok(Assumed {
            audience: audience.to_owned(),
            subject: claims.sub.clone(),
            issued: self.issue(session, now)?,
            provider,
        })
    }
}
