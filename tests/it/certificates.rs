//! `certificates`, against an API server that has what a cluster has: a Secret, a registration, a Service, and pods that
//! answer through its proxy.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use pod_identity_webhook::certificates::self_managed::{self, Authority, Certificate, Names};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::client::get;
use crate::support::process::Process;
use crate::support::program::{Run, run};

const SECRET: &str = "/api/v1/namespaces/eks/secrets/pod-identity-webhook";
const REGISTRATION: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/pod-identity-webhook";
const PODS: &str = "/api/v1/namespaces/eks/pods";
const LIFE: Duration = Duration::from_hours(8760);

/// What the API server has, and what it was asked.
struct World {
    signing: Arc<Authority>,
    secret: Value,
    bundle: String,
    /// The pod's answer.
    served: String,
    /// Parts of paths that are refused.
    forbidden: Vec<&'static str>,
    /// How many writes lose against somebody else's.
    conflicts: usize,
    calls: Vec<(Method, String)>,
}

#[derive(Clone)]
struct Cluster {
    world: Arc<Mutex<World>>,
    url: String,
}

fn names() -> Names {
    Names::of_service("pod-identity-webhook", "eks")
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

impl World {
    fn well() -> Self {
        let signing = Authority::make(&names(), now(), LIFE).unwrap();
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "pod-identity-webhook", "namespace": "eks", "resourceVersion": "7"},
            "data": {"kept": "eA=="},
        });
        self_managed::write(&mut secret, &self_managed::State::of(signing.clone()), &[], now());
        let leaf = signing.leaf(&names(), now(), Duration::from_hours(24)).unwrap();
        Self {
            bundle: signing.certificate().pem(),
            served: leaf.chain_pem(),
            signing,
            secret,
            forbidden: Vec::new(),
            conflicts: 0,
            calls: Vec::new(),
        }
    }

    fn answer(&mut self, method: &Method, path: &str, query: &str, body: &[u8]) -> Response {
        self.calls.push((method.clone(), path.to_owned()));
        if self.forbidden.iter().any(|part| path.contains(part)) {
            return status(403, "forbidden by the test");
        }
        match (method, path) {
            (&Method::GET, SECRET) => axum_json(&self.secret),
            (&Method::PUT, SECRET) if self.conflicts > 0 => {
                self.conflicts -= 1;
                status(409, "somebody else wrote it")
            }
            (&Method::PUT, SECRET) => {
                let secret: Value = serde_json::from_slice(body).unwrap();
                assert_eq!(
                    secret["metadata"]["resourceVersion"], "7",
                    "it goes by the version that was read"
                );
                self.secret = secret;
                axum_json(&self.secret)
            }
            (&Method::GET, REGISTRATION) => axum_json(&json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": "pod-identity-webhook"},
                "webhooks": [{"name": "iam-for-pods.amazonaws.com",
                    "clientConfig": {"service": {"name": "pod-identity-webhook", "namespace": "eks"}, "caBundle": STANDARD.encode(&self.bundle)}}],
            })),
            (&Method::GET, "/api/v1/namespaces/eks/services/pod-identity-webhook") => axum_json(&json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": "pod-identity-webhook", "namespace": "eks"},
                "spec": {"selector": {"app.kubernetes.io/name": "webhook", "a": "b"}},
            })),
            (&Method::GET, PODS) => {
                assert!(
                    query.contains("labelSelector=a%3Db%2Capp.kubernetes.io%2Fname%3Dwebhook"),
                    "{query}"
                );
                axum_json(&json!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": [
                    pod("webhook-a", "Running", "True"), pod("webhook-done", "Succeeded", "False"),
                ]}))
            }
            (&Method::GET, "/api/v1/namespaces/eks/pods/webhook-a:9998/proxy/certificate") => {
                self.served.clone().into_response()
            }
            _ => status(404, "not found"),
        }
    }
}

fn pod(name: &str, phase: &str, ready: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "eks"},
        "spec": {"containers": [{"name": "webhook", "ports": [
            {"name": "https", "containerPort": 8443}, {"name": "metrics", "containerPort": 9998}]}]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
    })
}

fn axum_json(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

fn status(code: u16, message: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": "Reason", "message": message});
    (StatusCode::from_u16(code).unwrap(), axum_json(&body)).into_response()
}

async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let query = head.uri.query().unwrap_or_default();
    world.lock().unwrap().answer(&head.method, head.uri.path(), query, &body)
}

impl Cluster {
    /// Serves on a thread of its own, for the test blocks on the program.
    fn start(world: World) -> Self {
        let world = Arc::new(Mutex::new(world));
        let router = Router::new().fallback(answer).with_state(world.clone());
        Self { world, url: format!("http://127.0.0.1:{}", serve(router)) }
    }

    fn run(&self, args: &[&str]) -> Run {
        run([&["certificates", "--kube-api", &self.url], args].concat())
    }

