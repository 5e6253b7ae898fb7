//! Where the SDKs of a pod get credentials, and the pair of variables that tells them.

use alloc::borrow::Cow;

use super::super::agent::Agent;
use super::super::defaults::Defaults;
use super::super::excess::{self, Excess};
use super::super::grant::{Grant, Method, RoleSource};
use super::super::pod::env;
use super::super::text::is_longer;

/// Where the SDKs of a pod get credentials: the same for all its containers.
#[derive(Debug)]
pub(super) enum Credentials<'a> {
    /// From STS, as this role.
    Role {
        /// The role as it is injected.
        arn: Cow<'a, str>,
        /// Where it was written.
        source: RoleSource,
    },
    /// From the node's agent.
    Agent(&'a Agent),
}

/// The names of a method's credential pair.
pub(super) fn pair(method: Method) -> [&'static str; 2] {
    match method {
        Method::WebIdentity => [env::ROLE_ARN, env::WEB_IDENTITY_TOKEN_FILE],
        Method::ContainerCredentials => [env::CREDENTIALS_FULL_URI, env::AUTHORIZATION_TOKEN_FILE],
    }
}

impl<'a> Credentials<'a> {
    pub(super) fn of(grant: &'a Grant, defaults: &'a Defaults) -> Self {
        match grant {
            Grant::Role(role) => {
                // Only annotations may hold names: the Go webhook uses the ConfigMap's roles unchanged.
                let names = defaults.role_names.as_ref().filter(|_| role.source == RoleSource::Annotation);
                let composed = names.and_then(|names| names.arn(&role.role_arn));
                let arn = composed.map_or(Cow::Borrowed(&*role.role_arn), Cow::Owned);
                Self::Role { arn, source: role.source }
            }
            Grant::Association(_) => Self::Agent(&defaults.agent),
        }
    }

    /// The bound that role or audience is beyond: such a role is never injected, whatever is done about
    /// other invalid role ARNs.
    pub(super) fn excess(&self, grant: &Grant) -> Option<Excess> {
        let audience = match grant {
            Grant::Role(role) => role.audience.as_deref().unwrap_or_default(),
            Grant::Association(_) => "",
        };
        match self {
            Self::Role { arn, .. } if is_longer(arn, excess::ROLE_ARN) => Some(Excess::RoleArn),
            Self::Role { .. } | Self::Agent(_) => {
                is_longer(audience, excess::AUDIENCE).then_some(Excess::Audience)
            }
        }
    }

    /// The value of the pair's first variable.
    pub(super) fn wanted(&self) -> &str {
        match self {
            Self::Role { arn, source: _ } => arn,
            Self::Agent(agent) => agent.full_uri(),
        }
    }

    /// The pair of a container that finds the token in this file.
    pub(super) fn pair<'p>(&'p self, token_file: Cow<'p, str>) -> [(&'static str, Cow<'p, str>); 2] {
        match self {
            Self::Role { arn, source: _ } => {
                [(env::ROLE_ARN, Cow::Borrowed(&**arn)), (env::WEB_IDENTITY_TOKEN_FILE, token_file)]
            }
            Self::Agent(agent) => [
                (env::CREDENTIALS_FULL_URI, Cow::Borrowed(agent.full_uri())),
                (env::AUTHORIZATION_TOKEN_FILE, token_file),
            ],
        }
    }

    /// The variable that a container gets together with the pair.
    pub(super) fn endpoint_mode(&self) -> Option<(&'static str, Cow<'_, str>)> {
        match self {
            Self::Role { .. } => None,
            Self::Agent(agent) => {
                agent.endpoint_mode().map(|mode| (env::METADATA_ENDPOINT_MODE, Cow::Borrowed(mode)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::grant::{Preferences, RoleGrant};
    use super::super::super::patch::tests::defaults;
    use super::super::super::role::{AccountId, Partition, RoleNames};
    use super::*;

    #[test]
    fn names_become_arns_where_they_stand_in_an_annotation() {
        let names = |account| RoleNames {
            partition: Partition::new("aws").unwrap(),
            account: AccountId::new(account).unwrap(),
        };
        let defaults = Defaults { role_names: Some(names("012345678901")), ..defaults() };
        let arn = |source| {
            let preferences = Preferences::default();
            let role = RoleGrant { role_arn: "app".into(), source, audience: None, preferences };
            match Credentials::of(&Grant::Role(role), &defaults) {
                Credentials::Role { arn, .. } => arn.into_owned(),
                Credentials::Agent(_) => String::new(),
            }
        };
        assert_eq!(arn(RoleSource::Annotation), "arn:aws:iam::012345678901:role/app");
        assert_eq!(arn(RoleSource::ConfigMap), "app");
    }
}
