//! HTTP in front of STS, EKS Auth and S3: plain, for the suite's own network. One log line a call.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::answer::Answer;
use crate::authority::Authority;
use crate::bucket::{self, Listing, S3};
use crate::caller;
use crate::cue::Cue;
use crate::eks_auth::refused::Refused;
use crate::eks_auth::{self, EksAuth, PodAssumed};
use crate::line::Line;
use crate::query::{Call, Parameters};
use crate::refusal::Refusal;
use crate::sessions::random;
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
    /// The other service, if it is served.
    pub eks_auth: Option<EksAuth>,
    /// A third one, if it is served.
    pub s3: Option<S3>,
    /// The shortest time for which STS is asked for credentials.
    pub shortest: Duration,
    /// Whether calls are to fail.
    pub cue: Cue,
}

/// A request that has come whole.
struct Whole {
    parts: Parts,
    body: Bytes,
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
    let (parts, body) = request.into_parts();
    let mut line = Line {
        user_agent: sigv4::header(&parts.headers, "user-agent").map(str::to_owned),
        ..Line::default()
    };
    let request_id = request_id();
    let mut response = if eks_auth::cluster(&parts).is_some() {
        let outcome = sts.assume_for_pod(parts, body, &mut line).await;
        pod_response(&outcome, &mut line)
    } else if let Some(s3) = sts.s3.as_ref().filter(|_| bucket::name(&parts).is_some()) {
        line.action = Some("ListObjectsV2".to_owned());
        let outcome = sts.list(s3, parts, body).await;
        bucket_response(&outcome, &request_id, &mut line)
    } else {
        let outcome = sts.call(parts, body, &mut line).await;
        query_response(&outcome, &request_id, &mut line)
    };
    if let Ok(request_id) = request_id.parse() {
        response.headers_mut().insert("x-amzn-requestid", request_id);
    }
    line.status = response.status().as_u16();
    line.microseconds = started.elapsed().as_micros();
    println!("{}", serde_json::to_string(&line).unwrap_or_default());
    response
}

impl Sts {
    async fn call(&self, parts: Parts, body: Incoming, line: &mut Line) -> Result<Answer, Refusal> {
        let request = Whole { body: read(body).await?, parts };
        let parameters = Parameters::parse(request.form());
        line.action = parameters.find("Action").map(str::to_owned);
        line.role = parameters.find("RoleArn").map(str::to_owned);
        let now = now();
        let call = parameters.call(self.shortest)?;
        line.asked(&call);
        let sessions = &self.authority.sessions;
        match call {
            Call::AssumeRole(call) => {
                self.cue.sts()?;
                let caller = caller::identify(&request.signed(), "sts", sessions, now)?;
                line.caller = Some(caller.caller.arn.clone());
                self.authority.assume_role(&call, &caller, now).map(Answer::Role)
            }
            Call::AssumeRoleWithWebIdentity(call) => {
                self.cue.sts()?;
                self.authority.assume_with_web_identity(&call, now).await.map(Answer::WithWebIdentity)
            }
            Call::GetCallerIdentity => {
                let session = caller::identify(&request.signed(), "sts", sessions, now)?;
                line.tagged(&session.tags);
                Ok(Answer::Caller(session.caller.clone()))
            }
        }
    }

    async fn assume_for_pod(
        &self,
        parts: Parts,
        body: Incoming,
        line: &mut Line,
    ) -> Result<PodAssumed, Refused> {
        line.action = Some("AssumeRoleForPodIdentity".to_owned());
        let eks_auth = self.eks_auth.as_ref().ok_or(Refused::NotServed)?;
        let request = Whole { body: read(body).await?, parts };
        self.cue.eks_auth()?;
        let now = now();
        let region = eks_auth.accept_node(&request.signed(), now)?;
        let cluster = eks_auth::cluster(&request.parts).unwrap_or_default();
        eks_auth.assume(&self.authority, (region, cluster), &request.body, now).await
    }

    async fn list(&self, s3: &S3, parts: Parts, body: Incoming) -> Result<Listing, bucket::Refused> {
        let request = Whole { body: read(body).await?, parts };
        let name = bucket::name(&request.parts).unwrap_or_default();
        s3.list(name, &request.signed(), &self.authority.sessions, now())
    }
}

impl Whole {
    fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    fn form(&self) -> &[u8] {
        if self.parts.method == Method::POST { &self.body } else { self.query().as_bytes() }
    }

    fn signed(&self) -> sigv4::Request<'_> {
        sigv4::Request {
            method: self.parts.method.as_str(),
            path: self.parts.uri.path(),
            query: self.query(),
            headers: &self.parts.headers,
            body: &self.body,
        }
    }
}

fn query_response(
    outcome: &Result<Answer, Refusal>,
    request_id: &str,
    line: &mut Line,
) -> Response<Full<Bytes>> {
    let (status, body) = match outcome {
        Ok(answer) => {
            let (subject, caller) = match answer {
                Answer::WithWebIdentity(assumed) => (Some(&assumed.subject), &assumed.issued.caller),
                Answer::Role(issued) => (None, &issued.caller),
                Answer::Caller(caller) => (None, caller),
            };
            line.subject = subject.cloned();
            line.arn = Some(caller.arn.clone());
            (200, answer.xml(request_id))
        }
        Err(refusal) => {
            line.refused(refusal.code(), refusal.reason());
            (refusal.status(), refusal.xml(request_id))
        }
    };
    response(status_of(status), "text/xml", body)
}

fn pod_response(outcome: &Result<PodAssumed, Refused>, line: &mut Line) -> Response<Full<Bytes>> {
    const JSON: &str = "application/json";
    match outcome {
        Ok(assumed) => {
            let PodAssumed { namespace, service_account, association, tags, issued, .. } = assumed;
            line.subject = Some(format!("system:serviceaccount:{namespace}:{service_account}"));
            line.role = Some(association.role().as_str().to_owned());
            line.arn = Some(issued.caller.arn.clone());
            line.tagged(tags);
            response(StatusCode::OK, JSON, assumed.json().to_string())
        }
        Err(refused) => {
            line.refused(refused.code(), refused.reason());
            let mut response = response(status_of(refused.status()), JSON, refused.json());
            let name = header::HeaderValue::from_static(refused.code());
            response.headers_mut().insert("x-amzn-errortype", name);
            response
        }
    }
}

fn bucket_response(
    outcome: &Result<Listing, bucket::Refused>,
    request_id: &str,
    line: &mut Line,
) -> Response<Full<Bytes>> {
    const XML: &str = "application/xml";
    match outcome {
        Ok(listing) => {
            line.arn = Some(listing.caller.arn.clone());
            response(StatusCode::OK, XML, listing.xml())
        }
        Err(refused) => {
            let (code, status) = refused.code();
            line.refused(code, refused.reason());
            response(status_of(status), XML, refused.xml(request_id))
        }
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
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
