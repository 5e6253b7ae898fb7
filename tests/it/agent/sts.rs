//! A stand-in for STS that records what it is asked, and answers what a test decides on. It verifies nothing: the
//! end-to-end suite has one that does.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One call: its parameters, and whether it was signed.
#[derive(Debug, Clone)]
pub struct Call {
    pub parameters: BTreeMap<String, String>,
    pub authorization: Option<String>,
}

/// What is answered: a status, a code and a message; `None`: credentials.
type Refusal = Option<(u16, &'static str, &'static str)>;

pub struct Sts {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    refusal: Arc<Mutex<Refusal>>,
    task: JoinHandle<()>,
}

impl Sts {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (calls, refusal) = (Arc::<Mutex<Vec<Call>>>::default(), Arc::<Mutex<Refusal>>::default());
        let (seen, refuses) = (calls.clone(), refusal.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, refuses) = (seen.clone(), refuses.clone());
                let service = service_fn(move |request| answer(seen.clone(), refuses.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, calls, refusal, task }
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub fn refuses(&self, refusal: Refusal) {
        *self.refusal.lock().unwrap() = refusal;
    }
}

impl Drop for Sts {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Call {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Tags by key.
    pub fn tags(&self) -> BTreeMap<&str, &str> {
        let numbered = (1..).map_while(|number| {
            let key = self.get(&format!("Tags.member.{number}.Key"))?;
            Some((key, self.get(&format!("Tags.member.{number}.Value"))?))
        });
        numbered.collect()
    }
}

async fn answer(
    seen: Arc<Mutex<Vec<Call>>>,
    refuses: Arc<Mutex<Refusal>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = request.headers().get("authorization");
    let authorization = header.map(|value| value.to_str().unwrap().to_owned());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&body).unwrap();
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().unwrap().into_owned()
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let parameters: BTreeMap<_, _> = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
    let action = parameters["Action"].clone();
    let (role, name) = (parameters["RoleArn"].clone(), parameters["RoleSessionName"].clone());
    seen.lock().unwrap().push(Call { parameters, authorization });
    let (status, xml) = match *refuses.lock().unwrap() {
        Some((status, code, message)) => (
            status,
            format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
            ),
        ),
        None => (
            200,
            format!(
                "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
                 <Credentials><AccessKeyId>ASIA{action}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
                 <SessionToken>token</SessionToken><Expiration>2100-01-02T03:04:05Z</Expiration></Credentials>\
                 <AssumedRoleUser><Arn>{}/{name}</Arn><AssumedRoleId>AROA:{name}</AssumedRoleId></AssumedRoleUser>\
                 </{action}Result></{action}Response>",
                role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
            ),
        ),
    };
    Ok(Response::builder()
        .status(status)
        .header("x-amzn-requestid", "r-1")
        .body(Full::new(xml.into()))
        .unwrap())
}
