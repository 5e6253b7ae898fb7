//! What is said if the API server does not do what it was asked for: what, why, and what to do about it.

use std::fmt;
use std::time::Duration;

use tokio::time::timeout;

use crate::association::{PLURAL, StoreError, Why};

/// How long a request may take: webhooks of the cluster may take thirty seconds of it.
const REQUEST: Duration = Duration::from_secs(40);

/// How long a list of any number of pages may take: the API server remembers the first for five minutes.
const LIST: Duration = Duration::from_mins(5);

/// What the API server was asked to do, by Kubernetes' verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of a namespace, or of all.
    List,
    /// One of them.
    Get,
    /// One of them, which is then to be changed.
    GetToChange,
    /// A new one.
    Create,
    /// A change.
    Update,
    /// Not to have it any longer.
    Delete,
}

/// What was not done, and why.
#[derive(Debug, thiserror::Error)]
#[error("failed to {asked} {what}: {why}{}", self.to_do())]
pub(super) struct Refusal {
    asked: Asked,
    /// What it is about: `association shop/orders`, or the same of several.
    what: String,
    why: StoreError,
    /// The namespace, if it is one alone.
    namespace: Option<String>,
}

impl Asked {
    /// Does this, within the time that it may take.
    pub(super) async fn of<T>(
        self,
        what: impl fmt::Display,
        namespace: Option<&str>,
        asking: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Refusal> {
        let limit = if self == Self::List { LIST } else { REQUEST };
        let silent = || StoreError {
            why: Why::Unavailable,
            message: format!("no answer of the API server within {} s", limit.as_secs()),
        };
        let answer = timeout(limit, asking).await.unwrap_or_else(|_| Err(silent()));
        answer.map_err(|why| Refusal {
            asked: self,
            what: what.to_string(),
            why,
            namespace: namespace.map(str::to_owned),
        })
    }

    fn verb(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get | Self::GetToChange => "get",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The role of the chart that has the right.
    fn role(self) -> &'static str {
        match self {
            Self::List | Self::Get => "associations-viewer",
            Self::GetToChange | Self::Create | Self::Update | Self::Delete => "associations-editor",
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())
    }
}

impl Refusal {
    /// What kind of refusal it is.
    pub(super) fn why(&self) -> Why {
        self.why.why
    }

    fn to_do(&self) -> String {
        match self.why.why {
            Why::Forbidden => {
                let (verb, role) = (self.asked.verb(), self.asked.role());
                let place = self.namespace.as_ref().map_or_else(
                    || "in all namespaces".to_owned(),
                    |namespace| format!("in the namespace {namespace}"),
                );
                format!(
                    "; ask for the right to {verb} {PLURAL} {place}: the ClusterRole RELEASE-{role} of the chart gives it"
                )
            }
            Why::NoNamespace => {
                let namespace = self.namespace.as_deref().unwrap_or("NAME");
                format!("; make the namespace first: kubectl create namespace {namespace}")
            }
            Why::Changed => "; somebody else changes it at the same time: try again".to_owned(),
            Why::Busy | Why::Unavailable => "; try again".to_owned(),
            Why::Invalid | Why::Undefined => String::new(),
        }
    }
}
