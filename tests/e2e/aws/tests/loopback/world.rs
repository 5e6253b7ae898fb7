//! The STS as a process, and everything that calls it.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command as AsyncCommand};

use crate::issuer::{BEARER, ISSUER, Issuer, SigningKey, claims};
use crate::workload::Sdk;

pub const ROLE: &str = "arn:aws:iam::111122223333:role/checkout";

pub struct World {
    pub key: SigningKey,
    pub issuer: Issuer,
    pub folder: TempDir,
    address: String,
    lines: Arc<Mutex<Vec<String>>>,
    _sts: Child,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts it with further flags. The files of `--associations`, `--buckets` and `--fail` are not there
    /// yet.
    pub async fn start_with(flags: &[&str]) -> Self {
        let key = SigningKey::generate();
        let issuer = Issuer::start(&[&key]).await;
        let folder = TempDir::new().unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name)
        };
        let mut sts = AsyncCommand::new(env!("CARGO_BIN_EXE_sts"))
            .args(["--listen", "127.0.0.1:0", "--issuer", ISSUER, "--jwks-url", &issuer.url])
            .arg("--ca-file")
            .arg(file("ca.crt", &issuer.authority_pem))
            .arg("--token-file")
            .arg(file("bearer", BEARER))
            .arg("--roles")
            .arg(file("roles.json", &roles("shop").to_string()))
            .arg("--associations")
            .arg(folder.path().join("associations.json"))
            .arg("--buckets")
            .arg(folder.path().join("buckets.json"))
            .arg("--fail")
            .arg(folder.path().join("fail"))
            .args(flags)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(sts.stdout.take().unwrap()).lines();
        let first = output.next_line().await.unwrap().expect("a first line");
        let address = first.strip_prefix("listening on ").expect("an address").to_owned();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = lines.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                seen.lock().unwrap().push(line);
            }
        });
        Self { key, issuer, folder, address, lines, _sts: sts }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Log lines, once there are so many.
    pub async fn lines(&self, count: usize) -> Vec<String> {
        for _ in 0..500 {
            let lines = self.lines.lock().unwrap().clone();
            if lines.len() >= count {
                return lines;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no {count} lines in five seconds");
    }

    /// The log line of the last call, of so many.
    pub async fn line(&self, count: usize) -> Value {
        let lines = self.lines(count).await;
        assert_eq!(lines.len(), count, "{lines:#?}");
        serde_json::from_str(lines.last().unwrap()).unwrap()
    }

    /// Writes one of the STS's files.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// What a pod gets for its token: a session of [`ROLE`].
    pub async fn session(&self) -> Credentials {
        let (status, _, body) = self.assume(&self.key.sign(&claims())).await;
        assert_eq!(status, 200, "{body}");
        let [key, secret, token] =
            ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(|name| element(&body, name).to_owned());
        Credentials::new(key, secret, Some(token), None, "loopback")
    }

    /// The SDK's client of STS, which asks once.
    pub fn sts(&self, credentials: Credentials) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(self.url())
            .retry_config(RetryConfig::disabled())
            .credentials_provider(credentials);
        aws_sdk_sts::Client::from_conf(config.build())
    }

    /// Writes the roles anew: they trust this namespace's account.
    pub fn trust(&self, namespace: &str) {
        self.write("roles.json", &roles(namespace).to_string());
    }

    /// `AssumeRoleWithWebIdentity` for the role: status, code, body.
    pub async fn assume(&self, token: &str) -> (u16, String, String) {
        self.assume_role(ROLE, token).await
    }

    pub async fn assume_role(&self, role: &str, token: &str) -> (u16, String, String) {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "AssumeRoleWithWebIdentity")
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", role)
            .append_pair("RoleSessionName", "loopback")
            .append_pair("WebIdentityToken", token)
            .finish();
        self.post(form).await
    }

    pub async fn post(&self, form: String) -> (u16, String, String) {
        let request = Request::post(self.url())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(form))
            .unwrap();
        send(request).await
    }

    /// Posts JSON that nobody signed; gives status and body.
    pub async fn post_to(&self, path: &str, json: &'static str) -> (u16, String) {
        let request = Request::post(format!("{}{path}", self.url())).body(Full::from(json)).unwrap();
        let (status, _, body) = send(request).await;
        (status, body)
    }

    pub async fn get(&self, path_and_query: &str) -> (u16, String, String) {
        let request = Request::get(format!("{}{path_and_query}", self.url())).body(Full::default()).unwrap();
        send(request).await
    }

    /// What the webhook gives a container, with a token in its file.
    pub fn injected(&self, token: &str) -> HashMap<&'static str, String> {
        let path = self.folder.path().join(format!("token-{}", token.len()));
        std::fs::write(&path, token).unwrap();
        HashMap::from([
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
            ("AWS_STS_REGIONAL_ENDPOINTS", "regional".to_owned()),
            ("AWS_ROLE_ARN", ROLE.to_owned()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", path.to_str().unwrap().to_owned()),
        ])
    }

    /// Runs a workload; gives its exit code and its line.
    pub async fn run(&self, sdk: Sdk, env: &HashMap<&'static str, String>) -> (i32, Value) {
        let output = sdk
            .command()
            .envs(env)
            .env("AWS_ENDPOINT_URL_STS", self.url())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // The machine's own ~/.aws must not be read.
            .env("HOME", self.folder.path())
            .output()
            .await
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), serde_json::from_str(&text).unwrap())
    }
}

/// The text of an element's first appearance.
pub fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}"));
    rest.split_once(&format!("</{name}>")).unwrap().0
}

/// Roles by the names of this account's, and who is trusted with them, for what, on which condition.
pub fn trusting(roles: &[(&str, Value, Value, Value)]) -> Value {
    let role = |(name, principal, actions, condition): &(&str, Value, Value, Value)| {
        let statement = json!({
            "Effect": "Allow", "Principal": principal, "Action": actions, "Condition": condition,
        });
        (
            format!("arn:aws:iam::111122223333:role/{name}"),
            json!({"Version": "2012-10-17", "Statement": [statement]}),
        )
    };
    roles.iter().map(role).collect::<serde_json::Map<_, _>>().into()
}

/// The role that a token of `NAMESPACE/checkout` may assume.
pub fn checkout(namespace: &str) -> (&'static str, Value, Value, Value) {
    (
        "checkout",
        json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/issuer.example/cluster-1"}),
        json!("sts:AssumeRoleWithWebIdentity"),
        json!({"StringEquals": {
            "issuer.example/cluster-1:sub": format!("system:serviceaccount:{namespace}:checkout"),
            "issuer.example/cluster-1:aud": "sts.amazonaws.com",
        }}),
    )
}

fn roles(namespace: &str) -> Value {
    trusting(&[checkout(namespace)])
}

async fn send(request: Request<Full<Bytes>>) -> (u16, String, String) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let code = if body.contains("<Code>") { element(&body, "Code").to_owned() } else { String::new() };
    (status, code, body)
}
