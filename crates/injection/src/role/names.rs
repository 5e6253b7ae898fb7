//! Roles that are given by name: the partition and the account that turn them into ARNs.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// Region prefixes of the partitions other than `aws`, as the SDKs have them.
const REGIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

/// One of AWS's partitions: `aws`, `aws-cn`, ….
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition(Box<str>);

impl Partition {
    /// A partition by its name: a known one, or one with the shape that all of them have, because AWS
    /// builds new ones.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        Self::is_name(name).then(|| Self(name.into()))
    }

    /// The partition that a region is part of.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        let known = REGIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
        Self(known.map_or("aws", |(_, partition)| partition).into())
    }

    /// Its name, as ARNs have it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_name(text: &str) -> bool {
        let mut words = text.split('-');
        words.next() == Some("aws")
            && words.all(|word| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase()))
    }
}

/// An AWS account's id: twelve digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountId(Box<str>);

impl AccountId {
    /// An account by its id; `None` if that is not twelve digits.
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        Self::is_id(id).then(|| Self(id.into()))
    }

    pub(super) fn is_id(text: &str) -> bool {
        text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit())
    }
}

/// How roles that are given by name become ARNs: `--compose-role-arn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleNames {
    /// The account's partition.
    pub partition: Partition,
    /// The account that the roles belong to.
    pub account: AccountId,
}

impl RoleNames {
    /// The ARN of a role by its name, with its path if it has one (`team/app`); `None` for a
    /// text that contains `arn:`, and so is an ARN itself.
    ///
    /// Nothing is trimmed or corrected, as in the Go webhook; a name that makes an invalid ARN is
    /// handled like any other invalid ARN.
    #[must_use]
    pub fn arn(&self, name: &str) -> Option<String> {
        (!name.contains("arn:")).then(|| format!("{self}{name}"))
    }
}

impl fmt::Display for RoleNames {
    /// The part of the ARN before the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition: Partition(partition), account: AccountId(account) } = self;
        write!(f, "arn:{partition}:iam::{account}:role/")
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn names(partition: &str, account: &str) -> Option<RoleNames> {
        Some(RoleNames { partition: Partition::new(partition)?, account: AccountId::new(account)? })
    }

    #[test]
    fn regions_are_of_the_partitions_that_the_sdks_know() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("eu-west-1", "aws"),
            ("us-northwest-1", "aws"),
            ("il-central-1", "aws"),
            ("mx-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(Some(Partition::of_region(region)), Partition::new(partition), "{region}");
        }
    }

    #[test]
    fn a_name_becomes_an_arn_and_an_arn_stays_one() {
        for partition in ["aws", "aws-cn", "aws-us-gov", "aws-eusc"] {
            let names = names(partition, "012345678901").unwrap();
            for name in ["app", "team/app"] {
                let arn = names.arn(name).unwrap();
                assert_eq!(arn, format!("arn:{partition}:iam::012345678901:role/{name}"));
                assert_eq!(check(&arn), Ok(()));
            }
        }
        let names = names("aws", "012345678901").unwrap();
        // Whatever says that it is one: it is not made longer, and judged as it was written.
        for arn in
            ["arn:aws-cn:iam::210987654321:role/app", "arn:junk", " arn:aws:iam::210987654321:role/app"]
        {
            assert_eq!(names.arn(arn), None, "{arn}");
        }
        assert!(check(&names.arn("no name").unwrap()).is_err());
    }

    #[test]
    fn accounts_are_twelve_digits_and_partitions_are_names() {
        assert!(names("aws-new", "000000000000").is_some());
        for account in ["", "12345678901", "1234567890123", "1234-5678-9012", "12345678901a", "１２３４"]
        {
            assert!(AccountId::new(account).is_none(), "{account}");
        }
        for partition in ["", "AWS", "aws-", "aws:", "cn", "arn"] {
            assert!(Partition::new(partition).is_none(), "{partition}");
        }
    }
}
