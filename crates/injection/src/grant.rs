//! What an account has been granted, whichever source says so.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::excess::TOLD;
use super::{go, text};

/// Shortest lifetime of a projected token that the API server accepts.
pub const MIN_LIFETIME: u64 = 600;
/// Longest lifetime of a projected token that the API server accepts.
pub const MAX_LIFETIME: u64 = 1 << 32;

/// One account's AWS identity: exactly one of the two methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// IRSA: the pod assumes a role with a web identity token.
    Role(RoleGrant),
    /// EKS Pod Identity: the node's agent hands out the credentials of an association.
    Association(AssociationGrant),
}

impl Grant {
    /// How the pod gets its credentials.
    #[must_use]
    pub fn method(&self) -> Method {
        match self {
            Self::Role(_) => Method::WebIdentity,
            Self::Association(_) => Method::ContainerCredentials,
        }
    }

    /// About how many bytes a patch has that gives it to this many containers; it may be a few times more.
    #[must_use]
    pub fn patch_size(&self, containers: usize) -> usize {
        // Names of variables, paths, and the JSON around them.
        const CONTAINER: usize = 1024;
        let role = match self {
            Self::Role(role) => role.role_arn.len(),
            Self::Association(_) => 0,
        };
        containers * (CONTAINER + role)
    }

    /// What the account asks for in addition to the identity.
    #[must_use]
    pub fn preferences(&self) -> &Preferences {
        match self {
            Self::Role(role) => &role.preferences,
            Self::Association(association) => &association.preferences,
        }
    }
}

/// A role, and how the account wants its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrant {
    /// The role as it was written; never empty.
    pub role_arn: Box<str>,
    /// Where it was written.
    pub source: RoleSource,
    /// The token's audience; `None` means the flag's.
    pub audience: Option<Box<str>>,
    /// Settings that apply to both methods.
    pub preferences: Preferences,
}

/// An association, as far as its source says what it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssociationGrant {
    /// The roles that it gives, in the order in which they are assumed; `None` where the source does not say.
    pub roles: Option<Roles>,
    /// Settings of the account.
    pub preferences: Preferences,
}

/// Roles of an association: one, or that and the target role.
pub type Roles = Arc<[Box<str>]>;

/// Where an account's role is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleSource {
    /// The annotation of its ServiceAccount.
    Annotation,
    /// An entry of the ConfigMap.
    ConfigMap,
    /// An association whose source says which roles it gives.
    Association,
}

/// Settings of an account that apply to both methods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preferences {
    /// Overrides `--sts-regional-endpoint`.
    pub regional_sts: Option<bool>,
    /// Overrides `--token-expiration`.
    pub lifetime: Option<AskedLifetime>,
}

/// A token's lifetime as somebody wrote it: the plan clamps it and warns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedLifetime {
    /// Seconds, of any size or sign.
    Seconds(i64),
    /// Text that is not a decimal integer is ignored, with a warning.
    Unreadable(Box<str>),
}

impl AskedLifetime {
    /// Reads an annotation's value. A text that is not a number is kept as far as a warning quotes it.
    #[must_use]
    pub fn read(written: &str) -> Self {
        let unreadable = || Self::Unreadable(text::cut(written, TOLD).into());
        go::decimal(written).map_or_else(unreadable, Self::Seconds)
    }
}

/// How a pod gets its credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// IRSA.
    WebIdentity,
    /// EKS Pod Identity.
    ContainerCredentials,
}

impl Method {
    /// The method's name in the Go webhook's metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::WebIdentity => "sts_web_identity",
            Self::ContainerCredentials => "container_credentials",
        }
    }

    /// The method's name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::WebIdentity => "IRSA",
            Self::ContainerCredentials => "EKS Pod Identity",
        }
    }
}
