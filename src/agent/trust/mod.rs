//! Whose token it is. Every token is verified before anything is looked up for it: by the cluster's keys, by what it
//! says, and, when it is seen first, by the API server, which knows of deleted pods and accounts.
//!
//! A token that was verified is remembered by its digest for some minutes, so that this costs a look-up. What the API
//! server cannot say now is no refusal of pods that it has confirmed before.

mod keys;
mod memo;
mod review;

use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime};

use kube::Client;
use tokens::{ClaimError, Expected, ParseError, SignatureError};
use tokio::time::sleep;

use super::clock;
use super::failure::{Failure, FailureKind};
use super::metrics::{Metrics, Validation};
use crate::kubernetes::{BACKOFF, jittered};
use crate::process::Latch;
use crate::telemetry::Throttle;
use keys::{Keys, Signers};
use memo::{Digest, Known, Memo};
use review::{Review, Reviews};

/// By how much the clocks of a node and of an API server may differ.
pub(super) const LEEWAY: Duration = Duration::from_mins(1);

/// How often the cluster's keys are read.
const AGAIN: Duration = Duration::from_mins(5);

/// What to do where they may not be read.
const DISCOVERY: &str =
    "; the agent's ServiceAccount needs the ClusterRole system:service-account-issuer-discovery";

/// What to do where tokens may not be reviewed.
const REVIEWS: &str = "; the agent's ClusterRole must allow create on tokenreviews in authentication.k8s.io";

/// A pod and its account, as its token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Their namespace.
    pub namespace: Box<str>,
    /// The account.
    pub service_account: Box<str>,
    /// The account's UID.
    pub account_uid: Arc<str>,
    /// The pod.
    pub pod_name: Box<str>,
    /// The pod's UID.
    pub pod_uid: Arc<str>,
    /// When the token ends, in seconds since 1970.
    pub expires: i64,
}

/// What a token has to say to be taken here.
#[derive(Debug, Clone)]
pub struct Expectations {
    /// Issuers of tokens; empty: the one that the API server names.
    pub issuers: Vec<String>,
    /// The audience.
    pub audience: String,
    /// This node's name, of which a token must be that names a node; `None`: of any.
    pub node: Option<String>,
    /// Whether AWS verifies each token before it gives anything, as EKS Auth does: that the agent may not ask the API
    /// server then keeps nobody out. AWS's `DaemonSet` has no such right.
    pub verified_upstream: bool,
}

/// Who verifies tokens.
#[derive(Debug)]
pub struct Trust {
    expectations: Expectations,
    keys: Arc<Keys>,
    reviews: Reviews,
    memo: Memo,
    metrics: Arc<Metrics>,
    complaints: Throttle,
    complained_of_rights: Once,
}

impl Trust {
    /// Verifies tokens by the keys of the cluster behind `client`, and remembers `most` of them.
    #[must_use]
    pub fn new(client: Client, expectations: Expectations, most: usize, metrics: Arc<Metrics>) -> Self {
        let reviews = Reviews::new(client.clone(), &expectations.audience);
        Self {
            expectations,
            keys: Keys::new(client),
            reviews,
            memo: Memo::new(most),
            metrics,
            complaints: Throttle::new(Duration::from_secs(10)),
            complained_of_rights: Once::new(),
        }
    }

    /// Reads the cluster's keys again and again, for ever: a key that is new is known before a token names it, and one
    /// that was taken away verifies nothing. `ready` is set once there are keys.
    pub async fn keep_keys(&self, ready: Latch) {
        let complaints = Throttle::new(Duration::from_mins(1));
        let mut wait = BACKOFF.0;
        loop {
            match self.keys.fetch().await {
                Ok(()) => {
                    self.metrics.keys_read();
                    if ready.set() {
                        tracing::info!("the cluster's keys are read");
                    }
                    wait = BACKOFF.0;
                    sleep(jittered(AGAIN)).await;
                }
                Err(error) => {
                    if let Some(left_out) = complaints.allow() {
                        let hint = if error.code() == Some(403) { DISCOVERY } else { "" };
                        tracing::warn!(left_out, "the cluster's keys cannot be read: {error}{hint}");
                    }
                    sleep(jittered(wait)).await;
                    wait = (wait * 2).min(BACKOFF.1);
                }
            }
        }
    }

