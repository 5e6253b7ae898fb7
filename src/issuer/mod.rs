//! `issuer`: the documents by which AWS verifies a cluster's tokens, for a cluster that is its own OIDC provider.
//!
//! A verb is a folder. What several of them share stands beside the verbs and imports none of them; a verb imports no
//! other verb, and nothing here imports another subsystem.

mod account;
mod api_server;
pub mod args;
mod check;
mod distribution;
mod documents;
mod issuer_url;
mod keys;
mod keys_path;
mod new;
mod publish;
mod rotate;
mod serve;
mod target;
mod web;

use std::process::ExitCode;

use args::{IssuerArgs, Verb};

/// Runs `issuer`.
pub(crate) fn run(args: &IssuerArgs) -> ExitCode {
    match &args.verb {
        Verb::New(args) => new::run(args),
        Verb::Serve(args) => serve::run(args),
        Verb::Publish(args) => publish::run(args),
        Verb::Check(args) => check::run(args),
        Verb::Rotate(args) => rotate::run(args),
    }
}
