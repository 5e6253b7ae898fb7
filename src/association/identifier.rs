//! The ids of an association, all made of the object's UID, so that whoever reads the object says the same: AWS would
//! have drawn them at random and stored them.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::aws::ClusterName;

/// Characters after `a-`: as many as AWS's own ids have.
const LENGTH: usize = 17;

/// What an ARN says that it names.
const RESOURCE: &str = "podidentityassociation";

const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The id of an association: `a-` and 17 lower-case letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssociationId(Box<str>);

impl AssociationId {
    /// The id of the object with this UID.
    #[must_use]
    pub fn of_uid(uid: &str) -> Self {
        let hash = digest(&SHA256, uid.as_bytes());
        let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
        let mut number = u128::from_be_bytes(first);
        let mut id = String::from("a-");
        for _ in 0..LENGTH {
            let digit = usize::try_from(number % 36).ok().and_then(|digit| DIGITS.get(digit));
            id.push(char::from(digit.copied().unwrap_or(b'0')));
            number /= 36;
        }
        Self(id.into())
    }

    /// Accepts an id of the right shape.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("a-")?;
        let fits = digits.len() == LENGTH && digits.bytes().all(|c| DIGITS.contains(&c));
        fits.then(|| Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AssociationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The external id that the target role's trust policy may ask for (`sts:ExternalId`): 32 hexadecimal digits, the same
/// for as long as the object lives.
#[must_use]
pub fn external_id(uid: &str) -> String {
    // Not the association's id with another name: that one is in every ARN.
    let hash = digest(&SHA256, format!("external-id/{uid}").as_bytes());
    let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
    format!("{:032x}", u128::from_be_bytes(first))
}

/// The ARN of an association: `arn:PARTITION:eks:REGION:ACCOUNT:podidentityassociation/CLUSTER/ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationArn {
    /// AWS's partition, that of the role.
    pub partition: Box<str>,
    /// The region.
    pub region: Box<str>,
    /// The AWS account, that of the role.
    pub account: Box<str>,
    /// The cluster.
    pub cluster: ClusterName,
    /// The association.
    pub id: AssociationId,
}

/// Why a text is not the ARN of an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArnError {
    /// It is no ARN.
    NotAnArn,
    /// It is the ARN of something else.
    Other,
}

impl AssociationArn {
    /// The ARN of the association `id` whose role is `role_arn`.
    #[must_use]
    pub fn of_role(role_arn: &str, region: &str, cluster: ClusterName, id: AssociationId) -> Self {
        let mut parts = role_arn.split(':').skip(1);
        let partition = parts.next().unwrap_or_default().into();
        let account = parts.nth(2).unwrap_or_default().into();
        Self { partition, region: region.into(), account, cluster, id }
    }

    /// Reads an ARN.
    ///
    /// # Errors
    /// The text is no ARN, or one of something else.
    pub fn read(text: &str) -> Result<Self, ArnError> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or(ArnError::NotAnArn);
        let [arn, partition, service, region, account, resource] =
            [next()?, next()?, next()?, next()?, next()?, next()?];
        if arn != "arn" {
            return Err(ArnError::NotAnArn);
        }
        let named = resource.strip_prefix(RESOURCE).and_then(|rest| rest.strip_prefix('/')?.split_once('/'));
        let (cluster, id) = named.filter(|_| service == "eks").ok_or(ArnError::Other)?;
        let cluster = ClusterName::new(cluster).ok_or(ArnError::Other)?;
        let id = AssociationId::new(id).ok_or(ArnError::Other)?;
        Ok(Self { partition: partition.into(), region: region.into(), account: account.into(), cluster, id })
    }
}

impl fmt::Display for AssociationArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, cluster, id } = self;
        write!(f, "arn:{partition}:eks:{region}:{account}:{RESOURCE}/{cluster}/{id}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "6f1f2a4e-3d6f-4a53-9d0e-0d8a3c1c9a11";

    #[test]
    fn ids_have_the_shape_of_aws_and_stay_the_same() {
        let id = AssociationId::of_uid(UID);
        assert_eq!(AssociationId::new(id.as_str()), Some(id.clone()));
        assert_eq!(id, AssociationId::of_uid(UID));
        assert_ne!(id, AssociationId::of_uid(&UID.replace('6', "7")));
        for other in ["", "a-", "a-abc", "b-abcdefghijklmnopq", "a-ABCDEFGHIJKLMNOPQ", "a-abcdefghijklmnopq1"]
        {
            assert_eq!(AssociationId::new(other), None, "{other}");
        }
    }

    #[test]
    fn ids_of_many_objects_differ() {
        let ids: std::collections::HashSet<_> =
            (0..10_000).map(|number| AssociationId::of_uid(&format!("{UID}-{number}"))).collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn an_arn_is_read_as_it_was_written() {
        let id = AssociationId::of_uid(UID);
        let role = "arn:aws-cn:iam::123456789012:role/team/app";
        let prod = ClusterName::new("prod").unwrap();
        let arn = AssociationArn::of_role(role, "cn-north-1", prod, id.clone());
        let text = arn.to_string();
        assert_eq!(text, format!("arn:aws-cn:eks:cn-north-1:123456789012:podidentityassociation/prod/{id}"));
        assert_eq!(AssociationArn::read(&text), Ok(arn));
    }

    #[test]
    fn other_arns_are_told_from_texts_that_are_none() {
        for text in [
            "arn:aws:eks:eu-west-1:123456789012:cluster/prod",
            "arn:aws:iam:eu-west-1:123456789012:podidentityassociation/prod/a-abcdefghij1234567",
            "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/a-abcdefghij1234567/x",
            "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/pr.od/a-abcdefghij1234567",
            "arn:aws:eks:eu-west-1:123456789012:podidentityassociation//a-abcdefghij1234567",
            "arn:aws:eks:eu-west-1:123456789012:podidentityassociationprod/a-abcdefghij1234567",
            "arn:aws:eks:eu-west-1:123456789012:",
        ] {
            assert_eq!(AssociationArn::read(text), Err(ArnError::Other), "{text}");
        }
        for text in ["", "prod", "arn:aws:eks:eu-west-1:123456789012", "ARN:aws:eks:eu-west-1:1:x"] {
            assert_eq!(AssociationArn::read(text), Err(ArnError::NotAnArn), "{text}");
        }
    }

    #[test]
    fn an_external_id_is_no_part_of_the_arn() {
        let (id, association) = (external_id(UID), AssociationId::of_uid(UID));
        assert_eq!(id.len(), 32);
        assert!(id.bytes().all(|c| c.is_ascii_hexdigit()));
        assert_eq!(id, external_id(UID));
        let digits = association.as_str().trim_start_matches("a-");
        assert!(!id.contains(digits) && !digits.contains(&id), "{id} and {association}");
        let of_both = digest(&SHA256, UID.as_bytes());
        let first = of_both.as_ref().first_chunk().copied().unwrap();
        assert_ne!(
            id,
            format!("{:032x}", u128::from_be_bytes(first)),
            "who knows the one must not know the other"
        );
    }
}
