//! What the targets share: flags and grants as an operator would have them.

use pod_identity_webhook::injection::agent::{Agent, IpFamily};
use pod_identity_webhook::injection::annotation::Prefix;
use pod_identity_webhook::injection::defaults::{TokenVolume, WEB_IDENTITY_TOKEN_PATH, WEB_IDENTITY_VOLUME};
use pod_identity_webhook::injection::grant::{Preferences, RoleGrant, RoleSource};
use pod_identity_webhook::injection::role::RoleArnValidation;
use pod_identity_webhook::injection::{Decision, Defaults, Grant, Review, Rules, decide};

/// The default flags, a region and IPv6, so that all variables are in play.
pub fn defaults() -> Defaults {
    Defaults {
        annotation_prefix: Prefix::new("eks.amazonaws.com").unwrap(),
        region: Some("eu-central-1".to_owned()),
        regional_sts: true,
        lifetime: 86_400,
        lifetime_is_explicit: false,
        role_names: None,
        role_arn_validation: RoleArnValidation::Warn,
        web_identity: TokenVolume {
            audience: "sts.amazonaws.com".to_owned(),
            mount_path: "/var/run/secrets/eks.amazonaws.com/serviceaccount".to_owned(),
            name: WEB_IDENTITY_VOLUME.to_owned(),
            token_path: WEB_IDENTITY_TOKEN_PATH.to_owned(),
        },
        container_credentials: TokenVolume {
            audience: "pods.eks.amazonaws.com".to_owned(),
            mount_path: "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount".to_owned(),
            name: "eks-pod-identity-token".to_owned(),
            token_path: "eks-pod-identity-token".to_owned(),
        },
        agent: Agent::new(IpFamily::Ipv6, None),
    }
}

/// One of each method.
pub fn grants() -> [Grant; 2] {
    let role = RoleGrant {
        role_arn: "arn:aws:iam::123456789012:role/app".into(),
        source: RoleSource::Annotation,
        audience: None,
        preferences: Preferences::default(),
    };
    [Grant::Role(role), Grant::Association(Preferences::default())]
}

/// The patch of a review, as the server would answer it; `None` where nothing is added.
pub fn patch_of(review: &Review<'_>, grant: &Grant, defaults: &Defaults) -> Option<Vec<u8>> {
    let pod = review.subject.pod()?;
    if pod.metadata.is_mirror {
        return None;
    }
    let rules = Rules { defaults, guard: None };
    let Decision { plan, patch } = decide(&review.subject, grant, rules, None, Some(&review.uid))?;
    for warning in &plan.warnings {
        assert!(!warning.to_string().contains(char::is_control));
    }
    patch
}
