//! What the annotations of a ServiceAccount say.

use std::sync::Arc;

use injection::Grant;
use injection::annotation::{self, Prefix};
use injection::excess;
use injection::go;
use injection::grant::{AskedLifetime, Preferences, RoleGrant, RoleSource};
use injection::setting::{Bearer, Form, Stray, Strays};
use injection::text::cut;

/// A ServiceAccount with at least one annotation that the webhook reads, or that was meant to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The role for IRSA; `None` if `role-arn` is absent or empty.
    pub role: Option<Arc<Grant>>,
    /// What both methods read, with or without a role.
    pub preferences: Preferences,
    /// Annotations that have no effect on an account, or not as they are written: the first few.
    pub strays: Option<Arc<[Stray]>>,
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
        let mut strays = Strays::default();
        let mut is_ours = false;
        for (key, value) in annotations {
            match prefix.name_of(key) {
                Some(annotation::ROLE_ARN) => role_arn = Some(value),
                Some(annotation::AUDIENCE) => audience = Some(value),
                Some(annotation::STS_REGIONAL_ENDPOINTS) => {
                    preferences.regional_sts = go::boolean(value);
                    strays.note(Stray::of_sts_annotation(value));
                }
                Some(annotation::TOKEN_EXPIRATION) => preferences.lifetime = Some(AskedLifetime::read(value)),
                _ => {
                    strays.key(prefix, Bearer::ServiceAccount, Form::Annotation, key);
                    continue;
                }
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
        let strays = strays.shared();
        (is_ours || strays.is_some()).then_some(Self { role, preferences, strays })
    }
}
