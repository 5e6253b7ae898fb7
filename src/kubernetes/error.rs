//! Failures of the Kubernetes API, in words that may be logged.

use std::fmt;
use std::time::Duration;

use injection::json;
use injection::text::Line;
use kube::core::Status;

/// A failed request in words that hold nothing of what was sent or received: an object, a token, or
/// what a credential plugin printed.
#[must_use]
pub fn describe(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => describe_status(status),
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

/// Most characters shown of the reason that the API server, or whatever answers in its place, gives.
const LONGEST_REASON: usize = 500;

fn describe_status(status: &Status) -> String {
    let Status { code, reason, message, .. } = status;
    match (*code, reason.as_str(), message.as_str()) {
        (0, "", "") => "an error without a reason".to_owned(),
        (code, reason, message) => {
            format!("{code} {}: {}", Line::new(reason, LONGEST_REASON), Line::new(message, LONGEST_REASON))
        }
    }
}

/// Why a request got no usable answer: for a while, or because something else answers as the API server.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is no answer, or it is an error.
    #[error("{}", describe(.0))]
    Client(#[source] kube::Error),
    /// There is no answer within this time.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The answer is longer than this many bytes, as no answer of the API server is.
    #[error("the answer does not end after {} KiB", .0 >> 10)]
    TooLong(usize),
    /// The answer is not what was asked for.
    #[error("the answer is {found}, not {expected}")]
    Foreign {
        /// What was asked for.
        expected: String,
        /// What came instead.
        found: String,
    },
    /// The answer is not JSON, or of another shape. The text quotes nothing of it.
    #[error("the API server's answer could not be read: {0}")]
    Unreadable(String),
    /// A watch sent an event of an unknown type.
    #[error("the watch sent an event of the unknown type {0:?}")]
    UnknownEvent(String),
    /// A list has more pages or objects than any that is read.
    #[error("the list has more than {1} {0}")]
    Endless(&'static str, usize),
    /// A list's continue token, which should lead to the next page, is of no use.
    #[error("the list's continue token is {0}")]
    Token(&'static str),
}

impl ApiError {
    /// The answer is of another kind, or of no kind.
    pub(super) fn foreign(expected: fmt::Arguments<'_>, api_version: &str, kind: &str) -> Self {
        let found = match (api_version, kind) {
            ("", "") => "an object without a kind".to_owned(),
            (version, kind) => {
                format!("{} of {}", Line::new(kind, LONGEST_REASON), Line::new(version, LONGEST_REASON))
            }
        };
        Self::Foreign { expected: expected.to_string(), found }
    }

    /// The answer is an object of another name.
    pub(super) fn other(expected: &str, namespace: &str, name: &str) -> Self {
        let found = format!("{}/{}", Line::new(namespace, LONGEST_REASON), Line::new(name, LONGEST_REASON));
        Self::Foreign { expected: expected.to_owned(), found }
    }

    pub(super) fn unknown_event(event: &str) -> Self {
        Self::UnknownEvent(Line::new(event, LONGEST_REASON).to_string())
    }

    /// The answer could not be read. serde's own words may quote it: only where reading stopped is shown.
    #[allow(clippy::needless_pass_by_value, reason = "as `map_err` has it")]
    pub(crate) fn unreadable(error: serde_json::Error) -> Self {
        let what = json::expected(&error).unwrap_or_else(|| "not JSON".to_owned());
        Self::Unreadable(format!("{what} at line {} column {}", error.line(), error.column()))
    }

    /// The API server's status code, if its answer has one.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        self.status().map(|status| status.code)
    }

    /// What the API server says of its refusal.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Client(kube::Error::Api(status)) => Some(status),
            _ => None,
        }
    }
}

/// An error's text with its causes: a connection error by itself says only 'client error (Connect)'.
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

/// Why objects could not be followed for a while, in one line that holds no object. It passes, or an operator
/// has to act; the follower tries again in any case.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Discovery does not say which version of the kind is served.
    #[error("failed to ask which version of {what} is served: {source}")]
    Discover {
        /// The objects' name in messages.
        what: Box<str>,
        /// Why the question was not answered.
        #[source]
        source: ApiError,
    },
    /// A page of the list could not be had.
    #[error("failed to list {what}: {source}")]
    List {
        /// The objects' name in messages.
        what: Box<str>,
        /// Why the list failed.
        #[source]
        source: ApiError,
    },
    /// A watch could not be opened, or its stream could not be read.
    #[error("failed to watch {what}: {source}")]
    Watch {
        /// The objects' name in messages.
        what: Box<str>,
        /// Why the watch failed.
        #[source]
        source: ApiError,
    },
    /// The watch sent an ERROR event.
    #[error("the watch of {what} ended with {}", describe_status(.status))]
    Refused {
        /// The objects' name in messages.
        what: Box<str>,
        /// What the API server said.
        status: Box<Status>,
    },
    /// The watch ended within a second: it was cut, for the API server keeps one open for longer.
    #[error("the watch of {what} was cut at once")]
    Cut {
        /// The objects' name in messages.
        what: Box<str>,
    },
    /// Nothing came in time.
    #[error("no answer within {limit:?} while {doing} {what}")]
    Silent {
        /// The objects' name in messages.
        what: Box<str>,
        /// What was being done with them.
        doing: &'static str,
        /// How long was waited.
        limit: Duration,
    },
}

impl WatchError {
    /// The API server's status code, if it answered with one.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Discover { source, .. } | Self::List { source, .. } | Self::Watch { source, .. } => {
                source.code()
            }
            Self::Refused { status, .. } => Some(status.code),
            Self::Cut { .. } | Self::Silent { .. } => None,
        }
    }

    /// Whether the API server has forgotten the last version that was heard: only a list helps.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.code() == Some(410)
    }

    /// Whether there are no such objects: their kind is not, or no longer, served.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether access is denied: a rule is missing in a Role or `ClusterRole`.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }
}
