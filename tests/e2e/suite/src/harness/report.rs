//! What a container printed of itself, by `workload::report`: seen from inside, not in the stored pod.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Test;

/// A container's own account of its identity.
pub struct Report(Value);

/// What is known of the token that a container reads.
pub struct Token<'a>(&'a Value);

impl Report {
    /// Waits until a container has printed it.
    pub async fn of(test: &Test, pod: &str, container: &str) -> Result<Self> {
        test.printed(pod, container).await.map(Self)
    }

    /// The process's `AWS_*` variables by their names, less the one that the image sets.
    pub fn env(&self) -> Vec<(&str, &str)> {
        let env = self.0["env"].as_object();
        let all =
            env.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or("")));
        let mut env: Vec<_> = all.filter(|(name, _)| *name != "AWS_EC2_METADATA_DISABLED").collect();
        env.sort_unstable();
        env
    }

    /// The one token that its variables name, read by the process.
    pub fn token(&self) -> Result<Token<'_>> {
        let tokens = self.0["tokens"].as_object().context("a report without tokens")?;
        ensure!(tokens.len() == 1, "variables name {} tokens", tokens.len());
        tokens.values().next().map(Token).context("no token")
    }
}

impl<'a> Token<'a> {
    /// Whether the file system that it is on can only be read.
    pub fn is_read_only(&self) -> bool {
        self.0["readOnly"] == true
    }

    /// A claim of the token; `null` if it has none of this name.
    pub fn claim(&self, name: &str) -> &'a Value {
        &self.0["claims"][name]
    }

    /// Seconds from its issue to its end.
    pub fn lifetime(&self) -> Option<i64> {
        Some(self.claim("exp").as_i64()? - self.claim("iat").as_i64()?)
    }
}
