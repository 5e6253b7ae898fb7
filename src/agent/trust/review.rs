//! Asks the API server of a token: whether it exists, with its pod and its account. All that send a token at the same
//! time share one question.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use kube::Client;
use tokio::time::timeout;

use super::Subject;
use super::memo::Digest;
use crate::kubernetes::{self, ApiError};

/// How long one question may take: less than an SDK waits.
const REQUEST: Duration = Duration::from_secs(1);

/// What the API server says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Review {
    Confirmed,
    Denied,
}

/// A question that has been asked and not been answered.
type Asked = Shared<BoxFuture<'static, Result<Review, Arc<ApiError>>>>;

/// Asks the API server of tokens.
#[derive(Clone)]
pub(super) struct Reviews {
    client: Client,
    audience: Arc<str>,
    asked: Arc<Mutex<HashMap<Digest, Asked>>>,
}

impl std::fmt::Debug for Reviews {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reviews").field("audience", &self.audience).finish_non_exhaustive()
    }
}

impl Reviews {
    pub(super) fn new(client: Client, audience: &str) -> Self {
        Self { client, audience: audience.into(), asked: Arc::default() }
    }

    /// Whether the token of this digest, which was verified, is one of this pod and account, both of which exist.
    pub(super) async fn review(
        &self,
        token: &str,
        digest: Digest,
        subject: &Arc<Subject>,
    ) -> Result<Review, Arc<ApiError>> {
        let asked = match self.asked.lock().unwrap_or_else(PoisonError::into_inner).entry(digest) {
            MapEntry::Occupied(asked) => asked.get().clone(),
            MapEntry::Vacant(place) => {
                let asked = self.clone().question(token.into(), digest, subject.clone()).boxed().shared();
                // It goes on if all that sent the token have left, or it would wait here for the next.
                tokio::spawn(asked.clone());
                place.insert(asked).clone()
            }
        };
        asked.await
    }

    async fn question(
        self,
        token: Arc<str>,
        digest: Digest,
        subject: Arc<Subject>,
    ) -> Result<Review, Arc<ApiError>> {
        let asked = timeout(REQUEST, kubernetes::review_token(&self.client, &token, &self.audience)).await;
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest);
        let reviewed = asked.unwrap_or(Err(ApiError::Late(REQUEST))).map_err(Arc::new)?;
        // An answer is no proof: it has to be of what was asked for.
        let is_of_subject = reviewed.is_some_and(|reviewed| {
            reviewed.user_uid == *subject.account_uid
                && reviewed.pod_uid.as_deref() == Some(&*subject.pod_uid)
        });
        Ok(if is_of_subject { Review::Confirmed } else { Review::Denied })
    }
}
