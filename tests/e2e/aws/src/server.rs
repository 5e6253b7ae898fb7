//! HTTP in front of the two calls: plain, for the suite's own network. One log line a call, in JSON,
//! and never a token or a secret in it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};

use crate::answer::Answer;
use crate::assume::Authority;
use crate::caller::Caller;
use crate::query::{Call, Parameters};
use crate::refusal::Refusal;
use crate::sessions::{Sessions, random};
use crate::sigv4;

/// Bytes of a body: a token of 20,000 characters, escaped, and the other parameters.
const MOST_BYTES: usize = 128 * 1024;
const HEADER_TIME: Duration = Duration::from_secs(30);
const BODY_TIME: Duration = Duration::from_secs(10);

/// The whole program's state.
#[derive(Debug)]
pub struct Sts {
    /// Decides who gets credentials.
    pub authority: Authority,
    /// The credentials that were issued.
    pub sessions: Sessions,
}

/// What is logged of a call.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    action: Option<String>,
    status: u16,
    code: Option<&'static str>,
    reason: Option<String>,
    role: Option<String>,
    /// The token's, once it is verified.
    subject: Option<String>,
    arn: Option<String>,
    user_agent: Option<String>,
    microseconds: u128,
}

/// Serves until the future is dropped.
pub async fn serve(listener: TcpListener, sts: Arc<Sts>) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connection(stream, sts.clone()))),
            Err(error) => {
                eprintln!("failed to accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, sts: Arc<Sts>) {
    let service = service_fn(move |request| {
        let sts = sts.clone();
        async move { Ok::<_, Infallible>(respond(&sts, request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that goes away or idles is not worth a line.
    drop(served);
}

async fn respond(sts: &Sts, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() == "/healthz" {
        return response(StatusCode::OK, "text/plain", "ok\n".to_owned());
    }
    let started = Instant::now();
    let mut line = Line::default();
    let request_id = request_id();
    let outcome = sts.call(request, &mut line).await;
    let (status, body) = match &outcome {
        Ok(answer) => (200, answer.xml(&request_id)),
        Err(refusal) => (refusal.status(), refusal.xml(&request_id)),
    };
    line.status = status;
    match &outcome {
        Ok(Answer::Assumed(assumed)) => {
            line.subject = Some(assumed.subject.clone());
            line.arn = Some(assumed.caller.arn.clone());
        }
        Ok(Answer::Caller(caller)) => line.arn = Some(caller.arn.clone()),
        Err(refusal) => {
            line.code = Some(refusal.code());
            line.reason = Some(match refusal {
                Refusal::Internal(reason) => reason.clone(),
                told => told.to_string(),
            });
        }
    }
    line.microseconds = started.elapsed().as_micros();
    println!("{}", serde_json::to_string(&line).unwrap_or_default());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response(status, "text/xml", body)
}

impl Sts {
    async fn call(&self, request: Request<Incoming>, line: &mut Line) -> Result<Answer, Refusal> {
        let (parts, body) = request.into_parts();
        line.user_agent = sigv4::header(&parts.headers, "user-agent").map(str::to_owned);
        let body = read(body).await?;
        let query = parts.uri.query().unwrap_or_default();
        let form = if parts.method == Method::POST { &body } else { query.as_bytes() };
        let parameters = Parameters::parse(form);
        line.action = parameters.find("Action").map(str::to_owned);
        line.role = parameters.find("RoleArn").map(str::to_owned);
        let now = now();
        match parameters.call()? {
            Call::AssumeRoleWithWebIdentity(call) => {
                self.authority.assume(&call, &self.sessions, now).await.map(Answer::Assumed)
            }
            Call::GetCallerIdentity => {
                Caller::identify(&signed(&parts, query, &body), &self.sessions, now).map(Answer::Caller)
            }
        }
    }
}

fn signed<'a>(parts: &'a Parts, query: &'a str, body: &'a [u8]) -> sigv4::Request<'a> {
    let method = parts.method.as_str();
    sigv4::Request { method, path: parts.uri.path(), query, headers: &parts.headers, body }
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(BODY_TIME, Limited::new(body, MOST_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge(MOST_BYTES)),
        Ok(Err(_)) | Err(_) => Err(Refusal::Validation("The request's body did not come whole".to_owned())),
    }
}

fn response(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

fn request_id() -> String {
    format!("{:032x}", u128::from_be_bytes(random().unwrap_or_default()))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
