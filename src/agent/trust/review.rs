//! Asks the API server of a token: whether it exists, with its pod and its account.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::time::timeout;

use super::Subject;
use crate::kubernetes::{self, ApiError};

/// How long one question may take: less than an SDK waits.
const REQUEST: Duration = Duration::from_secs(1);

/// What the API server says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Review {
    Confirmed,
    Denied,
}

/// Asks the API server of tokens.
pub(super) struct Reviews {
    client: Client,
    audience: String,
}

impl std::fmt::Debug for Reviews {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reviews").field("audience", &self.audience).finish_non_exhaustive()
    }
}

impl Reviews {
    pub(super) fn new(client: Client, audience: String) -> Self {
        Self { client, audience }
    }

    /// Whether the token is one of this pod and account, both of which exist.
    pub(super) async fn review(&self, token: &str, subject: &Arc<Subject>) -> Result<Review, ApiError> {
        let asked = timeout(REQUEST, kubernetes::review_token(&self.client, token, &self.audience));
        let reviewed = asked.await.unwrap_or(Err(ApiError::Late(REQUEST)))?;
        // An answer is no proof: it has to be of what was asked for.
        let is_of_subject = reviewed.is_some_and(|reviewed| {
            reviewed.user_uid == *subject.account_uid
                && reviewed.pod_uid.as_deref() == Some(&*subject.pod_uid)
        });
        Ok(if is_of_subject { Review::Confirmed } else { Review::Denied })
    }
}
