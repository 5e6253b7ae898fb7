//! What came of a pod that is to have a role, for tests that make many.

use k8s_openapi::api::core::v1::Pod;

use super::Injected;

const MOUNT: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";

/// A pod that was admitted, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has its role, and nothing twice.
    Right,
    /// It has nothing, as if the webhook's answer was lost.
    Bare,
    /// It has something else.
    Wrong(String),
}

impl Verdict {
    /// Looks at the container `main`.
    pub fn of(pod: &Pod, role: &str) -> Self {
        let injected = Injected(pod);
        let mut env = injected.env("main");
        // Whether there is a region depends on the release.
        env.retain(|(name, _)| !name.ends_with("REGION"));
        let token_file = format!("{MOUNT}/token");
        let is_right = env == [("AWS_ROLE_ARN", role), ("AWS_WEB_IDENTITY_TOKEN_FILE", &token_file)]
            && injected.mounts("main", "aws-iam-token") == [(MOUNT, true)]
            && injected.volumes("aws-iam-token").len() == 1;
        match (is_right, injected.is_bare()) {
            (true, _) => Self::Right,
            (_, true) => Self::Bare,
            _ => Self::Wrong(format!("{:?} instead of {role}", injected.env("main"))),
        }
    }
}
