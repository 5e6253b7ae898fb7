//! Which call a request is, from its method, path and query as they were sent. No router of a web framework does
//! this: they decode and normalise the path first, and an ARN's `%2F` would then be a slash.

use http::Method;

use super::error::{ErrorName, Quoted, ServiceError};
use super::names::tagged;
use super::page::{PageRequest, max_results};
use super::query::{Query, decoded};
use crate::association::{AssociationArn, AssociationId};
use crate::aws::ClusterName;

/// Largest path with its query, in bytes: all tag keys that an association can have, which one call may take away. Fifty
/// of 128 characters are 19,200 bytes where each is one that ASCII has and is escaped, and 57,600 where each is escaped to
/// 9 bytes, as those of most scripts are; the parameter's names and the path add 700. Keys of emoji alone, at 12 bytes a
/// character, are 76,800, which takes two calls: no URL in Rust's crate `http` has more than 65,534.
pub const URI_LIMIT: usize = 60 << 10;

/// Largest head of a request, in bytes: the path with its query, and what clients and their signatures add.
pub(super) const HEAD_LIMIT: usize = 96 << 10;

/// What there is, for who asks for something else.
const OPERATIONS: &str = "CreatePodIdentityAssociation, ListPodIdentityAssociations, DescribePodIdentityAssociation, \
     UpdatePodIdentityAssociation, DeletePodIdentityAssociation, TagResource, UntagResource, ListTagsForResource, \
     DescribeCluster and ListClusters";

/// A call, without what its body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Makes an association, as the body says.
    CreatePodIdentityAssociation {
        /// In which cluster.
        cluster: ClusterName,
    },
    /// Lists associations.
    ListPodIdentityAssociations {
        /// Of which cluster.
        cluster: ClusterName,
        /// Which of them.
        filter: Filter,
        /// How many, and from where on.
        page: PageRequest,
    },
    /// Tells all of an association.
    DescribePodIdentityAssociation {
        /// Of which cluster.
        cluster: ClusterName,
        /// Which.
        id: AssociationId,
    },
    /// Changes an association, as the body says.
    UpdatePodIdentityAssociation {
        /// Of which cluster.
        cluster: ClusterName,
        /// Which.
        id: AssociationId,
    },
    /// Deletes an association, and tells all of it.
    DeletePodIdentityAssociation {
        /// Of which cluster.
        cluster: ClusterName,
        /// Which.
        id: AssociationId,
    },
    /// Adds the body's tags, or changes them.
    TagResource {
        /// To what.
        arn: AssociationArn,
    },
    /// Takes tags away.
    UntagResource {
        /// From what.
        arn: AssociationArn,
        /// The tags' keys: one at least.
        keys: Vec<String>,
    },
    /// Tells the tags.
    ListTagsForResource {
        /// Of what.
        arn: AssociationArn,
    },
    /// Tells what clients need of a cluster.
    DescribeCluster {
        /// Which.
        cluster: ClusterName,
    },
    /// Names the one cluster that there is.
    ListClusters,
}

/// Which associations are listed: without a name, those of any. A name is compared with those that there are, and
/// never asked Kubernetes for: it may be one that Kubernetes does not take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this namespace.
    pub namespace: Option<String>,
    /// Those of ServiceAccounts of this name.
    pub service_account: Option<String>,
}

impl Filter {
    /// Whether an association of this account is listed.
    #[must_use]
    pub fn admits(&self, namespace: &str, service_account: &str) -> bool {
        let admits = |wanted: &Option<String>, name| wanted.as_deref().is_none_or(|wanted| wanted == name);
        admits(&self.namespace, namespace) && admits(&self.service_account, service_account)
    }
}

impl Call {
    /// Reads the call of a request whose signature was verified.
    ///
    /// # Errors
    /// The error to answer with: there is no such call, or it names something that cannot be.
    pub fn read(method: &Method, path: &str, query: Option<&str>) -> Result<Self, ServiceError> {
        if path.len() + query.map_or(0, str::len) > URI_LIMIT {
            let message = format!("The request's path and query have more than {URI_LIMIT} bytes.");
            return Err(ErrorName::InvalidRequest.error(message));
        }
        let segments = segments(path).unwrap_or_default();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let query = |refusal| Query::read(query, refusal);
        match (Resource::named(&segments), method.as_str()) {
            (Some(Resource::Clusters), "GET") => {
                let query = query(ErrorName::InvalidParameter)?;
                max_results(&query)?;
                // There is one page.
                match query.one("nextToken")? {
                    None => Ok(Self::ListClusters),
                    Some(_) => {
                        Err(ErrorName::InvalidParameter.error("The nextToken is not one of this list."))
                    }
                }
            }
            (Some(Resource::Cluster(name)), "GET") => Ok(Self::DescribeCluster { cluster: cluster(name)? }),
            (Some(Resource::Associations(name)), "POST") => {
                Ok(Self::CreatePodIdentityAssociation { cluster: cluster(name)? })
            }
            (Some(Resource::Associations(name)), "GET") => {
                Self::list(cluster(name)?, &query(ErrorName::InvalidParameter)?)
            }
            (Some(Resource::Association(name, id)), "GET" | "POST" | "DELETE") => {
                let cluster = cluster(name)?;
                let Some(id) = AssociationId::new(id) else {
                    return Err(ServiceError::no_association(&cluster, id));
                };
                Ok(match method.as_str() {
                    "GET" => Self::DescribePodIdentityAssociation { cluster, id },
                    "POST" => Self::UpdatePodIdentityAssociation { cluster, id },
                    _ => Self::DeletePodIdentityAssociation { cluster, id },
                })
            }
            (Some(Resource::Tags(arn)), "GET") => Ok(Self::ListTagsForResource { arn: tagged(&arn)? }),
            (Some(Resource::Tags(arn)), "POST") => Ok(Self::TagResource { arn: tagged(&arn)? }),
            (Some(Resource::Tags(arn)), "DELETE") => {
                Self::untag(tagged(&arn)?, &query(ErrorName::BadRequest)?)
            }
            (Some(resource), _) => Err(wrong_method(method, path, resource.methods())),
            (None, _) => Err(unknown(method, path)),
        }
    }

