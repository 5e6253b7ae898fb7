//! What an account has been granted, whichever source says so.

use super::annotation;

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
    Association(Preferences),
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

    /// What the account asks for beside the identity itself.
    #[must_use]
    pub fn preferences(&self) -> &Preferences {
        match self {
            Self::Role(role) => &role.preferences,
            Self::Association(preferences) => preferences,
        }
    }
}

/// A role, and how the account wants its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrant {
    /// As it was written; never empty.
    pub role_arn: Box<str>,
    /// The token's audience; `None` means the flag's.
    pub audience: Option<Box<str>>,
    /// Settings that both methods know.
    pub preferences: Preferences,
}

/// Settings of an account that both methods know.
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
    /// What is no decimal integer is as if absent, with a warning.
    Unreadable(Box<str>),
}

impl AskedLifetime {
    /// Reads an annotation's value.
    #[must_use]
    pub fn read(text: &str) -> Self {
        annotation::integer(text).map_or_else(|| Self::Unreadable(text.into()), Self::Seconds)
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

    /// The method's name to people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::WebIdentity => "IRSA",
            Self::ContainerCredentials => "EKS Pod Identity",
        }
    }
}

/// Whether a text has the shape of a role's ARN: `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`, in
/// any of AWS's partitions (`aws`, `aws-cn`, `aws-us-gov`, `aws-iso-b`, …), account of 12 digits.
///
/// Only the shape: patterns stricter than IAM's own broke `GovCloud` users of other tools.
#[must_use]
pub fn is_role_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let partition = |part: &str| {
        part == "aws"
            || part.strip_prefix("aws-").is_some_and(|rest| {
                !rest.is_empty()
                    && rest.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
            })
    };
    let account = |part: &str| part.len() == 12 && part.bytes().all(|c| c.is_ascii_digit());
    // IAM: names and paths are printable ASCII, names `[\w+=,.@-]`; the path ends in a slash.
    let role = |part: &str| {
        part.strip_prefix("role/").is_some_and(|path| {
            let name = path.rsplit('/').next().unwrap_or_default();
            !name.is_empty()
                && path.bytes().all(|c| c.is_ascii_graphic())
                && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_+=,.@-".contains(&c))
        })
    };
    next() == "arn"
        && partition(next())
        && next() == "iam"
        && next().is_empty()
        && account(next())
        && role(next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_role_arns() {
        for good in [
            "arn:aws:iam::123456789012:role/app",
            "arn:aws-cn:iam::123456789012:role/app",
            "arn:aws-us-gov:iam::123456789012:role/team/app",
            "arn:aws-iso-b:iam::123456789012:role/a+b=c,d.e@f-g_h",
        ] {
            assert!(is_role_arn(good), "{good}");
        }
        for bad in [
            "",
            "app",
            "arn:aws:iam::123456789012:user/app",
            "arn:aws:iam::12345:role/app",
            "arn:aws:iam:eu-west-1:123456789012:role/app",
            "arn:azure:iam::123456789012:role/app",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:iam::123456789012:role/app\n",
            " arn:aws:iam::123456789012:role/app",
        ] {
            assert!(!is_role_arn(bad), "{bad}");
        }
    }
}