    /// A pod is gone: its tokens are nobody's.
    pub fn forget(&self, pod_uid: &str) {
        self.memo.forget(pod_uid);
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// The token is not that of a pod of this node and cluster, or that cannot be found out now.
    pub(super) async fn check(&self, text: &str) -> Result<Arc<Subject>, Failure> {
        let digest = Digest::of(text);
        match self.memo.get(&digest) {
            Some(Known::Subject(subject)) => {
                self.metrics.validated(Validation::Skipped);
                return Ok(subject);
            }
            Some(Known::Refused) => return Err(not_confirmed()),
            Some(Known::Silence) => return Err(silence()),
            None => {}
        }
        // In a box of its own: what it takes is large, and every request would have room for it.
        let checked = Box::pin(self.check_new(text, digest)).await;
        self.metrics.validated(if checked.is_ok() { Validation::Success } else { Validation::Failure });
        checked
    }

    async fn check_new(&self, text: &str, digest: Digest) -> Result<Arc<Subject>, Failure> {
        let token = tokens::Token::parse(text).map_err(|error| malformed(&error))?;
        let subject = self.verified(&token).await?;
        if let (Some(expected), Some(node)) = (&self.expectations.node, &subject.node_name)
            && expected != node
        {
            return Err(invalid("the token is of a pod of another node"));
        }
        let subject = Arc::new(Subject::of(subject));
        match self.reviews.review(text, digest, &subject).await {
            Ok(Review::Confirmed) => {}
            Ok(Review::Denied) => {
                self.memo.refuse(digest, &subject);
                return Err(not_confirmed());
            }
            // The watch would have told the end of a pod that was confirmed before.
            Err(_) if self.memo.has_pod(&subject) => {}
            Err(error) if self.expectations.verified_upstream && error.code() == Some(403) => {
                self.complained_of_rights.call_once(|| {
                    tracing::warn!(
                        "pods that are gone are noticed late: tokens may not be reviewed: {error}{REVIEWS}"
                    );
                });
            }
            Err(error) => {
                if let Some(left_out) = self.complaints.allow() {
                    let hint = if error.code() == Some(403) { REVIEWS } else { "" };
                    tracing::warn!(
                        left_out,
                        "pods that are new get no credentials: their tokens could not be reviewed: {error}{hint}"
                    );
                }
                self.memo.silent(digest);
                return Err(silence());
            }
        }
        if self.memo.insert(digest, subject.clone()) { Ok(subject) } else { Err(not_confirmed()) }
    }

    /// The subject of a token that the cluster has signed and that counts here. A key that is not known is asked for.
    async fn verified(&self, token: &tokens::Token<'_>) -> Result<tokens::Subject, Failure> {
        if let Some(signers) = self.keys.current() {
            match self.judge(token, &signers) {
                Err(Unverified::Signature(SignatureError::UnknownKey)) => {}
                judged => return judged.map_err(|error| error.failure()),
            }
        }
        if let Err(error) = self.keys.fetch_again().await {
            if self.keys.current().is_none() {
                tracing::warn!(%error, "the cluster's keys cannot be read: no pod gets credentials");
                return Err(Failure::passing(
                    503,
                    "The cluster's keys cannot be read: ask again in a second",
                ));
            }
            tracing::debug!(%error, "the cluster's keys could not be read again");
        }
        let signers = self.keys.current();
        let signers = signers.ok_or_else(|| Failure::passing(503, "The cluster's keys are not read yet"))?;
        self.judge(token, &signers).map_err(|error| error.failure())
    }

    fn judge(&self, token: &tokens::Token<'_>, signers: &Signers) -> Result<tokens::Subject, Unverified> {
        let verified = token.verify_signature(&signers.keys).map_err(Unverified::Signature)?;
        let own = [signers.issuer.as_str()];
        let named: Vec<_> = self.expectations.issuers.iter().map(String::as_str).collect();
        let expected = Expected {
            issuers: if named.is_empty() { &own } else { &named },
            audiences: &[&self.expectations.audience],
            now: clock::now(),
            leeway: LEEWAY,
        };
        verified.claims.check(&expected).map_err(Unverified::Claim)
    }
}

/// Why a token is not taken.
enum Unverified {
    Signature(SignatureError),
    Claim(ClaimError),
}

impl Unverified {
    fn failure(&self) -> Failure {
        match self {
            Self::Signature(error) => invalid(&error.to_string()),
            Self::Claim(
                error @ (ClaimError::Expired | ClaimError::NotYetValid | ClaimError::IssuedInFuture),
            ) => Failure::refused(
                400,
                format!("Service account token failed basic claim validations: {error}"),
            ),
            Self::Claim(error) => invalid(&error.to_string()),
        }
    }
}

impl Subject {
    fn of(subject: tokens::Subject) -> Self {
        let tokens::Subject {
            namespace,
            service_account,
            service_account_uid,
            pod_name,
            pod_uid,
            expires_at,
            ..
        } = subject;
        let expires = expires_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        Self {
            namespace: namespace.into(),
            service_account: service_account.into(),
            account_uid: service_account_uid.into(),
            pod_name: pod_name.into(),
            pod_uid: pod_uid.into(),
            expires: i64::try_from(expires).unwrap_or(i64::MAX),
        }
    }
}

fn malformed(error: &ParseError) -> Failure {
    Failure::refused(400, format!("Service account token cannot be parsed: {error}"))
}

/// As EKS Auth names it.
fn invalid(why: &str) -> Failure {
    Failure {
        status: 400,
        text: format!("(InvalidTokenException): {why}, fault: client").into(),
        kind: FailureKind::Refused,
        code: "InvalidTokenException".into(),
    }
}

fn silence() -> Failure {
    Failure::passing(503, "The API server cannot be asked whether this pod exists: ask again in a second")
}

fn not_confirmed() -> Failure {
    invalid("the API server does not take the token: its pod or its ServiceAccount is gone")
}
