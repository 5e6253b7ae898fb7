//! What a token says: which account and pod it is for, where it counts and how long.
//!
//! The claims are those of `pkg/serviceaccount/claims.go`; others (`jti`, `warnafter`, `secret`) are not read.

mod read;

use std::time::{Duration, SystemTime};

use read::{Bound, Kubernetes};

/// What a token says. It is had from [`Token::verify_signature`](super::Token::verify_signature) alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    issuer: Option<String>,
    subject: Option<String>,
    audiences: Vec<String>,
    expires_at: Option<SystemTime>,
    not_before: Option<SystemTime>,
    issued_at: Option<SystemTime>,
    kubernetes: Option<Kubernetes>,
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The cluster's issuers, of which any is right: a cluster whose issuer changes has two. Each is compared
    /// character by character, as STS does.
    pub issuers: &'a [&'a str],
    /// The audiences of which the token must be for one.
    pub audiences: &'a [&'a str],
    /// The time.
    pub now: SystemTime,
    /// By how much the clocks of a node and an API server may differ.
    pub leeway: Duration,
}

/// Whose token it is. Names are as the API server wrote them, and none is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The namespace of account and pod.
    pub namespace: String,
    /// The ServiceAccount.
    pub service_account: String,
    /// Its uid: an account that is made anew has another.
    pub service_account_uid: String,
    /// The pod that has the token.
    pub pod_name: String,
    /// Its uid.
    pub pod_uid: String,
    /// The pod's node, which API servers write since Kubernetes 1.30.
    pub node_name: Option<String>,
    /// Its uid.
    pub node_uid: Option<String>,
    /// From when on the token does not count.
    pub expires_at: SystemTime,
    /// When it was made.
    pub issued_at: Option<SystemTime>,
}

/// Why a token of the issuer does not count here. The answer is a refusal; kubelet writes a new token in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// `iss` is another issuer, or missing.
    #[error("the token is from another issuer than the cluster's")]
    Issuer,
    /// `exp` is missing, as in tokens that stand in Secrets.
    #[error("the token never expires: it is not one that is made for a pod")]
    NeverExpires,
    /// `exp` is past.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is to come.
    #[error("the token does not count yet: the clocks of this node and the API server may differ")]
    NotYetValid,
    /// `iat` is to come.
    #[error("the token was made in the future: the clocks of this node and the API server may differ")]
    IssuedInFuture,
    /// `aud` has none of the audiences.
    #[error("the token is for another audience")]
    Audience,
    /// `kubernetes.io` is missing.
    #[error("the token is not a ServiceAccount's: it has no claims of Kubernetes")]
    NotKubernetes,
    /// `kubernetes.io` has no namespace.
    #[error("the token does not name a namespace")]
    NoNamespace,
    /// `kubernetes.io` has no ServiceAccount, or none with a name.
    #[error("the token does not name a ServiceAccount")]
    NoServiceAccount,
    /// The ServiceAccount has no uid.
    #[error("the token does not have its ServiceAccount's uid")]
    NoServiceAccountUid,
    /// `kubernetes.io` has no pod, or none with a name.
    #[error("the token is not bound to a pod")]
    NoPod,
    /// The pod has no uid.
    #[error("the token does not have its pod's uid")]
    NoPodUid,
    /// `sub` is not `system:serviceaccount:NAMESPACE:NAME`, by the names in `kubernetes.io`.
    #[error("the token's subject is another than its ServiceAccount")]
    Subject,
}

impl Claims {
    /// Says whose token it is, if it is for one of the audiences, from one of the issuers and counts now.
    ///
    /// It counts until just before `exp`, and from `nbf` and `iat` on (RFC 7519, 4.1), each with the leeway.
    pub fn check(&self, expected: &Expected<'_>) -> Result<Subject, ClaimError> {
        if !self.issuer.as_deref().is_some_and(|issuer| expected.issuers.contains(&issuer)) {
            return Err(ClaimError::Issuer);
        }
        let expires_at = self.check_time(expected)?;
        if !self.audiences.iter().any(|audience| expected.audiences.contains(&audience.as_str())) {
            return Err(ClaimError::Audience);
        }
        let kubernetes = self.kubernetes.as_ref().ok_or(ClaimError::NotKubernetes)?;
        let subject = kubernetes.subject(expires_at, self.issued_at)?;
        let name = format!("system:serviceaccount:{}:{}", subject.namespace, subject.service_account);
        if self.subject.as_deref() == Some(name.as_str()) { Ok(subject) } else { Err(ClaimError::Subject) }
    }

    fn check_time(&self, expected: &Expected<'_>) -> Result<SystemTime, ClaimError> {
        let Expected { now, leeway, .. } = *expected;
        let expires_at = self.expires_at.ok_or(ClaimError::NeverExpires)?;
        if now.duration_since(expires_at).is_ok_and(|past| past >= leeway) {
            return Err(ClaimError::Expired);
        }
        let is_to_come = |time: SystemTime| time.duration_since(now).is_ok_and(|ahead| ahead > leeway);
        if self.not_before.is_some_and(is_to_come) {
            return Err(ClaimError::NotYetValid);
        }
        if self.issued_at.is_some_and(is_to_come) {
            return Err(ClaimError::IssuedInFuture);
        }
        Ok(expires_at)
    }
}

impl Kubernetes {
    fn subject(&self, expires_at: SystemTime, issued_at: Option<SystemTime>) -> Result<Subject, ClaimError> {
        let Self { namespace, service_account, pod, node } = self;
        let Bound { name: service_account, uid: service_account_uid } = service_account;
        let Bound { name: pod_name, uid: pod_uid } = pod;
        let Bound { name: node_name, uid: node_uid } = node;
        Ok(Subject {
            namespace: namespace.clone().ok_or(ClaimError::NoNamespace)?,
            service_account: service_account.clone().ok_or(ClaimError::NoServiceAccount)?,
            service_account_uid: service_account_uid.clone().ok_or(ClaimError::NoServiceAccountUid)?,
            pod_name: pod_name.clone().ok_or(ClaimError::NoPod)?,
            pod_uid: pod_uid.clone().ok_or(ClaimError::NoPodUid)?,
            node_name: node_name.clone(),
            node_uid: node_uid.clone(),
            expires_at,
            issued_at,
        })
    }
}
