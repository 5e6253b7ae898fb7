//! The command line: what the binary does, and flag groups that several commands share.
//!
//! Without a subcommand it serves the webhook, whose flags include the Go webhook's. A subcommand is a folder
//! of its own beside this one, and a line in `subcommands!`.

#![allow(clippy::doc_markdown, reason = "some doc comments here are the text of --help")]

pub mod certificates;
pub mod error;
pub(crate) mod exit;
pub mod injection;
pub mod klog;
pub mod kubernetes;
pub mod log;
mod names;
pub mod server;
pub(crate) mod shell;
pub(crate) mod time;
pub mod tls;
pub mod user_cluster;
pub(crate) mod values;

use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, CommandFactory, Parser, Subcommand};

use crate::webhook::args::WebhookArgs;
use crate::{
    agent, associations_command, certificate_report, eks_endpoint, issuer, offline, own_identity, webhook,
};
use exit::{USAGE, print, refuse};

/// Everything that can be written on the command line.
#[derive(Debug, Parser)]
#[command(
    name = "pod-identity-webhook",
    about = "Admission webhook that gives Kubernetes pods their AWS identity: IRSA and EKS Pod Identity, on any \
cluster. Without a subcommand it serves. It accepts the arguments of amazon-eks-pod-identity-webhook unchanged.",
    disable_help_subcommand = true,
    disable_version_flag = true,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    subcommand_negates_reqs = true,
    next_line_help = true,
    after_help = "A value follows = or a blank. A boolean's value follows = only, and --flag alone means --flag=true. \
Durations are written like 1m0s, 100ms or 0. The klog flags of the Go webhook are accepted; only -v has an effect."
)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Print the version
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub version: bool,
    /// The webhook's flags: it serves without a subcommand.
    #[command(flatten)]
    pub webhook: WebhookArgs,
}

/// Makes [`Command`] of a line for each subcommand: its name, its flags, and what runs it.
macro_rules! subcommands {
    ($($name:ident($args:ty) => $run:path,)*) => {
        /// What to do instead of serving.
        #[derive(Debug, Subcommand)]
        #[allow(missing_docs, reason = "a subcommand's flags say what it does")]
        #[allow(clippy::large_enum_variant, reason = "a process has one")]
        pub enum Command {
            $($name($args),)*
        }

        impl Command {
            fn run(&self) -> ExitCode {
                match self {
                    $(Self::$name(args) => $run(args),)*
                }
            }
        }
    };
}

subcommands! {
    Agent(agent::args::AgentArgs) => agent::run,
    Associations(associations_command::args::AssociationsArgs) => associations_command::run,
    EksEndpoint(eks_endpoint::args::EksEndpointArgs) => eks_endpoint::run,
    Certificates(certificate_report::args::CertificatesArgs) => certificate_report::run,
    Inject(offline::args::InjectArgs) => offline::inject::run,
    Identity(own_identity::args::IdentityArgs) => own_identity::run,
    Issuer(issuer::args::IssuerArgs) => issuer::run,
}

/// Runs what the arguments ask for; the first is the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = names::of_this_program(arguments.into_iter().collect());
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    match &cli.command {
        Some(command) => command.run(),
        None if cli.version => print(concat!("pod-identity-webhook ", env!("CARGO_PKG_VERSION"), "\n")),
        None => webhook::serve::run(&cli.webhook, &arguments),
    }
}

/// Prints help unchanged, and everything else in one line in the words of [`error::SettingsError`].
fn explain(error: &clap::Error) -> ExitCode {
    if error.kind() == ErrorKind::DisplayHelp {
        // If the pipe is closed, nothing more can be said.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    // The flag's name alone, without the placeholder of its value.
    let flag = text(ContextKind::InvalidArg).map(|flag| flag.split([' ', '[']).next().unwrap_or(flag));
    // Escapes keep the message in one line, whatever the value holds.
    let value = text(ContextKind::InvalidValue).map(str::escape_debug);
    let line = match (error.kind(), flag, value) {
        (ErrorKind::ValueValidation, Some(flag), Some(value)) => {
            let allowed = error.source().map(ToString::to_string).unwrap_or_default();
            format!("invalid value '{value}' for '{flag}': {allowed}")
        }
        (ErrorKind::InvalidValue, Some(flag), Some(value)) => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(allowed)) if !allowed.is_empty() => {
                format!("invalid value '{value}' for '{flag}': expected {}", allowed.join(" or "))
            }
            _ => format!("'{flag}' needs a value"),
        },
        (ErrorKind::UnknownArgument, Some(flag), _) => {
            let near = text(ContextKind::SuggestedArg).map(|near| format!("did you mean '{near}'?"));
            format!("unknown flag or argument '{flag}'; {}", near.as_deref().unwrap_or("see --help"))
        }
        (ErrorKind::MissingSubcommand, ..) => {
            let command = text(ContextKind::InvalidSubcommand).and_then(|path| path.split(' ').next_back());
            let verbs = match error.get(ContextKind::ValidSubcommand) {
                Some(ContextValue::Strings(verbs)) => verbs.join(", "),
                _ => String::new(),
            };
            format!("'{}' has to say what to do: {verbs}; see --help", command.unwrap_or_default())
        }
        _ => match text(ContextKind::InvalidSubcommand) {
            Some(word) if Cli::command().find_subcommand(word).is_some() => {
                format!("'{word}' has to come first, and its flags after it")
            }
            // The Go webhook ignores words, and so a boolean's value that follows a blank: there,
            // `--in-cluster false` means true.
            Some(word @ ("true" | "false")) => {
                format!("'{word}' is neither flag nor subcommand; a boolean is written --flag={word}")
            }
            Some(word) => format!("'{word}' is neither flag nor subcommand; see --help"),
            None => {
                let text = error.render().to_string();
                let what: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
                let what = what.join(" ");
                format!("{}; see --help", what.strip_prefix("error: ").unwrap_or(&what))
            }
        },
    };
    refuse(line, USAGE)
}
