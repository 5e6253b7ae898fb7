//! What is read of one resource: whose association it is, and whether AWS has it. The role does not matter to the
//! webhook: it is looked at only where nobody else has.

use std::sync::Arc;

use injection::grant::Roles;
use injection::name::{AccountName, OwnedAccountName, is_label, is_subdomain};
use serde::Deserialize;
use serde_json::Value;

use super::kind::{Kind, OfAws};
use super::selection::Detail;
use crate::association::{self, Spec, Terms};
use crate::identities::association_set::Associated;

/// An association that a resource holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The pods' ServiceAccount.
    pub account: OwnedAccountName,
    /// The EKS cluster's name, if it is known already: a reference to a cluster is not resolved here, but
    /// once AWS has the association its ARN names the cluster.
    pub cluster: Option<Box<str>>,
    /// Whether AWS has it.
    pub existence: Existence,
    /// What it says of credentials, if it says the role by its ARN; `None` where that is not kept.
    pub terms: Option<Arc<Terms>>,
}

/// Whether AWS has an association, as far as its resource says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existence {
    /// The object is the association, with these roles: there is nothing to make in AWS.
    Given(Roles),
    /// The association has no id: AWS has not made it.
    Awaited,
    /// The association has this id, but its controller does not say that all is well.
    Unsettled(Box<str>),
    /// The association has this id, and its controller's condition says that it is settled.
    Settled(Box<str>),
}

impl Existence {
    /// The roles, where the object says which count.
    #[must_use]
    pub fn roles(&self) -> Option<&Roles> {
        match self {
            Self::Given(roles) => Some(roles),
            Self::Awaited | Self::Unsettled(_) | Self::Settled(_) => None,
        }
    }

    /// The id that AWS gave.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Given(_) | Self::Awaited => None,
            Self::Unsettled(id) | Self::Settled(id) => Some(id),
        }
    }
}

/// Why a resource cannot be used. The text quotes nothing of the resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A member that must be there is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// A member that must be a string is something else.
    #[error("{0} is not a string")]
    NotText(String),
    /// A string cannot be the name of such an object.
    #[error("{0} is not a valid Kubernetes name")]
    NotAName(String),
    /// A rule of associations is not kept.
    #[error("spec.{0}")]
    Rule(String),
}

impl Association {
    /// Reads an object of this kind; `namespace` is its own if it does not say.
    pub fn read(kind: &Kind, object: &Value, namespace: &str) -> Result<Self, Malformed> {
        Self::read_in(kind, object, namespace, Detail::Account)
    }

    /// The same, of which so much is kept.
    pub(super) fn read_in(
        kind: &Kind,
        object: &Value,
        namespace: &str,
        detail: Detail,
    ) -> Result<Self, Malformed> {
        let cluster = match wanted(kind, object, "clusterName") {
            None => None,
            Some((_, Value::String(cluster))) => Some(cluster.as_str()),
            Some((path, _)) => return Err(Malformed::NotText(path)),
        };
        let Some(of_aws) = &kind.of_aws else {
            let account = own_name(object, namespace)?;
            let spec = spec(object, account.get())?;
            let terms = (detail == Detail::Terms).then(|| Arc::new(Terms::given(uid(object), &spec)));
            let existence = Existence::Given(roles(spec));
            return Ok(Self { account, cluster: cluster.map(Into::into), existence, terms });
        };
        let namespace = name(kind, object, "namespace", is_label)?;
        let account = name(kind, object, "serviceAccount", is_subdomain)?;
        Ok(Self {
            account: AccountName::new(namespace, account).into_owned(),
            cluster: cluster.or_else(|| arn(of_aws, object).and_then(cluster_of)).map(Into::into),
            existence: existence(of_aws, object),
            terms: (detail == Detail::Terms).then(|| terms(kind, of_aws, object)).flatten(),
        })
    }
}

impl Association {
    /// What the source says of it.
    pub(in crate::identities) fn associated(&self) -> Associated {
        Associated { roles: self.existence.roles().cloned(), terms: self.terms.clone() }
    }
}

/// The account whose name the object has.
fn own_name(object: &Value, namespace: &str) -> Result<OwnedAccountName, Malformed> {
    let text = |field| object.get("metadata")?.get(field)?.as_str().filter(|text| !text.is_empty());
    let name = text("name").ok_or_else(|| Malformed::Missing("metadata.name".to_owned()))?;
    let namespace = text("namespace").unwrap_or(namespace);
    for (text, is_name, field) in [
        (namespace, is_label as fn(&str) -> bool, "metadata.namespace"),
        (name, is_subdomain, "metadata.name"),
    ] {
        if !is_name(text) {
            return Err(Malformed::NotAName(field.to_owned()));
        }
    }
    Ok(AccountName::new(namespace, name).into_owned())
}

