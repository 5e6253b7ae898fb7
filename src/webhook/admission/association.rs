//! `/validate/associations`: whether an association may be written, by the role policy. Without AWS's `iam:PassRole`
//! this is the bound on which roles whoever may write associations can hand out.
//!
//! It is registered beside the mutating webhooks, so that one object has all caBundles; it never changes anything.
//! What an association has to look like, its definition says.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use injection::AccountName;
use injection::policy::{Forbidden, PolicyMode};
use injection::review::ReviewError;
use injection::text::{Quoted, logged_name};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::refusal::Refusal;
use super::{Admission, json, patience};
use crate::aws::ClusterName;
use crate::role_policy::Snapshot;

/// Characters of a role that are quoted.
const TOLD: usize = 700;

/// A review, of which only this is read. The object comes before anybody has checked its shape, so what may be large is
/// taken as the text that it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(borrow)]
    request: ReviewRequest<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewRequest<'a> {
    uid: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
    #[serde(borrow, default)]
    object: Option<Object<'a>>,
    #[serde(borrow, default)]
    old_object: Option<Object<'a>>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow, default)]
    spec: Option<Roles<'a>>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    deletion_timestamp: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Roles<'a> {
    #[serde(borrow, default)]
    role_arn: Option<&'a RawValue>,
    #[serde(borrow, default)]
    target_role_arn: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cluster_name: Option<&'a RawValue>,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Allowed,
    /// Allowed, because the policy only warns.
    Warned(String),
    Denied(String),
}

impl Admission {
    /// One review of an association, from its headers to its answer.
    pub(super) async fn review_association(&self, request: Request) -> Response {
        match self.guarded(self.judge_association(request)).await {
            Ok(response) => response,
            Err(refusal) => {
                self.metrics.association_reviewed("failed");
                if let Some(left_out) = self.strangers.allow() {
                    tracing::warn!(reason = %refusal, left_out, "association not reviewed");
                }
                refusal.into_response()
            }
        }
    }

    async fn judge_association(&self, request: Request) -> Result<Response, Refusal> {
        let patience = patience(request.uri()).unwrap_or(self.limits.request).min(self.limits.request);
        let deadline = Instant::now() + patience;
        let (body, share) = self.body(request, deadline).await?;
        let policy =
            self.policy.as_ref().map(|file| file.current().ok_or(Refusal::PolicyUnread)).transpose()?;
        let judge = || {
            let Review { api_version, kind, request } =
                serde_json::from_slice(&body).map_err(ReviewError::from)?;
            if (api_version.as_str(), kind.as_str()) != ("admission.k8s.io/v1", "AdmissionReview") {
                return Err(ReviewError::Unsupported.into());
            }
            let verdict = judge(&request, policy.as_ref(), self.cluster.as_ref());
            Ok::<_, Refusal>((answer(&request.uid, &verdict), verdict, request.account(), request.uid))
        };
        let (answer, verdict, account, uid) = self.lane.run(body.len(), deadline, judge).await??;
        let (verdict, reason) = verdict.told();
        let [namespace, name, uid] = [account.0, account.1, uid].map(|text| logged_name(&text, 253));
        self.metrics.association_reviewed(verdict);
        tracing::info!(uid, namespace, name, verdict, reason, "association reviewed");
        drop(body);
        Ok(json(answer, share))
    }
}

impl ReviewRequest<'_> {
    /// The account's two names. A name that the API server makes up is not there yet.
    fn account(&self) -> (String, String) {
        let named = self.object.as_ref().and_then(|object| object.metadata.name.clone());
        let name = if self.name.is_empty() { named.unwrap_or_default() } else { self.name.clone() };
        (self.namespace.clone(), name)
    }
}

/// What the policy says of every role that the association names, if it counts on this cluster, and if the write is not
/// about something else: pods are held to the policy anyway, and whoever ends a deletion must not be kept from it.
fn judge(request: &ReviewRequest<'_>, policy: Option<&Snapshot>, cluster: Option<&ClusterName>) -> Verdict {
    let Some(policy) = policy else { return Verdict::Allowed };
    let is_ending =
        request.object.as_ref().is_some_and(|object| object.metadata.deletion_timestamp.is_some());
    let said = Said::of(request.object.as_ref());
    let is_old = request.old_object.as_ref().is_some_and(|old| Said::of(Some(old)) == said);
    let is_elsewhere =
        said.cluster.as_deref().is_some_and(|theirs| cluster.is_none_or(|ours| ours.as_str() != theirs));
    if is_ending || is_old || is_elsewhere {
        return Verdict::Allowed;
    }
    let roles = said.roles;
    let (namespace, name) = request.account();
    let account = AccountName::new(&namespace, &name);
    let Some((role, why)) = policy.forbidden(account, roles.iter().map(String::as_str)) else {
        return Verdict::Allowed;
    };
    let active = policy.active();
    let words = association_words(account, role, active.file, &why);
    match active.mode {
        PolicyMode::Enforce => Verdict::Denied(words),
        PolicyMode::Warn => Verdict::Warned(words),
    }
}

/// What an association says that the policy is about. What is no text is none of the definition's either, which refuses
/// it after this.
#[derive(PartialEq, Eq)]
struct Said {
    roles: Vec<String>,
    cluster: Option<String>,
}

impl Said {
    fn of(object: Option<&Object<'_>>) -> Self {
        let text =
            |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let Some(spec) = object.and_then(|object| object.spec.as_ref()) else {
            return Self { roles: Vec::new(), cluster: None };
        };
        let roles = [spec.role_arn, spec.target_role_arn].into_iter().filter_map(text).collect();
        Self { roles, cluster: text(spec.cluster_name) }
    }
}

/// Why an association is not to be, for whoever writes it.
pub(in crate::webhook) fn association_words(
    account: AccountName<'_>,
    role: &str,
    file: &str,
    why: &Forbidden,
) -> String {
    format!(
        "the role policy {file} does not allow {} for ServiceAccount {account}: {why}; use a role that the policy allows, \
         or allow this one in it",
        Quoted::ascii(role, TOLD)
    )
}

impl Verdict {
    fn told(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Allowed => ("allowed", None),
            Self::Warned(words) => ("warned", Some(words)),
            Self::Denied(words) => ("denied", Some(words)),
        }
    }
}

fn answer(uid: &str, verdict: &Verdict) -> Vec<u8> {
    let response = match verdict {
        Verdict::Allowed => json!({"uid": uid, "allowed": true}),
        Verdict::Warned(words) => json!({"uid": uid, "allowed": true, "warnings": [words]}),
        Verdict::Denied(words) => json!({
            "uid": uid,
            "allowed": false,
            "status": {"code": 403, "reason": "Forbidden", "message": words},
        }),
    };
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
        .to_string()
        .into_bytes()
}
