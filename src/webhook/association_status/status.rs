//! What the status of an association says. Pure: object, flags and policy in, a patch out.

use injection::AccountName;
use injection::policy::PolicyMode;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::association::{self, Association, Spec};
use crate::aws::ClusterName;
use crate::role_policy::Snapshot;
use crate::webhook::admission::association_words;

/// The type of the condition.
const ACCEPTED: &str = "Accepted";

/// What the flags say that a status depends on.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// This cluster's name.
    pub cluster: Option<ClusterName>,
    /// This cluster's region.
    pub region: Option<String>,
}

/// What a condition says.
struct Condition {
    status: &'static str,
    reason: &'static str,
    message: String,
}

/// What has to be written so that the status says what it should; `None` if it does.
pub(super) fn patch(
    association: &Association,
    circumstances: &Circumstances,
    policy: Option<&Snapshot>,
    now: Timestamp,
) -> Option<Value> {
    let object = association.object();
    let version = object.pointer("/metadata/resourceVersion")?;
    let generation = object.pointer("/metadata/generation").cloned().unwrap_or_default();
    let nothing = json!({});
    let status = object.get("status").unwrap_or(&nothing);
    let condition = accepted(association, circumstances, policy);
    let arn = match circumstances {
        Circumstances { cluster: Some(cluster), region: Some(region) } => {
            Some(association.arn(region, cluster).to_string())
        }
        _ => None,
    };
    let members = [
        ("associationId", Some(association.id().to_string())),
        ("associationArn", arn),
        ("externalId", association.external_id()),
    ];
    let is_right = |(member, value): &(&str, Option<String>)| {
        status.get(*member).and_then(Value::as_str) == value.as_deref()
    };
    let conditions = status.get("conditions").and_then(Value::as_array);
    let before = conditions.into_iter().flatten().find(|condition| text(condition, "type") == ACCEPTED);
    let is_so = before.is_some_and(|before| {
        text(before, "status") == condition.status
            && text(before, "reason") == condition.reason
            && text(before, "message") == condition.message
            && before.get("observedGeneration") == Some(&generation)
    });
    if is_so && members.iter().all(is_right) && status.get("observedGeneration") == Some(&generation) {
        return None;
    }
    let since = before.filter(|before| text(before, "status") == condition.status);
    let since = since.map(|before| text(before, "lastTransitionTime").to_owned());
    let mut after: Vec<_> = conditions.into_iter().flatten().cloned().collect();
    after.retain(|condition| text(condition, "type") != ACCEPTED);
    after.push(json!({
        "type": ACCEPTED,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": generation,
        "lastTransitionTime": since.unwrap_or_else(|| second(now)),
    }));
    // `null` takes a member away that is there no longer.
    let mut status: Map<_, _> =
        members.into_iter().map(|(member, value)| (member.to_owned(), value.into())).collect();
    status.insert("observedGeneration".to_owned(), generation);
    status.insert("conditions".to_owned(), after.into());
    Some(json!({"metadata": {"resourceVersion": version}, "status": status}))
}

/// Whether the association counts here, and why.
fn accepted(
    association: &Association,
    circumstances: &Circumstances,
    policy: Option<&Snapshot>,
) -> Condition {
    let no = |reason, message| Condition { status: "False", reason, message };
    let account = association.account.get();
    let spec = &association.spec;
    match (spec.cluster_name.as_deref(), &circumstances.cluster) {
        (Some(theirs), None) => {
            let message = format!(
                "it is for the cluster {theirs}, and the webhook was not told which cluster this is: set its flag \
                 --eks-cluster-name"
            );
            return no("ClusterUnknown", message);
        }
        (Some(theirs), Some(ours)) if theirs != ours.as_str() => {
            return no("OtherCluster", format!("it is for the cluster {theirs}, and this one is {ours}"));
        }
        _ => {}
    }
    if let Err(violation) = association::check(account, spec) {
        return no("Invalid", violation.to_string());
    }
    let roles = [Some(&spec.role_arn), spec.target_role_arn.as_ref()].into_iter().flatten();
    let forbidden = policy.and_then(|policy| {
        let (role, why) = policy.forbidden(account, roles.map(String::as_str))?;
        let active = policy.active();
        Some((active.mode, association_words(account, role, active.file, &why)))
    });
    let AccountName { namespace, name } = account;
    match forbidden {
        Some((PolicyMode::Enforce, words)) => no("RoleNotAllowed", words),
        Some((PolicyMode::Warn, words)) => {
            let message = format!("warning: {words}{}", tags(spec));
            Condition { status: "True", reason: "RoleNotAllowedYet", message }
        }
        None => {
            let message =
                format!("pods of ServiceAccount {namespace}/{name} get it when they are made{}", tags(spec));
            Condition { status: "True", reason: "Accepted", message }
        }
    }
}

/// What there is to say of session tags that an association leaves on, as EKS has them by default, and that its sessions
/// cannot have: EKS does not know these associations, so the agent has credentials by the pod's own token, and STS takes no
/// tags beside a token. Only the session of a target role, which is assumed afterwards, has them.
fn tags(spec: &Spec) -> &'static str {
    if spec.disable_session_tags == Some(true) || spec.target_role_arn.is_some() {
        return "";
    }
    "; the pods' sessions have no session tags, which STS sets for a target role alone: set disableSessionTags to true to say \
     that they need none, or give a targetRoleArn, whose sessions have them"
}

fn text<'a>(condition: &'a Value, member: &str) -> &'a str {
    condition.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// A moment to the second, as Kubernetes writes it.
fn second(moment: Timestamp) -> String {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string()
}
