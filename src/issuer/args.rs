//! The flags of `issuer`: a subcommand for each verb.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use clap::{Args, Subcommand};

pub use super::check::args::{CheckArgs, CheckOutput};
pub use super::distribution::Distribution;
pub use super::new::args::{KeyKind, NewArgs};
pub use super::publish::args::PublishArgs;
pub use super::rotate::args::{RotateArgs, RotateOutput};
pub use super::serve::args::ServeArgs;
pub use super::web::args::WebArgs;

/// Flags of `issuer`.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = false,
    about = "Make a cluster its own OIDC provider for AWS: publish the documents by which IAM verifies its tokens",
    after_help = "AWS verifies the token of a pod by two documents, which it reads from the internet at the URL that the API servers \
have as --service-account-issuer: the discovery document, and the public keys (JWKS). Whoever can change them can use every \
role that trusts the issuer.

'pod-identity-webhook issuer VERB --help' shows the flags of each."
)]
pub struct IssuerArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What `issuer` does.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a key to sign tokens with, and print what API servers and AWS have to be told
    New(NewArgs),
    /// Publish the discovery document and the public keys in a folder or an S3 bucket
    Publish(PublishArgs),
    /// Read what AWS reads of an issuer, and say what is wrong with it and what to do
    Check(CheckArgs),
    /// Say how far the exchange of the signing key is, what to do next, and what would break
    Rotate(RotateArgs),
    /// Serve the two documents over TLS, where there is no place for static files
    Serve(ServeArgs),
}
