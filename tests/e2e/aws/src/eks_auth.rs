//! EKS Auth's one call, `AssumeRoleForPodIdentity`: an agent, signing as its node, sends a pod's token and
//! gets the credentials that an association gives the pod.
//!
//! Unlike STS it speaks JSON and has its own names for errors ([`refused`]); an association says which role,
//! and the role must trust `pods.eks.amazonaws.com`.

pub mod answer;
pub mod association;
pub mod refused;

use std::path::PathBuf;
use std::time::Duration;

use hyper::Method;
use hyper::http::request::Parts;
use serde::Deserialize;

use crate::authority::{Authority, Issued, NewSession};
use crate::refusal::Refusal;
use crate::role::RoleArn;
use crate::sessions::random;
use crate::sigv4::{Authorization, Request};
use crate::tags::Tags;
use crate::token::Pod;
use crate::trust::{Action, Asker, Principal, Roles};

use association::{Association, Associations};
use refused::Refused;

/// What the service wants in a token and in a role's trust policy.
const AUDIENCE: &str = "pods.eks.amazonaws.com";
const LIFETIME: Duration = Duration::from_hours(6);

/// Who may call, and which pod gets which role.
#[derive(Debug)]
pub struct EksAuth {
    /// The node's access key.
    pub node: NodeKey,
    /// The file of associations; without it there are none.
    pub associations: Option<PathBuf>,
}

/// The key pair with which agents sign.
pub struct NodeKey {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
}

/// What the agent gets.
#[derive(Debug)]
pub struct PodAssumed {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's ServiceAccount.
    pub service_account: String,
    /// `arn:aws:eks:REGION:ACCOUNT:podidentityassociation/CLUSTER/ID`.
    pub association_arn: String,
    /// The association.
    pub association: Association,
    /// The session's tags.
    pub tags: Tags,
    /// The role's session.
    pub issued: Issued,
}

#[derive(Deserialize)]
struct Body {
    token: String,
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("NodeKey").field(&self.access_key_id).finish()
    }
}

/// The cluster's name as the path has it, if the request is for this service.
#[must_use]
pub fn cluster(parts: &Parts) -> Option<&str> {
    let path = parts.uri.path().strip_prefix("/clusters/")?;
    path.strip_suffix("/assume-role-for-pod-identity").filter(|_| parts.method == Method::POST)
}

impl EksAuth {
    /// Whether the node's key signed the request; gives the region that it was signed for.
    pub fn accept_node<'a>(&self, request: &Request<'a>, now: i64) -> Result<&'a str, Refused> {
        let authorization = Authorization::parse(request.headers)?;
        if authorization.access_key_id != self.node.access_key_id {
            return Err(Refusal::UnknownCredentials.into());
        }
        authorization.verify(request, "eks-auth", &self.node.secret_access_key, now)?;
        Ok(authorization.region)
    }

    /// Every check of a signed request in turn: cluster, token, audience, association, trust policy.
    pub async fn assume(
        &self,
        authority: &Authority,
        (region, cluster): (&str, &str),
        body: &[u8],
        now: i64,
    ) -> Result<PodAssumed, Refused> {
        check_cluster(cluster)?;
        let Body { token } = serde_json::from_slice(body).map_err(|_| Refused::NoToken)?;
        let claims = authority.verify(&token, now).await?;
        if !claims.audiences().any(|audience| audience == AUDIENCE) {
            return Err(Refusal::InvalidIdentityToken("Incorrect token audience".to_owned()).into());
        }
        let pod = claims.pod()?;
        let association = Associations::read(self.associations.as_deref())?.find(&pod)?;
        let role = association.role();
        let tags = tags(role, region, cluster, &pod);
        let asker =
            Asker { principal: Principal::Service(AUDIENCE), values: tags.condition_values().collect() };
        let roles = Roles::read(&authority.roles)?;
        if ![Action::AssumeRole, Action::TagSession].iter().all(|action| roles.allow(role, *action, &asker)) {
            return Err(Refusal::AccessDenied(
                "Unauthorized Exception! EKS does not have permissions to assume the associated role."
                    .to_owned(),
            )
            .into());
        }
        let name = session_name(cluster, pod.name)?;
        let session = NewSession { role, name: &name, duration: LIFETIME, tags: tags.clone() };
        let issued = authority.issue(session, now)?;
        let id = &association.association_id;
        Ok(PodAssumed {
            namespace: pod.namespace.to_owned(),
            service_account: pod.service_account.to_owned(),
            association_arn: role.eks(region, &format!("podidentityassociation/{cluster}/{id}")),
            association,
            tags,
            issued,
        })
    }
}

fn check_cluster(name: &str) -> Result<(), Refused> {
    let is_known = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let begins = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if begins && name.len() <= 100 && name.as_bytes().iter().all(is_known) {
        return Ok(());
    }
    Err(Refusal::Validation("clusterName must match ^[0-9A-Za-z][A-Za-z0-9\\-_]*".to_owned()).into())
}

/// The six tags that EKS sets, all of them transitive.
fn tags(role: &RoleArn, region: &str, cluster: &str, pod: &Pod<'_>) -> Tags {
    Tags::all_transitive([
        ("eks-cluster-arn", role.eks(region, &format!("cluster/{cluster}"))),
        ("eks-cluster-name", cluster.to_owned()),
        ("kubernetes-namespace", pod.namespace.to_owned()),
        ("kubernetes-service-account", pod.service_account.to_owned()),
        ("kubernetes-pod-name", pod.name.to_owned()),
        ("kubernetes-pod-uid", pod.uid.to_owned()),
    ])
}

/// `eks-CLUSTER-POD-UUID`; ten letters of each name, because a session's has 64 at most.
fn session_name(cluster: &str, pod: &str) -> Result<String, Refusal> {
    let cut = |name: &str| name.chars().take(10).collect::<String>();
    let random = format!("{:032x}", u128::from_be_bytes(random()?));
    let mut uuid = random.chars();
    let groups = [8, 4, 4, 4, 12].map(|length| uuid.by_ref().take(length).collect::<String>());
    Ok(format!("eks-{}-{}-{}", cut(cluster), cut(pod), groups.join("-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_are_those_of_eks_and_no_longer_than_sts_takes() {
        let name = session_name("one", "pod-0").unwrap();
        assert!(name.starts_with("eks-one-pod-0-"), "{name}");
        let uuid = name.strip_prefix("eks-one-pod-0-").unwrap();
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(session_name(&"c".repeat(100), &"p".repeat(253)).unwrap().len() <= 64);
    }

    #[test]
    fn takes_names_that_clusters_can_have() {
        let longest = "c".repeat(100);
        for name in ["a", "0", "A-b_c", &longest] {
            assert!(check_cluster(name).is_ok(), "{name}");
        }
        for name in ["", "-a", "_a", "a.b", "a/b", "a%20b", &format!("{longest}c")] {
            let refused = check_cluster(name).unwrap_err();
            assert_eq!((refused.code(), refused.status()), ("InvalidParameterException", 400), "{name}");
        }
    }
}
