//! The cluster as an identity provider of every account: whose tokens are taken, and for whom.

use crate::refusal::Refusal;
use crate::role::RoleArn;
use crate::token::Claims;

/// What `CreateOpenIDConnectProvider` would have been told.
#[derive(Debug)]
pub struct Provider {
    /// `iss`, to the letter.
    pub issuer: String,
    /// The audiences that are taken.
    pub client_ids: Vec<String>,
}

impl Provider {
    /// The issuer as ARNs and condition keys name it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.issuer.strip_prefix("https://").unwrap_or(&self.issuer)
    }

    /// The provider's ARN in the role's account.
    #[must_use]
    pub fn arn(&self, role: &RoleArn) -> String {
        role.provider(self.name())
    }

    /// An error unless tokens of this issuer are to be judged here.
    pub fn accept_issuer(&self, issuer: &str) -> Result<(), Refusal> {
        if issuer == self.issuer {
            return Ok(());
        }
        Err(Refusal::InvalidIdentityToken(format!(
            "No OpenIDConnect provider found in your account for {issuer}"
        )))
    }

    /// The token's audience that is one of the provider's clients.
    pub fn accept_audience<'a>(&self, claims: &'a Claims) -> Result<&'a str, Refusal> {
        claims
            .audiences()
            .find(|audience| self.client_ids.iter().any(|client| client == audience))
            .ok_or_else(|| Refusal::InvalidIdentityToken("Incorrect token audience".to_owned()))
    }
}
