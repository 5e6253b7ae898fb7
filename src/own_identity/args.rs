//! The flags of `identity`.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// Flags of `identity`.
#[derive(Debug, Default, Args)]
#[command(
    next_line_help = true,
    about = "Say which AWS identity the pod has that this runs in, and whether its token can be used",
    after_help = "It reads the variables that AWS SDKs read (AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, which win, or \
AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) and the token's file. It does not ask AWS, \
does not verify the token's signature, and never prints the token. The exit code is 0 if the pod has a whole pair and a \
token that has not expired, and what the flags below ask for; otherwise it is 1, and standard error says what is missing."
)]
pub struct IdentityArgs {
    /// Exit with 1 unless the pod's role is exactly this one; only IRSA names a role
    #[arg(long, value_name = "ARN", value_parser = NonEmptyStringValueParser::new())]
    pub role_arn: Option<String>,
    /// Exit with 1 unless the token has this audience
    #[arg(long, value_name = "AUDIENCE", value_parser = NonEmptyStringValueParser::new())]
    pub audience: Option<String>,
}
