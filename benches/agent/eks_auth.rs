//! A stand-in for EKS Auth: it counts calls, and takes as long as AWS does for each.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::sleep;

/// How long a call takes.
pub const CALL: Duration = Duration::from_millis(50);

/// How long its credentials live.
const LIFETIME: Duration = Duration::from_hours(6);

/// A running stand-in.
pub struct EksAuth {
    pub address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl EksAuth {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let counted = counted.clone();
                let service = service_fn(move |request| answer(request, counted.clone()));
                // An agent that ends takes its connections with it.
                tokio::spawn(async move {
                    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { address, calls }
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

async fn answer(
    request: Request<Incoming>,
    calls: Arc<AtomicUsize>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let number = calls.fetch_add(1, Ordering::Relaxed);
    drop(request.into_body().collect().await);
    sleep(CALL).await;
    let ends = SystemTime::now() + LIFETIME;
    let body = json!({
        "subject": { "namespace": "shop", "serviceAccount": "orders" },
        "audience": "pods.eks.amazonaws.com",
        "podIdentityAssociation": {
            "associationArn": "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/a-abcdefgh12345678",
            "associationId": "a-abcdefgh12345678",
        },
        "assumedRoleUser": {
            "arn": "arn:aws:sts::123456789012:assumed-role/orders/eks-prod-orders-0f0e0d0c",
            "assumeRoleId": "AROAEXAMPLEEXAMPLE123:eks-prod-orders-0f0e0d0c",
        },
        "credentials": {
            "accessKeyId": format!("ASIA{number:016}"),
            "secretAccessKey": "s".repeat(40),
            // As long as those with session tags; Go sends answers of more than 2 KiB in chunks.
            "sessionToken": "t".repeat(1200),
            "expiration": ends.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(),
        },
    });
    let answer = Response::builder().header("content-type", "application/json");
    Ok(answer.body(Full::from(body.to_string())).unwrap())
}
