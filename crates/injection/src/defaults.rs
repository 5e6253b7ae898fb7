//! What the flags say about injection: the same for every pod.

use alloc::string::String;
use core::fmt;

use super::agent::Agent;
use super::annotation::Prefix;
use super::grant::Method;
use super::path;
use super::pod::Platform;
use super::role::{RoleArnValidation, RoleNames};

/// Name of the IRSA volume; no flag changes it, because users refer to it in their pods.
pub const WEB_IDENTITY_VOLUME: &str = "aws-iam-token";
/// Path of the token in the IRSA volume; no flag changes it.
pub const WEB_IDENTITY_TOKEN_PATH: &str = "token";

/// The flags that injection reads.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// `--annotation-prefix`.
    pub annotation_prefix: Prefix,
    /// `--aws-default-region`; `None` adds no region variables.
    pub region: Option<String>,
    /// `--sts-regional-endpoint`.
    pub regional_sts: bool,
    /// `--token-expiration`, in seconds, within what the API server accepts.
    pub lifetime: u64,
    /// Whether that flag was given: then the lifetime is never spread.
    pub lifetime_is_explicit: bool,
    /// `--compose-role-arn`; `None` leaves the names of roles unchanged.
    pub role_names: Option<RoleNames>,
    /// `--role-arn-validation`.
    pub role_arn_validation: RoleArnValidation,
    /// The volume of IRSA.
    pub web_identity: TokenVolume,
    /// The volume of Pod Identity.
    pub container_credentials: TokenVolume,
    /// `--container-credentials-full-uri` and `--ip-family`.
    pub agent: Agent,
    /// `--no-agent-fallback`: where no agent answers, an account's role comes before its association.
    pub no_agent_fallback: bool,
}

impl Defaults {
    /// The volume that a method uses.
    #[must_use]
    pub fn token_volume(&self, method: Method) -> &TokenVolume {
        match method {
            Method::WebIdentity => &self.web_identity,
            Method::ContainerCredentials => &self.container_credentials,
        }
    }
}

/// A projected token volume as the flags want it.
#[derive(Debug, Clone)]
pub struct TokenVolume {
    /// The token's audience.
    pub audience: String,
    /// Where it is mounted, as it was given.
    pub mount_path: String,
    /// The volume's name.
    pub name: String,
    /// The token's path in the volume.
    pub token_path: String,
}

impl TokenVolume {
    /// Path of the token file in a container that mounts the volume at `mount_path` and finds the
    /// token at `token_path` in it. On Windows it is what Windows programs read; the mount's own
    /// path stays as Kubernetes has it.
    #[must_use]
    pub fn token_file(mount_path: &str, token_path: &str, platform: Platform) -> String {
        path::file(mount_path, token_path, platform)
    }
}

impl fmt::Display for TokenVolume {
    /// One word of the line that is logged at start.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { audience, mount_path, name, token_path } = self;
        write!(f, "{audience}@{name}:{mount_path}:{token_path}")
    }
}
