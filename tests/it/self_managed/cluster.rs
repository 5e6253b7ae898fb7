//! A cluster of one Secret, one registration and their events, without a socket: time can be paused. It answers as an
//! API server does, optimistic concurrency included, and shows whom its webhooks trust.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use pod_identity_webhook::certificates::self_managed::Certificate;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

pub const SECRET: &str = "/api/v1/namespaces/eks/secrets/authority";
pub const REGISTRATION: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/webhook.eks";
pub const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/eks/events";

/// How long an API server goes by what a registration said before.
pub const LAG: Duration = Duration::from_millis(800);

#[derive(Clone)]
pub struct Cluster(Arc<Mutex<State>>);

struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    /// What the registration was, and since when.
    registrations: Vec<(Instant, Value)>,
    /// Requests that are refused: method, part of the path, code.
    refused: Vec<(Method, String, u16)>,
    /// What an answer says of the time.
    date: Option<String>,
    /// A number that differs from call to call, for pauses.
    seed: u64,
    calls: Vec<(Method, String, u16)>,
    /// A part of the path of requests that are never answered.
    hanging: Option<String>,
}

impl Cluster {
    /// With an empty Secret, and a registration of entries of these names.
    pub fn new(entries: &[&str]) -> Self {
        let state = State {
            objects: BTreeMap::new(),
            version: 0,
            registrations: Vec::new(),
            refused: Vec::new(),
            date: None,
            seed: 1,
            calls: Vec::new(),
            hanging: None,
        };
        let cluster = Self(Arc::new(Mutex::new(state)));
        cluster.put(SECRET, secret(&json!({})));
        cluster.put(REGISTRATION, registration(entries));
        cluster
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        let cluster = self.clone();
        Client::new(tower::service_fn(move |request| cluster.clone().answer(request)), "eks")
    }

    /// Replaces an object, whatever it was.
    pub fn put(&self, path: &str, mut object: Value) {
        let mut state = self.0.lock().unwrap();
        state.store(path, &mut object);
    }

    /// Changes an object.
    pub fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(path).unwrap();
        change(&mut object);
        self.put(path, object);
    }

    pub fn delete(&self, path: &str) {
        let mut state = self.0.lock().unwrap();
        state.objects.remove(path);
        if path == REGISTRATION {
            state.registrations.clear();
        }
    }

    pub fn get(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().objects.get(path).cloned()
    }

    /// The objects whose paths begin so.
    pub fn all(&self, path: &str) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        state
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(path))
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// Refuses such requests from now on.
    pub fn refuse(&self, method: Method, path: &str, code: u16) {
        self.0.lock().unwrap().refused.push((method, path.to_owned(), code));
    }

    /// Answers such requests no more.
    pub fn hang(&self, path: &str) {
        self.0.lock().unwrap().hanging = Some(path.to_owned());
    }

    /// Refuses nothing any longer.
    pub fn allow(&self) {
        self.0.lock().unwrap().refused.clear();
    }

    /// What the API server's clock says.
    pub fn set_date(&self, date: Option<String>) {
        self.0.lock().unwrap().date = date;
    }

    /// The calls so far: method, path, code.
    pub fn calls(&self) -> Vec<(Method, String, u16)> {
        self.0.lock().unwrap().calls.clone()
    }

    /// The bundle of each entry, as the API servers may know it now: as it is, and as it was until [`LAG`] ago.
    pub fn known_bundles(&self) -> Vec<Vec<Certificate>> {
        let state = self.0.lock().unwrap();
        let now = Instant::now();
        let all = state.registrations.iter().enumerate();
        let known = all.filter(|(index, _)| {
            let replaced = state.registrations.get(index + 1).map(|(at, _)| *at);
            replaced.is_none_or(|at| now.duration_since(at) < LAG)
        });
        known.flat_map(|(_, (_, registration))| bundles(registration)).collect()
    }

    async fn answer(self, request: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let path = head.uri.path().to_owned();
        let hangs = |part: &String| path.contains(part.as_str());
        if self.0.lock().unwrap().hanging.as_ref().is_some_and(hangs) {
            std::future::pending::<()>().await;
        }
        // Before and after the work, so that requests of several clients overlap in every way.
        self.pause().await;
        let (code, answer) = self.0.lock().unwrap().work(&head.method, &path, &body);
        self.pause().await;
        let mut response = Response::builder().status(code);
        let mut state = self.0.lock().unwrap();
        if let Some(date) = &state.date {
            response = response.header("date", date);
        }
        state.calls.push((head.method, path, code));
        Ok(response.body(Body::from(answer.to_string().into_bytes())).unwrap())
    }

    async fn pause(&self) {
        let millis = {
            let mut state = self.0.lock().unwrap();
            state.seed =
                state.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.seed >> 33
        };
        sleep(Duration::from_millis(millis % 20)).await;
    }
}

impl State {
    fn store(&mut self, path: &str, object: &mut Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(path.to_owned(), object.clone());
        if path == REGISTRATION {
            self.registrations.push((Instant::now(), object.clone()));
        }
    }

    fn work(&mut self, method: &Method, path: &str, body: &[u8]) -> (u16, Value) {
        let refused = |(of, part, _): &&(Method, String, u16)| of == method && path.contains(part.as_str());
        if let Some((_, _, code)) = self.refused.iter().find(refused) {
            return status(*code);
        }
        let mut object: Value = serde_json::from_slice(body).unwrap_or_default();
        let stored = self.objects.get(path).cloned();
        match (method, stored) {
            (&Method::GET, Some(stored)) => (200, stored),
            (&Method::POST, _) => {
                let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
                if self.objects.contains_key(&path) {
                    return status(409);
                }
                self.store(&path, &mut object);
                (201, object)
            }
            (&Method::PUT, Some(stored)) => {
                if stored["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
                    return status(409);
                }
                self.store(path, &mut object);
                (200, object)
            }
            _ => status(404),
        }
    }
}

fn status(code: u16) -> (u16, Value) {
    let reason = StatusCode::from_u16(code).unwrap().to_string();
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "code": code, "reason": reason, "message": "as the test wants it",
    });
    (code, status)
}

/// The Secret with this data.
pub fn secret(data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "authority", "namespace": "eks", "labels": {"kept": "yes"}},
        "data": data,
    })
}

/// A registration with entries of these names, which trust nobody yet.
pub fn registration(entries: &[&str]) -> Value {
    let entry = |name: &&str| json!({"name": name, "futureField": {"kept": true}, "clientConfig": {"service": {"name": "webhook", "namespace": "eks"}}});
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "webhook.eks"},
        "webhooks": entries.iter().map(entry).collect::<Vec<_>>(),
    })
}

/// The certificates that each entry trusts.
pub fn bundles(registration: &Value) -> Vec<Vec<Certificate>> {
    let entries = registration["webhooks"].as_array().unwrap();
    let bundle = |entry: &Value| {
        let text = entry["clientConfig"]["caBundle"].as_str().unwrap_or_default();
        Certificate::of_bundle(&STANDARD.decode(text).unwrap_or_default())
    };
    entries.iter().map(bundle).collect()
}
