//! What is remembered from one publication to the next, in an object beside the keys.
//!
//! A time is written when something changes and never at every look, so that a publication without news writes nothing. If
//! the history is lost, the times begin anew and keys stay longer, which is the safe side; but for keys that were
//! withdrawn, which is why a history that cannot be read is not taken for none.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is known of keys, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History {
    pub(super) keys: BTreeMap<String, KeyHistory>,
}

/// What is known of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "each says what began then")]
pub(super) struct KeyHistory {
    /// When it was first published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) published_since: Option<Timestamp>,
    /// Since when neither a file nor an API server has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) absent_since: Option<Timestamp>,
    /// Since when it is not published, because somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withdrawn_since: Option<Timestamp>,
}

impl History {
    /// Reads it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The text of it, of which there is one.
    pub(super) fn to_json(&self) -> String {
        // A map of texts and times has a JSON.
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }

    pub(super) fn of(&self, kid: &str) -> KeyHistory {
        self.keys.get(kid).cloned().unwrap_or_default()
    }
}
