//! What is logged of a call: one line of JSON, and never a token or a secret in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::query::Call;
use crate::tags::Tags;

/// The members of a line; what a call does not have is null.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The call's name.
    pub action: Option<String>,
    /// The answer's HTTP status.
    pub status: u16,
    /// Why the call was refused, as its client reads it.
    pub code: Option<&'static str>,
    /// The same in words; also what the client is not told.
    pub reason: Option<String>,
    /// The role that is asked for.
    pub role: Option<String>,
    /// The token's, once it is verified.
    pub subject: Option<String>,
    /// Whose credentials signed the request, where it asks for others.
    pub caller: Option<String>,
    /// The new session, or the one that asks who it is.
    pub arn: Option<String>,
    /// `ExternalId` as sent.
    pub external_id: Option<String>,
    /// Whether a session policy was sent.
    pub policy: Option<bool>,
    /// The tags that were sent; where none can be sent, the session's.
    pub tags: Option<BTreeMap<String, String>>,
    /// The keys of those that further sessions inherit.
    pub transitive_tags: Option<BTreeSet<String>>,
    /// The client.
    pub user_agent: Option<String>,
    /// How long the call took.
    pub microseconds: u128,
}

impl Line {
    /// Notes what is asked for, whatever becomes of it.
    pub fn asked(&mut self, call: &Call) {
        match call {
            Call::AssumeRole(call) => {
                self.external_id.clone_from(&call.external_id);
                self.policy = Some(call.policy.is_some());
                self.tagged(&call.tags);
            }
            Call::AssumeRoleWithWebIdentity(call) => self.policy = Some(call.policy.is_some()),
            Call::GetCallerIdentity => {}
        }
    }

    /// Notes why the call is refused.
    pub fn refused(&mut self, code: &'static str, reason: String) {
        (self.code, self.reason) = (Some(code), Some(reason));
    }

    /// Notes tags.
    pub fn tagged(&mut self, tags: &Tags) {
        self.tags = Some(tags.values().clone());
        self.transitive_tags = Some(tags.transitive().clone());
    }
}