    /// The report as JSON, with the exit code.
    fn report(&self, args: &[&str]) -> (i32, Value) {
        let run = self.run(&[&["--output=json"], args].concat());
        assert_eq!(run.stderr, "");
        (run.code, serde_json::from_str(&run.stdout).expect(&run.stdout))
    }

    fn writes(&self) -> usize {
        self.world.lock().unwrap().calls.iter().filter(|(method, _)| method == Method::PUT).count()
    }
}

/// Serves on a free port of the loopback address until the tests end.
fn serve(router: Router) -> u16 {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            loop {
                let connection = TokioIo::new(listener.accept().await.unwrap().0);
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(connection, service),
                );
            }
        });
    });
    told.recv().unwrap()
}

/// The words for what is wrong.
fn reasons(report: &Value) -> Vec<&str> {
    report["problems"].as_array().unwrap().iter().map(|problem| problem["reason"].as_str().unwrap()).collect()
}

#[test]
fn cluster_in_which_all_is_well_is_told_so() {
    let cluster = Cluster::start(World::well());
    let text = cluster.run(&[]).printed();
    assert!(text.ends_with("\nAll is well.\n"), "{text}");
    assert!(text.contains("  webhook-a, ready\n") && text.contains("accepted by every entry"), "{text}");
    assert!(!text.contains("webhook-done"), "a pod that has ended serves nothing");
    assert_eq!(cluster.writes(), 0);
    let (code, report) = cluster.report(&[]);
    assert_eq!((code, &report["allWell"], &report["partial"]), (0, &json!(true), &json!(false)));
    let serial = cluster.world.lock().unwrap().signing.certificate().serial().to_owned();
    assert_eq!(report["secret"]["signing"]["serial"], json!(serial));
    assert_eq!(report["registration"]["entries"][0]["trusts"], json!([serial]));
    assert_eq!(report["service"]["replicas"][0]["certificate"]["authority"], json!(serial));
    for key in ["PRIVATE", "ca.key"] {
        assert!(!report.to_string().contains(key));
    }
}

