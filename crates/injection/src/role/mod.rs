//! Roles of IAM: the shape of their ARNs in every partition of AWS, what is wrong with an invalid one,
//! and the ARNs of roles that are given by name.

mod names;

use core::fmt;

pub use names::{AccountId, Partition, RoleNames};

/// Longest name of a role, and longest path before it, in characters: IAM's own limits.
const LONGEST_NAME: usize = 64;
const LONGEST_PATH: usize = 512;

/// What is done about a role that is not a valid IAM role ARN: `--role-arn-validation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleArnValidation {
    /// The pod gets the role, and its creator a warning.
    Warn,
    /// The pod is refused.
    Enforce,
    /// The pod gets the role, without a warning.
    Off,
}

impl RoleArnValidation {
    /// Every value, the default first.
    pub const ALL: [Self; 3] = [Self::Warn, Self::Enforce, Self::Off];

    /// The flag's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Enforce => "enforce",
            Self::Off => "off",
        }
    }
}

/// Why a text is not a role's ARN, `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`: the first mistake
/// in it. Display continues "is not a role ARN: ".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleArnError {
    /// The text is not an ARN at all: mostly it is a role's name alone.
    NotAnArn,
    /// The partition is neither `aws` nor `aws-…`.
    Partition,
    /// The ARN is of another service, such as `sts`.
    Service,
    /// The ARN has a region, which IAM does not have.
    Region,
    /// The account is not twelve digits.
    Account,
    /// The ARN is of another resource, such as a user.
    Resource,
    /// The path is too long, or has characters that IAM does not allow in one.
    Path,
    /// The name is empty or too long, or has characters that IAM does not allow in one.
    Name,
    /// The text has a character outside of ASCII, which may be invisible or look like one that is allowed.
    Character(char),
}

impl fmt::Display for RoleArnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character(character) => {
                return write!(
                    f,
                    "it has the character U+{:04X}, and ARNs are plain ASCII",
                    u32::from(*character)
                );
            }
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
/// This is no stricter than IAM's own API: stricter patterns of other tools broke for `GovCloud` users.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
pub fn check(text: &str) -> Result<(), RoleArnError> {
    // The character is the mistake, wherever it makes the text differ from an ARN.
    check_parts(text).map_err(|error| match text.chars().find(|character| !character.is_ascii()) {
        Some(character) => RoleArnError::Character(character),
        None => error,
    })
}

fn check_parts(text: &str) -> Result<(), RoleArnError> {
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
                ("iam::123456789012:role/é/app", RoleArnError::Character('é')),
                ("iam::123456789012:role/app\u{a0}", RoleArnError::Character('\u{a0}')),
                ("iam::123456789012:role/my\u{2010}app", RoleArnError::Character('\u{2010}')),
                ("iam::12345678901２:role/app", RoleArnError::Character('２')),
                ("iam::123456789012:role/аpp", RoleArnError::Character('\u{430}')),
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
