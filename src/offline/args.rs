//! The flags of `inject`.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::path::PathBuf;

use clap::{ArgAction, Args};

use crate::cli::injection::InjectionArgs;
use crate::cli::values;

/// Flags of `inject`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    about = "Print manifests with the AWS identity that the webhook would inject; works offline"
)]
pub struct InjectArgs {
    /// Manifests to read, - for standard input; repeatable
    #[arg(short, long = "filename", value_name = "FILE", required = true, num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// File or folder with ServiceAccounts that the input lacks; repeatable
    #[arg(long = "manifests", value_name = "PATH")]
    pub manifests: Vec<PathBuf>,
    /// Namespace of objects without one
    #[arg(short, long, default_value = "default")]
    pub namespace: String,
    /// Association resources count only for ServiceAccounts in the resource's own namespace
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", value_parser = values::boolean, action = ArgAction::Set)]
    pub association_resources_own_namespace_only: bool,
    /// What to print: manifests, or patch for the JSON patch of each document, one a line
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = InjectOutput::Manifests,
          hide_possible_values = true)]
    pub output: InjectOutput,
    /// Instead of manifests, print what was found and decided for every pod, and why
    #[arg(long, conflicts_with = "output")]
    pub explain: bool,
    /// What is injected.
    #[command(flatten)]
    pub injection: InjectionArgs,
}

/// What `inject` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum InjectOutput {
    /// The manifests with what is injected.
    Manifests,
    /// The JSON patch of each document on one line, `[]` if nothing is added.
    Patch,
}