#[test]
fn cluster_in_which_something_is_wrong_is_told_what_and_what_to_do() {
    let mut world = World::well();
    let foreign = Authority::make(&names(), now(), LIFE).unwrap();
    world.bundle = foreign.certificate().pem();
    let cluster = Cluster::start(world);
    let (code, report) = cluster.report(&[]);
    assert_eq!(code, 1);
    assert_eq!(reasons(&report), ["AuthorityMissing", "AuthorityUnknown", "CertificateRefused"]);
    let run = cluster.run(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    assert!(
        run.stdout.contains("\n3 problems:\n\n1. The caBundle of iam-for-pods.amazonaws.com lacks "),
        "{}",
        run.stdout
    );
    // Of other names there is nothing, and each is said.
    let (code, report) =
        cluster.report(&["--tls-secret=x", "--webhook-configuration=x", "--service-name=y", "--namespace=z"]);
    assert_eq!(code, 1);
    assert_eq!(reasons(&report), ["SecretMissing", "RegistrationMissing", "ServiceMissing"]);
}

#[test]
fn replica_that_answers_without_an_end_is_given_up() {
    let mut world = World::well();
    // The largest answer that is read, and one byte more.
    world.served.push_str(&"\n".repeat((2 << 20) - world.served.len()));
    let cluster = Cluster::start(world);
    assert_eq!(cluster.report(&[]).0, 0);
    cluster.world.lock().unwrap().served.push('\n');
    let (code, report) = cluster.report(&[]);
    assert_eq!((code, reasons(&report)), (1, vec!["CertificateUnreadable"]));
    let told = report["problems"][0]["problem"].as_str().unwrap();
    assert!(told.ends_with(": the answer does not end after 2048 KiB"), "{told}");
}

#[test]
fn api_server_that_does_not_answer_is_a_problem() {
    let answer = run(["certificates", "--kube-api=http://127.0.0.1:1", "-o", "json"]);
    assert_eq!(answer.code, 1);
    let report: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(reasons(&report), ["SecretUnreadable", "RegistrationUnreadable", "ReplicasUnreadable"]);
    let line = run(["certificates"]).refused(1);
    assert!(line.starts_with("failed to read the in-cluster configuration: "), "{line}");
}

#[test]
fn pods_that_may_not_be_read_are_a_note_and_this_pod_is_asked() {
    let mut world = World::well();
    world.forbidden.push("/pods");
    let served = world.served.clone();
    let cluster = Cluster::start(world);
    let own = serve(Router::new().route("/certificate", axum::routing::get(async move || served)));
    let port = format!("--metrics-port={own}");
    let text = cluster.run(&[&port]).printed();
    assert!(text.ends_with("\nAll is well, as far as it could be read.\n"), "{text}");
    assert!(text.contains("  this pod\n") && text.contains("accepted by every entry"), "{text}");
    let text = cluster.run(&["--metrics-port=1"]).printed();
    assert!(text.contains("Note: this pod serves no certificate at 127.0.0.1 either: "), "{text}");
    // Pods may be listed, and not be asked through the API server.
    cluster.world.lock().unwrap().forbidden = vec!["/proxy"];
    let (code, report) = cluster.report(&[&port]);
    assert_eq!((code, &report["allWell"], &report["partial"]), (0, &json!(true), &json!(true)));
    let replicas = report["service"]["replicas"].as_array().unwrap();
    assert_eq!((&replicas[0]["pod"], &replicas[0]["certificate"]), (&json!("webhook-a"), &Value::Null));
    assert_eq!((&replicas[1]["pod"], &replicas[1]["ready"]), (&Value::Null, &Value::Null));
}

#[test]
fn rotation_announces_one_authority_and_no_second_one() {
    let cluster = Cluster::start(World::well());
    let before = cluster.world.lock().unwrap().secret.clone();
    let text = cluster.run(&["--rotate", "--authority-lifetime=2000h"]).printed();
    assert_eq!(cluster.writes(), 1);
    let after = cluster.world.lock().unwrap().secret.clone();
    let next = after["data"]["next-ca.crt"].as_str().unwrap();
    let next = Certificate::of_pem(&String::from_utf8(STANDARD.decode(next).unwrap()).unwrap()).unwrap();
    assert!(text.starts_with(&format!("The next authority {} is announced. ", next.serial())), "{text}");
    assert!((next.not_after() - now() - 2000 * 3600).abs() < 60);
    for key in ["ca.crt", "kept"] {
        assert_eq!(after["data"][key], before["data"][key]);
    }
    let text = cluster.run(&["--rotate"]).printed();
    assert_eq!(text, "A rotation is under way already: nothing was changed.\n");
    let (code, answer) = cluster.report(&["--rotate"]);
    assert_eq!((code, answer), (0, json!({"rotation": "underWay"})));
    assert_eq!(cluster.writes(), 1);
    // Replicas have not put it into the bundle yet.
    assert_eq!(reasons(&cluster.report(&[]).1), ["AuthorityMissing"]);
}

#[test]
fn rotation_that_somebody_else_outruns_is_tried_again() {
    let mut world = World::well();
    world.conflicts = 2;
    let cluster = Cluster::start(world);
    let (code, answer) = cluster.report(&["--rotate"]);
    assert_eq!((code, &answer["rotation"], cluster.writes()), (0, &json!("announced"), 3));
    let mut world = World::well();
    world.conflicts = 100;
    let cluster = Cluster::start(world);
    let line = cluster.run(&["--rotate"]).refused(1);
    assert!(line.contains("was changed by somebody else 5 times in between: nothing was rotated"), "{line}");
}

#[test]
fn rotation_without_an_authority_changes_nothing() {
    let mut world = World::well();
    world.secret["data"] = json!({});
    let cluster = Cluster::start(world);
    let line = cluster.run(&["--rotate"]).refused(1);
    assert!(
        line.starts_with("Secret eks/pod-identity-webhook has no authority that signs: start a replica"),
        "{line}"
    );
    let line = cluster.run(&["--rotate", "--tls-secret=x"]).refused(1);
    assert!(line.starts_with("there is no Secret eks/x: make it, empty"), "{line}");
    cluster.world.lock().unwrap().forbidden.push("/secrets");
    let line = cluster.run(&["--rotate"]).refused(1);
    assert!(line.starts_with("failed to read Secret eks/pod-identity-webhook: 403 "), "{line}");
    assert_eq!(cluster.writes(), 0);
}

#[test]
fn flags_that_cannot_be_used_are_named() {
    for (flag, value, allowed) in [
        ("--tls-secret", "../x", "expected the name of an object: small letters, digits, - and ."),
        ("--authority-lifetime", "30s", "expected at least 1h"),
        ("--metrics-port", "0", "expected a whole number from 1 to 65535"),
        ("--output", "yaml", "expected text or json"),
    ] {
        let line = run(["certificates", &format!("{flag}={value}")]).refused(2);
        assert_eq!(line, format!("invalid value '{value}' for '{flag}': {allowed}"));
    }
}

#[tokio::test]
async fn served_chain_is_at_the_metrics_port_without_its_key() {
    let process = Process::start(&[]).await;
    let answer = process.admin("/certificate").await;
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let chain = Certificate::of_bundle(text.as_bytes());
    assert_eq!(chain.len(), 1);
    assert_eq!(text, chain[0].pem(), "nothing but the certificate");
    let expiry = process.metric("pod_identity_webhook_certificate_expiry_timestamp_seconds").await.unwrap();
    #[allow(clippy::cast_precision_loss, reason = "the metric is such a number")]
    let not_after = chain[0].not_after() as f64;
    assert!((expiry - not_after).abs() < 1.0);
    // The webhook's port shows it by its handshake.
    assert_eq!(process.client.send(get("/certificate")).await.status, 404);
}
