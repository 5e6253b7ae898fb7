//! What the targets share: flags and grants as an operator would have them.

use std::sync::LazyLock;

use injection::agent::{Agent, IpFamily};
use injection::annotation::Prefix;
use injection::defaults::{TokenVolume, WEB_IDENTITY_TOKEN_PATH, WEB_IDENTITY_VOLUME};
use injection::grant::{AssociationGrant, Preferences, RoleGrant, RoleSource};
use injection::policy::{ActivePolicy, PolicyMode, RolePolicy};
use injection::role::RoleArnValidation;
use injection::{Candidate, Defaults, Found, Grant, Review, Rules, decide};

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
        no_agent_fallback: false,
    }
}

/// A grant of each method.
pub fn founds() -> [Found; 2] {
    let role = RoleGrant {
        role_arn: "arn:aws:iam::123456789012:role/app".into(),
        source: RoleSource::Annotation,
        audience: None,
        preferences: Preferences::default(),
    };
    [Grant::Role(role), Grant::Association(AssociationGrant::default())].map(Found::from)
}

/// The patch of a review, as the server would answer it; `None` where nothing is added.
pub fn patch_of(review: &Review<'_>, found: &Found, defaults: &Defaults) -> Option<Vec<u8>> {
    let candidate = Candidate::of_review(review, None)?;
    let policies = [None, Some(ActivePolicy { policy: &POLICY, mode: PolicyMode::Enforce, file: "policy" })];
    let [decision, withheld] =
        policies.map(|policy| decide(&candidate, found, &Rules { defaults, policy, sources: &["fuzz"] }));
    for decision in [&decision, &withheld] {
        assert!(decision.warnings().iter().all(|warning| !warning.to_string().contains(char::is_control)));
        assert!(!decision.answer(review).is_empty());
    }
    // A policy without rules allows no role.
    let adds_role = |patch: &[u8]| patch.windows(12).any(|name| name == b"AWS_ROLE_ARN");
    assert!(!withheld.patch().is_some_and(adds_role));
    decision.patch().map(<[u8]>::to_vec)
}

/// A policy that allows nothing.
static POLICY: LazyLock<RolePolicy> = LazyLock::new(RolePolicy::default);
