//! An issuer's documents, read as AWS reads them: over TLS, without a proxy, without following a redirect, within limits.
//!
//! `fetch` reads on behind a certificate that nobody trusts, for whoever tells of everything that is wrong; `read` does not.

mod approach;
pub(in crate::issuer) mod args;
mod fetch;
mod recorder;
mod reply;
pub(in crate::issuer) mod trust;
mod url;

pub(in crate::issuer) use approach::{Approach, Authorities};
pub(in crate::issuer) use fetch::fetch;
pub(in crate::issuer) use reply::{Fetched, LARGEST, NoReply, Reached, Reply, Unreached};
pub(in crate::issuer) use url::{HTTPS, HttpsUrl, is_internal};

/// Why a document was not read.
#[derive(Debug, thiserror::Error)]
pub(in crate::issuer) enum WebError {
    #[error("it is no https URL")]
    NoUrl,
    #[error("{0}")]
    Unreached(#[from] Unreached),
    #[error("{0}")]
    Untrusted(String),
    #[error("{0}")]
    NoReply(#[from] NoReply),
    #[error("the server answers {0}")]
    Status(u16),
}

/// Reads a document whole, of a server whose certificate is trusted.
pub(in crate::issuer) async fn read(url: HttpsUrl, approach: &Approach) -> Result<Vec<u8>, WebError> {
    let Fetched { url, reached } = fetch(url, approach).await;
    let Reached { chain, reply, .. } = reached?;
    trust::verify(&chain, &url.host, &approach.authorities).map_err(WebError::Untrusted)?;
    match reply? {
        Reply { status: 200, body, .. } => Ok(body),
        Reply { status, .. } => Err(WebError::Status(status)),
    }
}
