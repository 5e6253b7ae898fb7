//! Resolves the default credential chain once and prints the access key id, or the error.

use std::process::ExitCode;

use aws_config::BehaviorVersion;
use aws_credential_types::provider::ProvideCredentials as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let Some(chain) = config.credentials_provider() else {
        println!("no credential chain");
        return ExitCode::FAILURE;
    };
    match chain.provide_credentials().await {
        Ok(credentials) => {
            println!("{}", credentials.access_key_id());
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{}", causes(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes on one line: the reason is in the last one.
fn causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", causes(cause)),
        None => error.to_string(),
    }
}
