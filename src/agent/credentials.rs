//! Temporary credentials of a role, and how they are written for an SDK.

use std::fmt;
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::clock;

/// Temporary credentials of a role, as an upstream hands them out.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token.
    pub session_token: String,
    /// The AWS account of the role.
    pub account_id: String,
    /// When they end.
    pub expiration: Timestamp,
    /// How long they can live, by what was asked for. A node whose clock is behind would take them to live longer.
    pub longest: Duration,
}

/// Shows which they are, and nothing that is secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access_key_id, account_id, expiration, .. } = self;
        formatter
            .debug_struct("Credentials")
            .field("access_key_id", access_key_id)
            .field("account_id", account_id)
            .field("expiration", expiration)
            .finish_non_exhaustive()
    }
}

/// The members in AWS's order: its agent writes them so, and SDKs are tried against nothing else.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    account_id: &'a str,
    expiration: Timestamp,
}

/// Credentials as they are kept: what an SDK is sent, and how long they live by two clocks. The clock of the node may
/// be set back, or have been behind from the beginning; what has ended must not live on then.
#[derive(Clone)]
pub(super) struct Held {
    /// The answer's body.
    pub(super) body: Bytes,
    lifetime: Duration,
    ends: SystemTime,
    ends_at: Instant,
}

impl Credentials {
    /// The body of the answer to an SDK.
    #[must_use]
    pub fn body(&self) -> Bytes {
        let Self {
            access_key_id,
            secret_access_key,
            session_token: token,
            account_id,
            expiration,
            longest: _,
        } = self;
        let written =
            Written { access_key_id, secret_access_key, token, account_id, expiration: *expiration };
        // Strings and a time: nothing that JSON could not hold.
        serde_json::to_vec(&written).unwrap_or_default().into()
    }
}

impl Held {
    pub(super) fn new(credentials: &Credentials) -> Self {
        let ends = SystemTime::from(credentials.expiration);
        let lifetime = ends.duration_since(clock::now()).unwrap_or_default().min(credentials.longest);
        Self { body: credentials.body(), lifetime, ends, ends_at: Instant::now() + lifetime }
    }

    /// How long they lived when they came.
    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// How long they live, by the clock that says less.
    pub(super) fn remaining(&self) -> Duration {
        let by_wall = self.ends.duration_since(clock::now()).unwrap_or_default();
        by_wall.min(self.ends_at.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::agent) fn credentials(id: &str, lifetime: Duration) -> Credentials {
        Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: "hush".to_owned(),
            session_token: "a/b+c=".to_owned(),
            account_id: "123456789012".to_owned(),
            expiration: Timestamp::try_from(clock::now() + lifetime).unwrap(),
            longest: lifetime,
        }
    }

    #[test]
    fn the_members_come_in_the_order_of_awss_agent_and_the_time_without_a_fraction_of_nothing() {
        let mut credentials = credentials("ASIAX", Duration::ZERO);
        credentials.expiration = "2026-01-02T03:04:05Z".parse().unwrap();
        let body = credentials.body();
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"{"AccessKeyId":"ASIAX","SecretAccessKey":"hush","Token":"a/b+c=","AccountId":"123456789012","Expiration":"2026-01-02T03:04:05Z"}"#
        );
        assert!(!format!("{credentials:?}").contains("hush"));
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_end_by_the_clock_that_says_so_first() {
        let held = Held::new(&credentials("ASIAX", Duration::from_hours(1)));
        tokio::time::advance(Duration::from_mins(50)).await;
        // The wall clock stands still here, as one that was set back.
        assert!(held.remaining() <= Duration::from_mins(10), "{:?}", held.remaining());
    }
}