/// What an object says that is the association itself, checked by the rules of associations. The API server keeps to all
/// of them but one, that a policy is JSON; files were shown to nobody. What the rules refuse must not count: a policy that
/// nobody can read narrows nothing.
fn spec(object: &Value, account: AccountName<'_>) -> Result<Spec, Malformed> {
    let spec = object.get("spec").map(Spec::deserialize).transpose();
    let spec = spec.map_err(|_| Malformed::NotText("a member of spec".to_owned()))?.unwrap_or_default();
    association::check(account, &spec).map_err(|rule| Malformed::Rule(rule.to_string()))?;
    Ok(spec)
}

fn roles(spec: Spec) -> Roles {
    let Spec { role_arn, target_role_arn, .. } = spec;
    [Some(role_arn), target_role_arn].into_iter().flatten().map(String::into_boxed_str).collect()
}

fn uid(object: &Value) -> &str {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}

/// What a controller's resource says of credentials. A role that is named by a reference is not known here.
fn terms(kind: &Kind, of_aws: &OfAws, object: &Value) -> Option<Arc<Terms>> {
    let text = |field| wanted(kind, object, field).and_then(|(_, value)| value.as_str());
    let [role, target] = of_aws.roles;
    let untagged = wanted(kind, object, "disableSessionTags").and_then(|(_, value)| value.as_bool());
    Some(Arc::new(Terms {
        id: object.pointer(of_aws.id).and_then(Value::as_str).unwrap_or_default().into(),
        role_arn: text(role)?.into(),
        target_role_arn: text(target).map(Into::into),
        disable_session_tags: untagged.unwrap_or_default(),
        policy: text("policy").map(Into::into),
        external_id: object.pointer(of_aws.external_id).and_then(Value::as_str).map(Into::into),
    }))
}

fn name<'a>(
    kind: &Kind,
    object: &'a Value,
    field: &str,
    is_name: fn(&str) -> bool,
) -> Result<&'a str, Malformed> {
    match wanted(kind, object, field) {
        Some((_, Value::String(text))) if is_name(text) => Ok(text),
        Some((path, Value::String(_))) => Err(Malformed::NotAName(path)),
        Some((path, _)) => Err(Malformed::NotText(path)),
        None => Err(Malformed::Missing(path(kind.wanted.first().unwrap_or(&""), field))),
    }
}

/// The first place where a member stands of what is wanted, as people write it, and its value. An empty value counts as
/// absent: templates write one if a value is not set.
#[must_use]
pub fn wanted<'a>(kind: &Kind, object: &'a Value, field: &str) -> Option<(String, &'a Value)> {
    kind.wanted.iter().find_map(|parent| {
        let value = object.pointer(parent)?.get(field)?;
        let is_set = !value.is_null() && value.as_str() != Some("");
        is_set.then(|| (path(parent, field), value))
    })
}

/// A member's path as people write it, such as `spec.forProvider.namespace`.
fn path(parent: &str, field: &str) -> String {
    format!("{}.{field}", parent.trim_start_matches('/').replace('/', "."))
}

fn arn<'a>(of_aws: &OfAws, object: &'a Value) -> Option<&'a str> {
    of_aws.arns.iter().find_map(|pointer| object.pointer(pointer)?.as_str())
}

/// The cluster in `arn:aws:eks:REGION:ACCOUNT:podidentityassociation/CLUSTER/ID`.
fn cluster_of(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    let (cluster, _) = resource.strip_prefix("podidentityassociation/")?.split_once('/')?;
    (!cluster.is_empty()).then_some(cluster)
}

fn existence(of_aws: &OfAws, object: &Value) -> Existence {
    let id = object.pointer(of_aws.id).and_then(Value::as_str).filter(|id| !id.is_empty());
    let Some(id) = id else { return Existence::Awaited };
    let (wanted, values) = of_aws.settled;
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let is_settled = conditions.into_iter().flatten().any(|condition| {
        let text = |field| condition.get(field).and_then(Value::as_str);
        text("type") == Some(wanted) && text("status").is_some_and(|status| values.contains(&status))
    });
    if is_settled { Existence::Settled(id.into()) } else { Existence::Unsettled(id.into()) }
}
