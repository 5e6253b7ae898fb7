//! A workload on the AWS SDK for Rust: finds credentials as the SDK does, asks STS who it is, prints
//! one line. All that it knows comes from the environment and the files that this names, read by the
//! SDK alone.
//!
//! With `CLIENT_EVERY_SECONDS` it does so for ever, each time as a process that has just begun, and after each prints what
//! there was so far.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::{Builder, Credentials};
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use serde::Serialize;

/// How long all of it may take: a pod that gets no answer has failed.
const DEADLINE: Duration = Duration::from_secs(20);

/// What is printed; `client.py` prints the same.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    ok: bool,
    sdk: &'static str,
    arn: Option<String>,
    account: Option<String>,
    access_key_id_prefix: Option<String>,
    error: Option<String>,
    message: Option<String>,
}

/// A code of STS, `NoCredentials`, or the SDK's own class.
struct Failure {
    class: String,
    message: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if let Some(pause) = std::env::var("CLIENT_EVERY_SECONDS").ok().and_then(|text| text.parse().ok()) {
        again_and_again(Duration::from_secs(pause)).await;
    }
    let line = once().await;
    println!("{}", serde_json::to_string(&line).unwrap_or_default());
    if line.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What there was so far.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct SoFar {
    calls: u64,
    failed: u64,
    /// Those that took so long that the SDK must have tried again.
    slow: u64,
    longest_milliseconds: u128,
    errors: Vec<String>,
}

/// Longer than an answer takes, and shorter than the SDK's first pause mostly is.
const SLOW: Duration = Duration::from_millis(500);

async fn again_and_again(pause: Duration) -> ! {
    let mut so_far = SoFar::default();
    loop {
        let began = std::time::Instant::now();
        let line = once().await;
        let took = began.elapsed();
        so_far.calls += 1;
        so_far.slow += u64::from(took > SLOW);
        so_far.longest_milliseconds = so_far.longest_milliseconds.max(took.as_millis());
        if !line.ok {
            so_far.failed += 1;
            so_far.errors.extend(line.message);
            so_far.errors.truncate(5);
        }
        println!("{}", serde_json::to_string(&so_far).unwrap_or_default());
        tokio::time::sleep(pause).await;
    }
}

async fn once() -> Line {
    let mut line = Line { sdk: "rust", ..Line::default() };
    let outcome = tokio::time::timeout(DEADLINE, identify(&mut line)).await;
    let failure = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure),
        Err(_) => Some(Failure { class: "Timeout".into(), message: format!("no answer in {DEADLINE:?}") }),
    };
    line.ok = failure.is_none();
    if let Some(Failure { class, message }) = failure {
        (line.error, line.message) = (Some(class), Some(message));
    }
    line
}

async fn identify(line: &mut Line) -> Result<(), Failure> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let chain = config
        .credentials_provider()
        .ok_or_else(|| Failure { class: "NoCredentials".into(), message: "no chain".into() })?;
    let credentials: Credentials = chain.provide_credentials().await.map_err(|error| not_provided(&error))?;
    line.access_key_id_prefix = credentials.access_key_id().get(..4).map(str::to_owned);
    // The client gets the same credentials, or the chain would ask STS a second time.
    let client =
        aws_sdk_sts::Client::from_conf(Builder::from(&config).credentials_provider(credentials).build());
    let identity = client.get_caller_identity().send().await.map_err(|error| Failure {
        class: error.code().unwrap_or_else(|| kind(&error)).to_owned(),
        message: DisplayErrorContext(&error).to_string(),
    })?;
    line.arn = identity.arn().map(str::to_owned);
    line.account = identity.account().map(str::to_owned);
    Ok(())
}

fn not_provided(error: &CredentialsError) -> Failure {
    let class = match error {
        CredentialsError::CredentialsNotLoaded(_) => "NoCredentials",
        CredentialsError::ProviderTimedOut(_) => "Timeout",
        CredentialsError::InvalidConfiguration(_) => "InvalidConfiguration",
        CredentialsError::ProviderError(_) => "ProviderError",
        _ => "Unhandled",
    };
    Failure {
        class: sts_code(error).unwrap_or_else(|| class.to_owned()),
        message: DisplayErrorContext(error).to_string(),
    }
}

/// STS's own code, if STS was asked: it is among the causes.
fn sts_code(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<AssumeRoleWithWebIdentityError>() {
            return refused.code().map(str::to_owned);
        }
        cause = error.source();
    }
    None
}

fn kind<E, R>(error: &SdkError<E, R>) -> &'static str {
    match error {
        SdkError::ConstructionFailure(_) => "ConstructionFailure",
        SdkError::TimeoutError(_) => "TimeoutError",
        SdkError::DispatchFailure(_) => "DispatchFailure",
        SdkError::ResponseError(_) => "ResponseError",
        _ => "ServiceError",
    }
}
