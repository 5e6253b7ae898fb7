//! Failures of the Kubernetes API, in words that may be logged.

use std::time::Duration;

use kube::core::Status;

/// A failed request in words that hold nothing of what was sent or received: an object, a token, or
/// what a credential plugin printed.
#[must_use]
pub fn describe(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} {}: {}", status.code, status.reason, status.message),
        kube::Error::Auth(_) => "failed to authenticate to the API server".to_owned(),
        kube::Error::SerdeError(_)
        | kube::Error::FromUtf8(_)
        | kube::Error::LinesCodecMaxLineLengthExceeded => {
            "the API server's answer could not be read".to_owned()
        }
        kube::Error::Service(error) => chain(error.as_ref()),
        error => chain(error),
    }
}

/// An error with its causes: a connection's own is only 'client error (Connect)'.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// Why objects could not be followed for a while. One line that holds no object; it passes, or an
/// operator has to do something about it: whoever follows tries again in any case.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Which version of the kind is served.
    #[error("failed to ask which version of {what} is served: {}", describe(.source))]
    Discover {
        /// The objects, for people.
        what: Box<str>,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// A page of the list.
    #[error("failed to list {what}: {}", describe(.source))]
    List {
        /// The objects, for people.
        what: Box<str>,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// The begin of a watch, or its stream.
    #[error("failed to watch {what}: {}", describe(.source))]
    Watch {
        /// The objects, for people.
        what: Box<str>,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// An ERROR event.
    #[error("the watch of {what} ended with {code} {message}", code = .status.code, message = .status.message)]
    Refused {
        /// The objects, for people.
        what: Box<str>,
        /// What the API server said.
        status: Box<Status>,
    },
    /// The watch ended before it could be of use; kube tells a cut no different from an end.
    #[error("the watch of {what} was cut at once")]
    Cut {
        /// The objects, for people.
        what: Box<str>,
    },
    /// Nothing came.
    #[error("no answer within {limit:?} while {doing} {what}")]
    Silent {
        /// The objects, for people.
        what: Box<str>,
        /// What was being done with them.
        doing: &'static str,
        /// For how long.
        limit: Duration,
    },
}

impl WatchError {
    /// The API server's status code, if it answered with one.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Discover { source: kube::Error::Api(status), .. }
            | Self::List { source: kube::Error::Api(status), .. }
            | Self::Watch { source: kube::Error::Api(status), .. }
            | Self::Refused { status, .. } => Some(status.code),
            Self::Discover { .. }
            | Self::List { .. }
            | Self::Watch { .. }
            | Self::Cut { .. }
            | Self::Silent { .. } => None,
        }
    }

    /// The API server has forgotten the version we know: only a list helps.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.code() == Some(410)
    }

    /// There are no such objects: their kind is not, or no longer, served.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.code() == Some(404)
    }

    /// We may not: a rule is missing in a Role or `ClusterRole`.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }
}
