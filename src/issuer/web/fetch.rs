//! One request over a connection of its own: no redirect is followed, and bytes and time have limits, because anything may
//! be at the other end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, DATE, HOST, HeaderName, LOCATION, SERVER, USER_AGENT};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;

use super::approach::Approach;
use super::recorder::Recorder;
use super::reply::{Fetched, LARGEST, NoReply, Reached, Reply, Unreached};
use super::url::{HTTPS, HttpsUrl};
use crate::kubernetes::chain;

/// Bytes of an answer's head. hyper takes no less than 8 KiB.
const LARGEST_HEAD: usize = 64 << 10;

/// Characters of a header that are kept.
const LONGEST_HEADER: usize = 500;

/// Addresses of a name that are tried.
const MOST_ADDRESSES: usize = 4;

/// Where S3 says in which region a bucket is.
const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// A server, and how it was found.
struct Line {
    address: SocketAddr,
    is_by_flag: bool,
    stream: TlsStream<TcpStream>,
}

/// Reads a URL.
pub(in crate::issuer) async fn fetch(url: HttpsUrl, approach: &Approach) -> Fetched {
    let recorder = Arc::new(Recorder::new());
    let limit = approach.limit;
    let reached = match connect(&url, approach, recorder.clone()).await {
        Err(error) => Err(error),
        Ok(Line { address, is_by_flag, stream }) => {
            let reply = ask(&url, stream, limit).await;
            Ok(Reached { address, is_by_flag, chain: recorder.chain(), reply })
        }
    };
    Fetched { url, reached }
}

async fn connect(url: &HttpsUrl, approach: &Approach, recorder: Arc<Recorder>) -> Result<Line, Unreached> {
    let by_flag = approach.resolved.iter().find(|one| one.host == url.host).map(|one| one.address);
    let limit = approach.limit;
    let reaching = timeout(limit, reach(url, by_flag)).await;
    let (address, tcp) = reaching.unwrap_or(Err(Unreached::Late(limit)))?;
    let failed = |why: String| Unreached::Tls(address, why);
    let name = ServerName::try_from(url.host.clone());
    let name = name.map_err(|_| failed("the host is no name that a certificate can have".to_owned()))?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(recorder)
        .with_no_client_auth();
    let greeting = timeout(limit, TlsConnector::from(Arc::new(config)).connect(name, tcp)).await;
    let greeting = greeting.map_err(|_| failed(format!("no TLS within {limit:?}")))?;
    let stream = greeting.map_err(|error| failed(chain(&error)))?;
    Ok(Line { address, is_by_flag: by_flag.is_some(), stream })
}

/// A connection over TCP.
async fn reach(url: &HttpsUrl, by_flag: Option<SocketAddr>) -> Result<(SocketAddr, TcpStream), Unreached> {
    match by_flag {
        Some(address) => first(&[address]).await,
        None => first(&addresses(url).await?).await,
    }
}

async fn addresses(url: &HttpsUrl) -> Result<Vec<SocketAddr>, Unreached> {
    let failed = |why: String| Unreached::Name(url.host.clone(), why);
    let found = lookup_host((url.host.as_str(), url.port)).await;
    let found: Vec<_> = found.map_err(|error| failed(error.to_string()))?.take(MOST_ADDRESSES).collect();
    if found.is_empty() { Err(failed("it has no address".to_owned())) } else { Ok(found) }
}

/// A connection to the first address that takes one.
async fn first(addresses: &[SocketAddr]) -> Result<(SocketAddr, TcpStream), Unreached> {
    let mut failed = Unreached::Name(String::new(), "it has no address".to_owned());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok((*address, tcp)),
            Err(error) => failed = Unreached::Refused(*address, error.to_string()),
        }
    }
    Err(failed)
}

async fn ask(url: &HttpsUrl, stream: TlsStream<TcpStream>, limit: Duration) -> Result<Reply, NoReply> {
    let asking = async {
        let mut http = http1::Builder::new();
        http.max_buf_size(LARGEST_HEAD);
        let (mut sender, connection) = http.handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        // It ends with the sender, or with this task if that gives up.
        let driving = tokio::spawn(connection);
        let host = match (url.host.contains(':'), url.port) {
            (false, HTTPS) => url.host.clone(),
            (true, HTTPS) => format!("[{}]", url.host),
            (false, port) => format!("{}:{port}", url.host),
            (true, port) => format!("[{}]:{port}", url.host),
        };
        let request = Request::get(&url.target)
            .header(HOST, host)
            .header(USER_AGENT, concat!("pod-identity-webhook/", env!("CARGO_PKG_VERSION")));
        let request = request.body(Empty::<Bytes>::new()).map_err(|e| NoReply::Broken(e.to_string()))?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(|e| broken(&e))?;
            read(answer).await
        };
        let answer = answer.await;
        driving.abort();
        answer
    };
    timeout(limit, asking).await.unwrap_or(Err(NoReply::Late(limit)))
}

async fn read(answer: Response<Incoming>) -> Result<Reply, NoReply> {
    let (head, mut body) = answer.into_parts();
    let status = head.status.as_u16();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        bytes.extend_from_slice(data.get(..LARGEST + 1).unwrap_or(data));
        if bytes.len() > LARGEST {
            if status == 200 {
                return Err(NoReply::TooLong(LARGEST));
            }
            bytes.truncate(LARGEST);
            break;
        }
    }
    let header = |name| text(&head.headers, &name);
    // A cache gives the time at which its origin answered, and for how long it has had that.
    let age = header(AGE).and_then(|age| age.parse::<u32>().ok()).unwrap_or_default();
    let age = Duration::from_secs(u64::from(age));
    Ok(Reply {
        status,
        location: header(LOCATION),
        content_type: header(CONTENT_TYPE),
        cache_control: header(CACHE_CONTROL),
        bucket_region: header(BUCKET_REGION),
        server: header(SERVER),
        date: header(DATE).and_then(|date| httpdate::parse_http_date(&date).ok()).map(|date| date + age),
        body: bytes,
    })
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).chars().take(LONGEST_HEADER).collect())
}

fn broken(error: &hyper::Error) -> NoReply {
    NoReply::Broken(chain(error))
}
