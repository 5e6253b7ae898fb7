//! Roles of IAM: the shape of their ARNs in every partition of AWS, what is wrong with one that has
//! another, and the ARNs of those that are given by name.

mod names;

use core::fmt;

pub use names::{AccountId, Partition, RoleNames};

/// Longest name of a role, and longest path before it, in characters: IAM's own limits.
const LONGEST_NAME: usize = 64;
const LONGEST_PATH: usize = 512;

/// What is done about a role that is none by its ARN: `--role-arn-validation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleArnValidation {
    /// The pod gets it, and its maker a warning.
    Warn,
    /// The pod is refused.
    Enforce,
    /// The pod gets it.
    Off,
}

impl RoleArnValidation {
    /// Every value, the default first.
    pub const ALL: [Self; 3] = [Self::Warn, Self::Enforce, Self::Off];

    /// As the flag has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Enforce => "enforce",
            Self::Off => "off",
        }
    }
}

/// What separates a text from a role's ARN, `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`: the first
/// thing that AWS would stumble over. Display continues "no role's ARN: ".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleArnError {
    /// Not an ARN at all: mostly a role's name alone.
    NotAnArn,
    /// Not `aws` nor `aws-…`.
    Partition,
    /// Another service's, such as `sts`.
    Service,
    /// A region, which IAM has not.
    Region,
    /// Not the twelve digits of an account.
    Account,
    /// Another resource's, such as a user's.
    Resource,
    /// Characters that IAM allows in no path, or too many of them.
    Path,
    /// Characters that IAM allows in no name, none, or too many of them.
    Name,
}

impl fmt::Display for RoleArnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnArn => "it does not begin with 'arn:'",
            Self::Partition => "its partition is not aws, aws-cn, aws-us-gov or the like",
            Self::Service => "its service is not iam",
            Self::Region => "it has a region, which role ARNs do not have",
            Self::Account => "its account is not 12 digits",
            Self::Resource => "its resource is not role/NAME",
            Self::Path => "IAM does not allow its path",
            Self::Name => "IAM does not allow its name",
        })
    }
}

/// Whether a text is a role's ARN, by its shape: `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
///
/// No stricter than IAM's own API: patterns that were broke `GovCloud` users of other tools.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
pub fn check(text: &str) -> Result<(), RoleArnError> {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let require = |holds, error| if holds { Ok(()) } else { Err(error) };
    require(next() == "arn", RoleArnError::NotAnArn)?;
    require(Partition::is_name(next()), RoleArnError::Partition)?;
    require(next() == "iam", RoleArnError::Service)?;
    require(next().is_empty(), RoleArnError::Region)?;
    require(AccountId::is_id(next()), RoleArnError::Account)?;
    let resource = next().strip_prefix("role/").ok_or(RoleArnError::Resource)?;
    let (path, name) = resource.rsplit_once('/').unwrap_or(("", resource));
    // IAM counts the slashes at both ends: the path of `role/team/app` is `/team/`.
    let fits = path.len() + 2 <= LONGEST_PATH && path.bytes().all(|c| c.is_ascii_graphic());
    require(fits, RoleArnError::Path)?;
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"_+=,.@-".contains(&c);
    require((1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits), RoleArnError::Name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every partition that the SDKs know, and one to come.
    const PARTITIONS: [&str; 9] = [
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
        "aws-eusc",
        "aws-new-one",
    ];

    #[test]
    fn takes_the_roles_of_every_partition_with_and_without_a_path() {
        let names =
            ["app", "team/app", "a/b/c/app", "aws-service-role/eks.amazonaws.com/x", "!/~/a+b=c,d.e@f-g_h"];
        for partition in PARTITIONS {
            for name in names {
                let arn = format!("arn:{partition}:iam::012345678901:role/{name}");
                assert_eq!(check(&arn), Ok(()), "{arn}");
            }
        }
    }

    #[test]
    fn tells_what_is_wrong_with_an_arn_in_every_partition() {
        for partition in PARTITIONS {
            for (rest, error) in [
                ("sts::123456789012:assumed-role/app/session", RoleArnError::Service),
                ("iam:eu-west-1:123456789012:role/app", RoleArnError::Region),
                ("iam::12345:role/app", RoleArnError::Account),
                ("iam::1234567890123:role/app", RoleArnError::Account),
                ("iam::12345678901x:role/app", RoleArnError::Account),
                ("iam:::role/app", RoleArnError::Account),
                ("iam::123456789012:user/app", RoleArnError::Resource),
                ("iam::123456789012:role", RoleArnError::Resource),
                ("iam::123456789012:", RoleArnError::Resource),
                ("iam::123456789012:role/a b/app", RoleArnError::Path),
                ("iam::123456789012:role/é/app", RoleArnError::Path),
                ("iam::123456789012:role/", RoleArnError::Name),
                ("iam::123456789012:role/team/", RoleArnError::Name),
                ("iam::123456789012:role/a b", RoleArnError::Name),
                ("iam::123456789012:role/app\n", RoleArnError::Name),
                ("iam::123456789012:role/app:1", RoleArnError::Name),
            ] {
                let arn = format!("arn:{partition}:{rest}");
                assert_eq!(check(&arn), Err(error), "{arn}");
            }
        }
    }

    #[test]
    fn tells_other_texts_and_partitions_from_arns() {
        for text in
            ["", "app", "role/app", " arn:aws:iam::123456789012:role/app", "ARN:aws:iam::123456789012:role/a"]
        {
            assert_eq!(check(text), Err(RoleArnError::NotAnArn), "{text}");
        }
        for partition in ["", "azure", "awsx", "aws-", "aws--cn", "aws-CN", "AWS", "aws-1", "cn-aws", "aws "]
        {
            let arn = format!("arn:{partition}:iam::123456789012:role/app");
            assert_eq!(check(&arn), Err(RoleArnError::Partition), "{arn}");
        }
    }

    #[test]
    fn names_and_paths_are_as_long_as_iam_has_them() {
        let arn = |path: usize, name: usize| {
            check(&format!("arn:aws:iam::123456789012:role/{}/{}", "p".repeat(path), "n".repeat(name)))
        };
        assert_eq!(arn(510, 64), Ok(()));
        assert_eq!(arn(511, 64), Err(RoleArnError::Path));
        assert_eq!(arn(510, 65), Err(RoleArnError::Name));
    }
}
