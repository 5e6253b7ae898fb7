//! What a request says of who sends it: a token, a password, or what a program says.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::authorization::bearer;
use super::plugin::{Credential, Plugin};
use super::renewed::{OnFailure, Renewable, Renewed};
use crate::source::regular_file;

/// The largest token, in bytes: the API server takes no headers that are longer together.
const LARGEST_TOKEN: u64 = 1 << 20;

/// Where a request's `Authorization` comes from.
pub(super) enum Credentials {
    /// Nowhere.
    None,
    /// It is always the same.
    Fixed(HeaderValue),
    /// A file with a token, which may change.
    File(Renewed<TokenFile>),
    /// A program, which may give a certificate instead.
    Program(Renewed<Plugin>),
}

/// A file with a token. It is read again after ten seconds, or once the token was refused: Go's client waits for 50 s.
pub(super) struct TokenFile {
    pub(super) path: PathBuf,
    /// The token until the file can be read.
    pub(super) token: Option<HeaderValue>,
}

/// What a request was sent with.
pub(super) enum Shown {
    /// Nothing that changes.
    Fixed(Option<HeaderValue>),
    /// A token of a file.
    Token(Arc<HeaderValue>),
    /// What a program said.
    Credential(Arc<Credential>),
}

/// There are no credentials. The request is tried again as if the API server had been out of reach.
#[derive(Debug, thiserror::Error)]
#[error("failed to get credentials from {what}: {why}")]
pub(super) struct NoCredentials {
    what: String,
    why: String,
}

impl Credentials {
    /// What the next request is sent with.
    pub(super) async fn show(&self) -> Result<Shown, NoCredentials> {
        match self {
            Self::None => Ok(Shown::Fixed(None)),
            Self::Fixed(value) => Ok(Shown::Fixed(Some(value.clone()))),
            Self::File(file) => {
                let failed = |why| NoCredentials { what: "tokenFile".to_owned(), why };
                Ok(Shown::Token(file.current().await.map_err(failed)?))
            }
            Self::Program(plugin) => {
                let what = format!("the exec command {}", plugin.how().command.display());
                let failed = |why| NoCredentials { what, why };
                Ok(Shown::Credential(plugin.current().await.map_err(failed)?))
            }
        }
    }

    /// A request with this was refused.
    pub(super) fn refused(&self, shown: &Shown) {
        match (self, shown) {
            (Self::File(file), Shown::Token(token)) => file.refused(token),
            (Self::Program(plugin), Shown::Credential(credential)) => plugin.refused(credential),
            _ => {}
        }
    }
}

impl Shown {
    /// The value of `Authorization`.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Token(token) => Some(HeaderValue::clone(token)),
            Self::Credential(credential) => credential.token.clone(),
        }
    }
}

impl Renewable for TokenFile {
    type Value = HeaderValue;

    const PATIENCE: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_secs(1);
    const FAILURE: OnFailure = OnFailure::Keep("token not read again: the last one is used");

    fn renew(&self, last: Option<&HeaderValue>) -> Result<Option<HeaderValue>, String> {
        let read = || {
            let bytes = regular_file::read(&self.path, LARGEST_TOKEN).map_err(|error| error.to_string())?;
            let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
            match text.trim() {
                "" => Err("it is empty".to_owned()),
                token => bearer(token).ok_or_else(|| "it has characters that no token has".to_owned()),
            }
        };
        match (read(), last, &self.token) {
            (Ok(token), ..) => Ok(Some(token)),
            (Err(_), None, Some(token)) => Ok(Some(token.clone())),
            (Err(why), ..) => Err(format!("its tokenFile {} cannot be used: {why}", self.path.display())),
        }
    }

    fn lasts(&self, _: &HeaderValue) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }
}
