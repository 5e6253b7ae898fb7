//! What the annotations of a ServiceAccount say.

use std::sync::Arc;

use injection::Grant;
use injection::annotation::{self, Prefix};
use injection::excess;
use injection::go;
use injection::grant::{AskedLifetime, Preferences, RoleGrant, RoleSource};
use injection::text::cut;

/// A ServiceAccount with at least one annotation that the webhook reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The role for IRSA; `None` if `role-arn` is absent or empty.
    pub role: Option<Arc<Grant>>,
    /// What both methods read, with or without a role.
    pub preferences: Preferences,
}

impl Account {
    /// Reads an account's annotations; `None` if the webhook reads none of them.
    #[must_use]
    pub fn read<'a>(
        prefix: &Prefix,
        annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Self> {
        let mut role_arn = None;
        let mut audience = None;
        let mut preferences = Preferences::default();
        let mut is_ours = false;
        for (key, value) in annotations {
            let Some(name) = prefix.name_of(key) else {
                continue;
            };
            match name {
                annotation::ROLE_ARN => role_arn = Some(value),
                annotation::AUDIENCE => audience = Some(value),
                annotation::STS_REGIONAL_ENDPOINTS => preferences.regional_sts = go::boolean(value),
                annotation::TOKEN_EXPIRATION => preferences.lifetime = Some(AskedLifetime::read(value)),
                _ => continue,
            }
            is_ours = true;
        }
        // An empty role counts as absent. An empty audience would make a token for the API server itself.
        let role = role_arn.filter(|role| !role.is_empty()).map(|role_arn| {
            Arc::new(Grant::Role(RoleGrant {
                role_arn: cut(role_arn, excess::ROLE_ARN).into(),
                source: RoleSource::Annotation,
                audience: audience
                    .filter(|audience| !audience.is_empty())
                    .map(|audience| cut(audience, excess::AUDIENCE).into()),
                preferences: preferences.clone(),
            }))
        });
        is_ours.then_some(Self { role, preferences })
    }
}