    /// What AWS calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreatePodIdentityAssociation { .. } => "CreatePodIdentityAssociation",
            Self::ListPodIdentityAssociations { .. } => "ListPodIdentityAssociations",
            Self::DescribePodIdentityAssociation { .. } => "DescribePodIdentityAssociation",
            Self::UpdatePodIdentityAssociation { .. } => "UpdatePodIdentityAssociation",
            Self::DeletePodIdentityAssociation { .. } => "DeletePodIdentityAssociation",
            Self::TagResource { .. } => "TagResource",
            Self::UntagResource { .. } => "UntagResource",
            Self::ListTagsForResource { .. } => "ListTagsForResource",
            Self::DescribeCluster { .. } => "DescribeCluster",
            Self::ListClusters => "ListClusters",
        }
    }

    /// The cluster that a call names in its path.
    #[must_use]
    pub fn cluster(&self) -> Option<&ClusterName> {
        match self {
            Self::CreatePodIdentityAssociation { cluster }
            | Self::ListPodIdentityAssociations { cluster, .. }
            | Self::DescribePodIdentityAssociation { cluster, .. }
            | Self::UpdatePodIdentityAssociation { cluster, .. }
            | Self::DeletePodIdentityAssociation { cluster, .. }
            | Self::DescribeCluster { cluster } => Some(cluster),
            Self::TagResource { .. }
            | Self::UntagResource { .. }
            | Self::ListTagsForResource { .. }
            | Self::ListClusters => None,
        }
    }

    fn list(cluster: ClusterName, query: &Query) -> Result<Self, ServiceError> {
        let namespace = query.one("namespace")?.map(str::to_owned);
        let service_account = query.one("serviceAccount")?.map(str::to_owned);
        let page = PageRequest::read(query)?;
        Ok(Self::ListPodIdentityAssociations { cluster, filter: Filter { namespace, service_account }, page })
    }

    fn untag(arn: AssociationArn, query: &Query) -> Result<Self, ServiceError> {
        let keys: Vec<_> = query.all("tagKeys").map(str::to_owned).collect();
        if keys.is_empty() {
            return Err(ErrorName::BadRequest.error("The parameter tagKeys is required."));
        }
        Ok(Self::UntagResource { arn, keys })
    }
}

/// What a path names.
enum Resource<'a> {
    Clusters,
    Cluster(&'a str),
    Associations(&'a str),
    Association(&'a str, &'a str),
    Tags(String),
}

impl<'a> Resource<'a> {
    fn named(segments: &[&'a str]) -> Option<Self> {
        match *segments {
            ["clusters"] => Some(Self::Clusters),
            ["clusters", name] => Some(Self::Cluster(name)),
            ["clusters", name, "pod-identity-associations"] => Some(Self::Associations(name)),
            ["clusters", name, "pod-identity-associations", id] => Some(Self::Association(name, id)),
            // Clients send the ARN as one segment; what stands between may have decoded its slashes.
            ["tags", _, ..] => Some(Self::Tags(segments.get(1..)?.join("/"))),
            _ => None,
        }
    }

    /// The methods that it takes.
    fn methods(&self) -> &'static str {
        match self {
            Self::Clusters | Self::Cluster(_) => "GET",
            Self::Associations(_) => "GET and POST",
            Self::Association(..) | Self::Tags(_) => "GET, POST and DELETE",
        }
    }
}

/// The segments of a path, decoded after they are split; a slash at the end is as good as none. `None` for what is
/// not a path of ours.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    path.strip_suffix('/').unwrap_or(path).split('/').map(decoded).collect()
}

/// No cluster can have another name, and so there is none.
fn cluster(name: &str) -> Result<ClusterName, ServiceError> {
    ClusterName::new(name).ok_or_else(|| ServiceError::no_cluster(name))
}

fn wrong_method(method: &Method, path: &str, methods: &str) -> ServiceError {
    let (method, path) = (Quoted(method.as_str()), Quoted(path));
    ErrorName::UnknownOperation.error(format!("There is no {method} of '{path}': it takes {methods}."))
}

fn unknown(method: &Method, path: &str) -> ServiceError {
    let (method, path) = (Quoted(method.as_str()), Quoted(path));
    let message = format!("This endpoint has no operation {method} '{path}'. It has {OPERATIONS}.");
    ErrorName::UnknownOperation.error(message)
}

#[cfg(test)]
mod tests;
