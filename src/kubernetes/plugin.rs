//! A program that says who the client is, which a kubeconfig names as `exec`, of `client.authentication.k8s.io`:
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>.
//!
//! kube's own runs it without a limit of time, takes the certificate that it gave at the start for ever, and does not
//! ask it again when the API server refuses what it said.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use injection::text::Line;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::authorization::bearer;
use super::renewed::{OnFailure, Renewable};
use super::tls::{PairBytes, certified};

/// How long the program may take: it asks an issuer of tokens over the network.
const LIMIT: Duration = Duration::from_secs(30);

/// The longest answer, in bytes: a token, and a certificate with its key.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Most characters shown of a kubeconfig's hint.
const LONGEST_HINT: usize = 500;

/// A program, and how it is run.
pub(super) struct Plugin {
    /// Its path, or its name in `PATH`.
    pub(super) command: OsString,
    pub(super) arguments: Vec<String>,
    /// Variables beside those of this process, `KUBERNETES_EXEC_INFO` among them.
    pub(super) environment: Vec<(String, String)>,
    /// The version of what it says.
    pub(super) api_version: String,
    /// What is said to who does not have it.
    pub(super) hint: String,
}

/// What the program said.
#[derive(Default)]
pub(super) struct Credential {
    /// The value of `Authorization`.
    pub(super) token: Option<HeaderValue>,
    /// What the client shows of itself in TLS.
    pub(super) pair: Option<PairBytes>,
    expires: Option<SystemTime>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExecCredential {
    api_version: String,
    kind: String,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<Time>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Renewable for Plugin {
    type Value = Credential;

    const PATIENCE: Duration = Duration::from_secs(LIMIT.as_secs() + 1);
    const PAUSE: Duration = Duration::from_secs(5);
    const FAILURE: OnFailure = OnFailure::Forget;

    fn renew(&self, _: Option<&Credential>) -> Result<Option<Credential>, String> {
        // This thread may block; the runtime's clock and its watch over children serve it all the same.
        let answer = Handle::current().block_on(async { timeout(LIMIT, self.run()).await });
        let (status, answer) =
            answer.map_err(|_| format!("no end within {LIMIT:?}"))?.map_err(|error| self.describe(&error))?;
        if !status.success() {
            return Err(format!("it failed with {status}"));
        }
        if answer.len() as u64 > LONGEST_ANSWER {
            return Err(format!("it said more than {} MiB", LONGEST_ANSWER >> 20));
        }
        self.read(&answer).map(Some).map_err(str::to_owned)
    }

    fn lasts(&self, credential: &Credential) -> Option<Duration> {
        let rest = credential.expires?.duration_since(SystemTime::now());
        Some(rest.unwrap_or_default().max(Self::PAUSE))
    }
}

impl Plugin {
    async fn run(&self) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut child = Command::new(&self.command)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // What went wrong, in its own words, as with Go's client.
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        let mut answer = Vec::new();
        if let Some(output) = child.stdout.take() {
            output.take(LONGEST_ANSWER + 1).read_to_end(&mut answer).await?;
        }
        Ok((child.wait().await?, answer))
    }

    fn describe(&self, error: &io::Error) -> String {
        let hint = Line::new(&self.hint, LONGEST_HINT).to_string();
        match error.kind() {
            io::ErrorKind::NotFound if !hint.is_empty() => format!("there is no such program; {hint}"),
            io::ErrorKind::NotFound => "there is no such program".to_owned(),
            _ => error.to_string(),
        }
    }

    /// Reads what it said, of which no error quotes anything.
    fn read(&self, answer: &[u8]) -> Result<Credential, &'static str> {
        let unreadable = "it did not say an ExecCredential";
        let text = str::from_utf8(answer).map_err(|_| unreadable)?;
        // Go's client takes YAML too.
        let stream = manifests::parse(text).map_err(|_| unreadable)?;
        let value = stream.documents().first().ok_or(unreadable)?.value().clone();
        let said: ExecCredential = serde_json::from_value(value).map_err(|_| unreadable)?;
        if said.kind != "ExecCredential" {
            return Err(unreadable);
        }
        if said.api_version != self.api_version {
            return Err("its answer is of another apiVersion than the kubeconfig says");
        }
        let Status { expiration_timestamp, token, client_certificate_data, client_key_data } =
            said.status.ok_or("its answer has no status")?;
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        let pair = match (present(client_certificate_data), present(client_key_data)) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(PairBytes { certificate: certificate.into(), key: key.into() })
            }
            _ => return Err("its answer has a certificate or a key, but not both"),
        };
        if let Some(pair) = &pair {
            certified(pair).map_err(|_| "its certificate and key are of no use")?;
        }
        let token = present(token).map(|token| bearer(&token).ok_or("its token is of no use")).transpose()?;
        if token.is_none() && pair.is_none() {
            return Err("its answer has no token and no certificate");
        }
        let expires = expiration_timestamp.map(|Time(time)| time.into());
        Ok(Credential { token, pair, expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin() -> Plugin {
        Plugin {
            command: "x".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            api_version: "v1".into(),
            hint: String::new(),
        }
    }

    #[test]
    fn answers_that_are_of_no_use_are_named_and_not_quoted() {
        let rows = [
            ("", "it did not say an ExecCredential"),
            ("secret", "it did not say an ExecCredential"),
            ("{", "it did not say an ExecCredential"),
            ("{kind: Pod, apiVersion: v1}", "it did not say an ExecCredential"),
            (
                "{kind: ExecCredential, apiVersion: v1, status: {token: [secret]}}",
                "it did not say an ExecCredential",
            ),
            (
                "{kind: ExecCredential, apiVersion: v2}",
                "its answer is of another apiVersion than the kubeconfig says",
            ),
            ("{kind: ExecCredential, apiVersion: v1}", "its answer has no status"),
            (
                "{kind: ExecCredential, apiVersion: v1, status: {}}",
                "its answer has no token and no certificate",
            ),
            (
                "{kind: ExecCredential, apiVersion: v1, status: {clientKeyData: secret}}",
                "its answer has a certificate or a key, but not both",
            ),
            (
                "{kind: ExecCredential, apiVersion: v1, status: {clientKeyData: a, clientCertificateData: b}}",
                "its certificate and key are of no use",
            ),
            ("{kind: ExecCredential, apiVersion: v1, status: {token: \"a\\nb\"}}", "its token is of no use"),
        ];
        for (answer, expected) in rows {
            assert_eq!(plugin().read(answer.as_bytes()).err(), Some(expected), "{answer}");
        }
    }

    #[test]
    fn a_token_lasts_until_it_expires_and_one_without_an_end_until_it_is_refused() {
        let read = |more: &str| {
            let answer = format!("{{kind: ExecCredential, apiVersion: v1, status: {{token: t{more}}}}}");
            plugin().read(answer.as_bytes()).unwrap()
        };
        assert_eq!(read("").token.unwrap(), "Bearer t");
        assert_eq!(plugin().lasts(&read("")), None);
        let past = read(", expirationTimestamp: \"2020-01-01T00:00:00Z\"");
        assert_eq!(plugin().lasts(&past), Some(Plugin::PAUSE));
        let later = read(", expirationTimestamp: \"2999-01-01T00:00:00Z\"");
        assert!(plugin().lasts(&later).unwrap() > Duration::from_secs(1 << 30));
    }
}
