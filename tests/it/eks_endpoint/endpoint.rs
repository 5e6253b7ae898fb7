//! The program as it serves, and a client of it that signs as AWS's do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use serde_json::Value;

use crate::associations_command::cluster::Cluster;
use crate::support::process::PROGRAM;

/// A running endpoint for the cluster `prod`; ended when it is dropped.
pub struct Endpoint {
    child: Child,
    pub address: String,
    pub id: String,
    pub secret: String,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The error's name, if it is one.
    pub error: Option<String>,
    pub head: String,
    pub body: Value,
}

impl Endpoint {
    /// Starts one in plain text, and waits until it says how it is reached.
    pub fn start(cluster: &Cluster) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["eks-endpoint", "--cluster-name=prod", "--region=eu-west-1", "--plain-http"])
            .env_clear()
            .env("KUBECONFIG", cluster.kubeconfig())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let lines: Vec<_> = lines.take_while(|line| line.starts_with("export ")).collect();
        let value = |name: &str| {
            let line = lines.iter().find_map(|line| line.strip_prefix(&format!("export {name}='")));
            line.and_then(|line| line.strip_suffix('\'')).unwrap().to_owned()
        };
        let address = value("AWS_ENDPOINT_URL_EKS").strip_prefix("http://").unwrap().to_owned();
        Self { child, address, id: value("AWS_ACCESS_KEY_ID"), secret: value("AWS_SECRET_ACCESS_KEY") }
    }

    /// Sends a call as a client of AWS would.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let headers = self.signed(method, path, body, (&self.id, &self.secret));
        self.send(method, path, body, &headers)
    }

    /// The headers of a request that is signed with this key now.
    pub fn signed(
        &self,
        method: &str,
        path: &str,
        body: &str,
        (id, secret): (&str, &str),
    ) -> Vec<(String, String)> {
        let mut settings = SigningSettings::default();
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let key = Credentials::builder().access_key_id(id).secret_access_key(secret).provider_name("test");
        let identity = key.build().into();
        let params = SigningParams::builder().identity(&identity).region("eu-west-1").name("eks");
        let params = params.time(SystemTime::now()).settings(settings).build().unwrap().into();
        let uri = format!("http://{}{path}", self.address);
        let host = [("host", self.address.as_str())];
        let body = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new(method, uri, host.into_iter(), body).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        let (added, _) = instructions.into_parts();
        let added = added.iter().map(|header| (header.name().to_owned(), header.value().to_owned()));
        added.chain([("host".to_owned(), self.address.clone())]).collect()
    }

    /// Sends a request with these headers.
    pub fn send(&self, method: &str, path: &str, body: &str, headers: &[(String, String)]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nconnection: close\r\n").unwrap();
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n").unwrap();
        }
        write!(stream, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let header = |wanted: &str| {
            let mut headers = head.lines().filter_map(|line| line.split_once(": "));
            headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_owned())
        };
        Answer {
            status: head[9..12].parse().unwrap(),
            error: header("x-amzn-errortype"),
            head: head.to_ascii_lowercase(),
            body: serde_json::from_str(body).unwrap(),
        }
    }

    /// Makes an association of `shop`.
    pub fn create(&self, account: &str, role: &str, token: &str) -> Answer {
        let body = serde_json::json!({
            "namespace": "shop", "serviceAccount": account, "roleArn": role, "clientRequestToken": token,
        });
        self.call("POST", "/clusters/prod/pod-identity-associations", &body.to_string())
    }
}

impl Answer {
    /// The association that it tells.
    pub fn association(&self) -> &Value {
        assert_eq!(self.status, 200, "{self:?}");
        &self.body["association"]
    }

    /// The id of the association that it tells.
    pub fn id(&self) -> String {
        self.association()["associationId"].as_str().unwrap().to_owned()
    }

    /// The error's name and message.
    pub fn refusal(&self) -> (&str, &str) {
        (self.error.as_deref().unwrap_or_default(), self.body["message"].as_str().unwrap_or_default())
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
