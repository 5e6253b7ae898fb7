//! Reads everything that a report is made of: from the API server, and through it from the replicas.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use http::Request;
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;

use super::seen::{Contents, Reading, Replica, Replicas, Seen, Served, Unread};
use super::settings::Settings;
use crate::certificates::self_managed::{Objects, aside, entries, read};
use crate::kubernetes::{Address, ApiError, Document, ServicePod, ServicePods, chain, proxied, service_pods};

/// How long a request may take.
pub(super) const REQUEST: Duration = Duration::from_secs(10);

/// Longest chain that is read, in bytes: its file is no longer, with some room for how PEM is wrapped.
const LONGEST_CHAIN: usize = 2 << 20;

/// The path of the served certificate on the metrics port, and that port's name.
const CERTIFICATE: &str = "/certificate";
const METRICS: &str = "metrics";

/// The objects to look at: the chart's, if their names were left open and a release of the chart has a Secret.
pub(super) async fn found(client: &Client, settings: Settings) -> Settings {
    let of_chart = settings.objects.of_chart();
    let secret = Address::secret(&of_chart.namespace, &of_chart.secret);
    let is_chart = settings.may_be_the_charts
        // What could not be read is shown as such, and nothing else in its place.
        && !matches!(timely(secret.read(client)).await, Ok(Document { object: None, .. }) | Err(Unread::Forbidden(_)));
    if is_chart { Settings { objects: of_chart, ..settings } } else { settings }
}

/// Looks at everything.
pub(super) async fn look(client: &Client, settings: &Settings) -> Seen {
    let Objects { service, namespace, secret, registration } = &settings.objects;
    let secret = Address::secret(namespace, secret);
    let registration = Address::mutating_webhook_configuration(registration);
    let (secret, registration, pods) = tokio::join!(
        timely(secret.read(client)),
        timely(registration.read(client)),
        timely(service_pods(client, namespace, service, METRICS)),
    );
    let now = time([&secret, &registration].into_iter().flatten().find_map(|document| document.date));
    let replicas = replicas(client, settings, pods).await;
    let own = match &replicas {
        Ok(Replicas::Pods(pods)) => pods.iter().any(|pod| matches!(pod.served, Err(Unread::Forbidden(_)))),
        Err(Unread::Forbidden(_)) => true,
        _ => false,
    };
    // Without a kubeconfig this runs in a pod, mostly in one of the webhook's.
    let own = own && settings.cluster.kubeconfig.is_none();
    let contents = |secret| Contents { stored: read(&secret, &settings.names(), now), aside: aside(&secret) };
    Seen {
        now,
        secret: secret.map(|Document { object, .. }| object.map(contents)),
        entries: registration
            .map(|Document { object, .. }| object.as_ref().map(|object| entries(object, &settings.names()))),
        replicas,
        own: if own { Some(own_certificate(settings.metrics_port).await) } else { None },
    }
}

/// The API server's time in seconds since 1970, or this machine's if it did not say.
pub(super) fn time(date: Option<SystemTime>) -> i64 {
    let since = date.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

/// Waits for an answer for as long as one may take.
pub(super) async fn timely<T>(request: impl Future<Output = Result<T, ApiError>>) -> Reading<T> {
    match timeout(REQUEST, request).await {
        Ok(answer) => answer.map_err(|error| match error.code() {
            Some(403) => Unread::Forbidden(error.to_string()),
            _ => Unread::Failed(error.to_string()),
        }),
        Err(_) => Err(Unread::Failed(format!("no answer within {REQUEST:?}"))),
    }
}

async fn replicas(client: &Client, settings: &Settings, pods: Reading<ServicePods>) -> Reading<Replicas> {
    let pods = match pods? {
        ServicePods::NoService => return Ok(Replicas::NoService),
        ServicePods::NoSelector => return Ok(Replicas::NoSelector),
        ServicePods::Pods(pods) => pods,
    };
    let replica = async |ServicePod { name, is_ready, port }: ServicePod| {
        let address =
            (settings.objects.namespace.as_str(), name.as_str(), port.unwrap_or(settings.metrics_port));
        let text = timely(proxied(client, address, CERTIFICATE, LONGEST_CHAIN)).await;
        let served = text.and_then(|text| Served::of_pem(&text));
        Replica { pod: name, is_ready, served }
    };
    let mut replicas = join_all(pods.into_iter().map(replica)).await;
    replicas.sort_by(|one, other| one.pod.cmp(&other.pod));
    Ok(Replicas::Pods(replicas))
}

/// What the pod serves that this runs in: asked without the API server, and without showing any credentials.
async fn own_certificate(port: u16) -> Reading<Served> {
    let failed = |why: String| Unread::Failed(why);
    let request = Request::get(format!("http://127.0.0.1:{port}{CERTIFICATE}")).body(Body::empty());
    let request = request.map_err(|error| failed(error.to_string()))?;
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new()).build_http();
    let ask = async {
        let answer = http.request(request).await.map_err(|error| failed(chain(&error)))?;
        if !answer.status().is_success() {
            return Err(failed(format!("the answer is {}", answer.status())));
        }
        let body = Limited::new(answer.into_body(), LONGEST_CHAIN).collect().await;
        let body = body.map_err(|error| failed(error.to_string()))?.to_bytes();
        Served::of_pem(&String::from_utf8_lossy(&body))
    };
    timeout(REQUEST, ask).await.unwrap_or_else(|_| Err(failed(format!("no answer within {REQUEST:?}"))))
}
