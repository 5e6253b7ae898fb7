//! Flags and grants, within what the settings let through.

use injection::agent::{Agent, IpFamily};
use injection::annotation::Prefix;
use injection::defaults::{TokenVolume, WEB_IDENTITY_TOKEN_PATH, WEB_IDENTITY_VOLUME};
use injection::grant::{AskedLifetime, AssociationGrant, Preferences, RoleGrant, RoleSource};
use injection::role::RoleArnValidation;
use injection::{Defaults, Grant};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

pub const PREFIX: &str = "eks.amazonaws.com";
pub const MOUNT: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";
pub const AGENT_MOUNT: &str = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount";
pub const STS: &str = "sts.amazonaws.com";
pub const AGENT: &str = "pods.eks.amazonaws.com";
pub const OTHER_AUDIENCE: &str = "vault é\"\\";
/// A name as long as a volume's may be: the next free one has to be shorter in front.
pub const LONG_NAME: &str = "a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23";

/// The flags of a server with nothing set.
pub fn plain() -> Defaults {
    Defaults {
        annotation_prefix: Prefix::new(PREFIX).unwrap(),
        region: None,
        regional_sts: false,
        lifetime: 86_400,
        lifetime_is_explicit: false,
        role_names: None,
        role_arn_validation: RoleArnValidation::Warn,
        web_identity: TokenVolume {
            audience: STS.to_owned(),
            mount_path: MOUNT.to_owned(),
            name: WEB_IDENTITY_VOLUME.to_owned(),
            token_path: WEB_IDENTITY_TOKEN_PATH.to_owned(),
        },
        container_credentials: TokenVolume {
            audience: AGENT.to_owned(),
            mount_path: AGENT_MOUNT.to_owned(),
            name: "eks-pod-identity-token".to_owned(),
            token_path: "eks-pod-identity-token".to_owned(),
        },
        agent: Agent::new(IpFamily::Ipv4, None),
        no_agent_fallback: false,
    }
}

fn mount_path(usual: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(usual.to_owned()),
        1 => Just(format!("{usual}/")),
        1 => Just("/x/y/../z/".to_owned()),
        1 => Just("/a~b/~1/\"é\\".to_owned()),
    ]
}

/// Any flags.
pub fn defaults() -> impl Strategy<Value = Defaults> {
    (
        option::of(Just("eu-central-1".to_owned())),
        any::<bool>(),
        prop_oneof![3 => Just((86_400, false)), 1 => (600..=1_u64 << 32).prop_map(|asked| (asked, true))],
        prop_oneof![Just(RoleArnValidation::Warn), select(RoleArnValidation::ALL.to_vec())],
        mount_path(MOUNT),
        (
            mount_path(AGENT_MOUNT),
            select(vec!["eks-pod-identity-token", "aws-iam-token", LONG_NAME]),
            select(vec!["eks-pod-identity-token", "a~b/c/./\"é"]),
            select(vec![IpFamily::Ipv4, IpFamily::Ipv6]),
        ),
    )
        .prop_map(
            |(region, regional_sts, (lifetime, lifetime_is_explicit), validation, web_mount, agent)| {
                let mut defaults =
                    Defaults { region, regional_sts, lifetime, lifetime_is_explicit, ..plain() };
                defaults.role_arn_validation = validation;
                defaults.web_identity.mount_path = web_mount;
                defaults.container_credentials.mount_path = agent.0;
                agent.1.clone_into(&mut defaults.container_credentials.name);
                agent.2.clone_into(&mut defaults.container_credentials.token_path);
                defaults.agent = Agent::new(agent.3, None);
                defaults
            },
        )
}

/// A lifetime as a user may have written it.
pub fn lifetime() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|seconds| seconds.to_string()),
        (0..100_000_u32).prop_map(|seconds| seconds.to_string()),
        select(vec!["", "+7", "1h", "599", "600", "4294967296", "4294967297", "99999999999999999999"])
            .prop_map(str::to_owned),
    ]
}

fn preferences() -> impl Strategy<Value = Preferences> {
    let lifetime = option::weighted(0.3, lifetime().prop_map(|text| AskedLifetime::read(&text)));
    (option::of(any::<bool>()), lifetime)
        .prop_map(|(regional_sts, lifetime)| Preferences { regional_sts, lifetime })
}

/// A grant of either method.
pub fn grant() -> impl Strategy<Value = Grant> {
    let role = (
        select(vec!["arn:aws:iam::123456789012:role/app", "no \"role\" \\ é"]),
        select(vec![RoleSource::Annotation, RoleSource::ConfigMap]),
        option::weighted(0.2, Just(OTHER_AUDIENCE.into())),
        preferences(),
    )
        .prop_map(|(role_arn, source, audience, preferences)| {
            Grant::Role(RoleGrant { role_arn: role_arn.into(), source, audience, preferences })
        });
    prop_oneof![
        role,
        preferences()
            .prop_map(|preferences| Grant::Association(AssociationGrant { roles: None, preferences }))
    ]
}

/// The audience that a grant's token is for.
pub fn audience<'a>(grant: &'a Grant, defaults: &'a Defaults) -> &'a str {
    match grant {
        Grant::Role(role) => role.audience.as_deref().unwrap_or(&defaults.web_identity.audience),
        Grant::Association(_) => &defaults.container_credentials.audience,
    }
}
