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
