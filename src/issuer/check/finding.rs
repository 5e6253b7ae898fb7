//! What is told of each step: how it went, what was seen, what a pod sees of it, and what to do.

use std::fmt;

use serde::Serialize;

/// A step on the way that STS goes, in its order; what follows the keys is compared with the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Step {
    Url,
    Connection,
    Certificate,
    Answer,
    Document,
    Issuer,
    Members,
    JwksUri,
    KeysConnection,
    KeysCertificate,
    KeysAnswer,
    Keys,
    ClusterIssuer,
    ClusterKeys,
    Token,
    Signature,
    Clock,
    Headers,
    Iam,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Status {
    Ok,
    /// Pods get credentials, and somebody should look.
    Warning,
    Failed,
    /// It was not looked at.
    Skipped,
}

/// What STS answers a pod, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PodSees {
    /// There is no provider for the issuer of the token, which is this.
    #[error("InvalidIdentityToken: No OpenIDConnect provider found in your account for {0}")]
    NoProvider(String),
    #[error("InvalidIdentityToken: Couldn't retrieve verification key from your identity provider")]
    NoKey,
    #[error(
        "InvalidIdentityToken: OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
    )]
    Thumbprint,
    #[error("InvalidIdentityToken: Incorrect token audience")]
    Audience,
    #[error("InvalidIdentityToken, because the signature cannot be verified")]
    Signature,
    #[error("InvalidIdentityToken, because the token cannot be taken")]
    Token,
    #[error("IDPCommunicationError, now and then or always")]
    Slow,
    #[error("ExpiredTokenException, or InvalidIdentityToken")]
    Clock,
    #[error("nothing: whoever has the key can be any pod of the cluster")]
    Leak,
}

/// What is told of a step. A step has one, or one for each thing that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) step: Step,
    pub(super) status: Status,
    /// What was seen, or why nothing was.
    pub(super) seen: String,
    pub(super) pod_sees: Option<PodSees>,
    pub(super) fix: Option<String>,
}

/// All findings, in order.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Step {
    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Url => "URL",
            Self::Connection => "connection",
            Self::Certificate => "certificate",
            Self::Answer => "answer",
            Self::Document => "document",
            Self::Issuer => "issuer",
            Self::Members => "members",
            Self::JwksUri => "jwks_uri",
            Self::KeysConnection => "keys: connection",
            Self::KeysCertificate => "keys: certificate",
            Self::KeysAnswer => "keys: answer",
            Self::Keys => "keys",
            Self::ClusterIssuer => "cluster's issuer",
            Self::ClusterKeys => "cluster's keys",
            Self::Token => "token",
            Self::Signature => "token's signature",
            Self::Clock => "clock",
            Self::Headers => "headers",
            Self::Iam => "IAM provider",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
            Self::Skipped => "skipped",
        })
    }
}

impl Findings {
    pub(super) fn ok(&mut self, step: Step, seen: impl Into<String>) {
        self.add(step, Status::Ok, seen.into(), None, None);
    }

    pub(super) fn skip(&mut self, step: Step, why: impl Into<String>) {
        self.add(step, Status::Skipped, why.into(), None, None);
    }

    pub(super) fn warn(&mut self, step: Step, seen: impl Into<String>, fix: impl Into<String>) {
        self.add(step, Status::Warning, seen.into(), None, Some(fix.into()));
    }

    pub(super) fn fail(
        &mut self,
        step: Step,
        seen: impl Into<String>,
        pod_sees: PodSees,
        fix: impl Into<String>,
    ) {
        self.add(step, Status::Failed, seen.into(), Some(pod_sees), Some(fix.into()));
    }

    /// Whether something is wrong at this step, or it was not reached.
    pub(super) fn is_in_doubt(&self, step: Step) -> bool {
        let is_bad = |status| matches!(status, Status::Failed | Status::Skipped);
        self.0.iter().any(|finding| finding.step == step && is_bad(finding.status))
    }

    /// Whether nothing has been said of this step yet.
    pub(super) fn is_open(&self, step: Step) -> bool {
        self.0.iter().all(|finding| finding.step != step)
    }

    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.0
    }

    fn add(
        &mut self,
        step: Step,
        status: Status,
        seen: String,
        pod_sees: Option<PodSees>,
        fix: Option<String>,
    ) {
        self.0.push(Finding { step, status, seen, pod_sees, fix });
    }
}
