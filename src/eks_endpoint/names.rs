//! The names that EKS gives to associations.

use std::fmt;

use super::error::{ErrorName, Quoted, ServiceError};
use crate::aws::ClusterName;

/// What an ARN of an association says that it is.
const RESOURCE: &str = "podidentityassociation";

/// Characters after `a-`.
const ID_LENGTH: usize = 17;

/// The id of an association: `a-` and 17 lower-case letters and digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationId(Box<str>);

impl AssociationId {
    /// Accepts what has the shape of an id.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = text.strip_prefix("a-").is_some_and(|rest| {
            rest.len() == ID_LENGTH && rest.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
        fits.then(|| Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AssociationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The ARN of an association: `arn:PARTITION:eks:REGION:ACCOUNT:podidentityassociation/CLUSTER/ID`. Its partition,
/// region and account are compared with those of the endpoint by whoever knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationArn {
    /// `aws`, `aws-cn`, ….
    pub partition: Box<str>,
    /// The cluster's region.
    pub region: Box<str>,
    /// The cluster's AWS account.
    pub account: Box<str>,
    /// The cluster.
    pub cluster: ClusterName,
    /// The association.
    pub id: AssociationId,
}

impl AssociationArn {
    /// Reads the ARN of a call about tags. One of anything else is not found, because nothing else has tags here.
    pub fn read(text: &str) -> Result<Self, ServiceError> {
        let mut parts = text.splitn(6, ':');
        let arn = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
        let (Some("arn"), Some(partition), Some(service), Some(region), Some(account), Some(resource)) = arn
        else {
            let message = format!("'{}' is not an ARN.", Quoted(text));
            return Err(ErrorName::BadRequest.error(message));
        };
        let association = (service == "eks").then(|| association(resource)).flatten();
        let Some((cluster, id)) = association else {
            let message = format!(
                "'{}' is not the ARN of a pod identity association: only these have tags here.",
                Quoted(text)
            );
            return Err(ErrorName::NotFound.error(message));
        };
        Ok(Self { partition: partition.into(), region: region.into(), account: account.into(), cluster, id })
    }
}

impl fmt::Display for AssociationArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, cluster, id } = self;
        write!(formatter, "arn:{partition}:eks:{region}:{account}:{RESOURCE}/{cluster}/{id}")
    }
}

/// The cluster and the id of an ARN's last part.
fn association(resource: &str) -> Option<(ClusterName, AssociationId)> {
    let (cluster, id) = resource.strip_prefix(RESOURCE)?.strip_prefix('/')?.split_once('/')?;
    Some((ClusterName::new(cluster)?, AssociationId::new(id)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str =
        "arn:aws-cn:eks:cn-north-1:123456789012:podidentityassociation/prod/a-abcdefghij1234567";

    #[test]
    fn takes_the_ids_that_eks_makes() {
        assert_eq!(AssociationId::new("a-abcdefghij1234567").unwrap().as_str(), "a-abcdefghij1234567");
        for id in [
            "",
            "a-",
            "a-abcdefghij123456",
            "a-abcdefghij12345678",
            "a-Abcdefghij1234567",
            "b-abcdefghij1234567",
        ] {
            assert_eq!(AssociationId::new(id), None, "{id}");
        }
    }

    #[test]
    fn arn_of_an_association_is_taken_apart_and_written_again() {
        let arn = AssociationArn::read(ARN).unwrap();
        assert_eq!((&*arn.partition, &*arn.region, &*arn.account), ("aws-cn", "cn-north-1", "123456789012"));
        assert_eq!((arn.cluster.as_str(), arn.id.as_str()), ("prod", "a-abcdefghij1234567"));
        assert_eq!(arn.to_string(), ARN);
    }

    #[test]
    fn other_arns_are_not_found_and_other_texts_are_no_arns() {
        for text in [
            "arn:aws:eks:eu-west-1:123456789012:cluster/prod",
            "arn:aws:iam:eu-west-1:123456789012:podidentityassociation/prod/a-abcdefghij1234567",
            "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/a-abcdefghij1234567/x",
            "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/pr.od/a-abcdefghij1234567",
            "arn:aws:eks:eu-west-1:123456789012:podidentityassociationprod/a-abcdefghij1234567",
            "arn:aws:eks:eu-west-1:123456789012:",
        ] {
            assert_eq!(AssociationArn::read(text).unwrap_err().name, ErrorName::NotFound, "{text}");
        }
        for text in ["", "prod", "arn:aws:eks:eu-west-1:123456789012", "ARN:aws:eks:eu-west-1:1:x"] {
            assert_eq!(AssociationArn::read(text).unwrap_err().name, ErrorName::BadRequest, "{text}");
        }
    }
}
