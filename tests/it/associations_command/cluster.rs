//! An API server that has associations and takes writes as kube-apiserver does: by resourceVersion, with dry runs, and
//! with refusals on cue.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use crate::support::program::{Run, run_with};

pub const ROLE: &str = "arn:aws:iam::111122223333:role/orders";
pub const OTHER: &str = "arn:aws:iam::444455556666:role/other";

const GROUP: &str = "pod-identity-webhook.dev";
const VERSION: &str = "v1alpha1";
const PLURAL: &str = "podidentityassociations";

/// What the API server has, and how it fails.
#[derive(Default)]
pub struct World {
    /// By group, namespace and name.
    objects: BTreeMap<(String, String, String), Value>,
    version: u64,
    pub is_defined: bool,
    /// Verbs that are refused.
    pub forbidden: Vec<&'static str>,
    /// Whether lists of all namespaces are refused.
    pub forbidden_everywhere: bool,
    /// How many writes lose against somebody else's, who adds a tag.
    pub conflicts: usize,
    /// How many requests are refused as too many.
    pub busy: usize,
    /// Whether somebody makes what is to be made a moment before, and deletes it a moment later.
    pub is_vanishing: bool,
    /// What the API server warns of in each write.
    pub warning: Option<&'static str>,
    /// The namespaces that there are.
    pub namespaces: Vec<&'static str>,
    pub calls: Vec<String>,
}

/// An API server, and a kubeconfig for it whose context has the namespace shop.
#[derive(Clone)]
pub struct Cluster {
    pub world: Arc<Mutex<World>>,
    kubeconfig: Arc<tempfile::TempDir>,
}

impl Cluster {
    /// Serves on a thread of its own, for the test blocks on the program.
    pub fn start() -> Self {
        let world = World { is_defined: true, namespaces: vec!["shop", "other"], ..World::default() };
        let world = Arc::new(Mutex::new(world));
        let router = Router::new().fallback(answer).with_state(world.clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || serve(listener, &router));
        let kubeconfig = tempfile::TempDir::new().unwrap();
        let text = format!(
            "current-context: x\nclusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
             contexts: [{{name: x, context: {{cluster: c, namespace: shop}}}}]\n"
        );
        std::fs::write(kubeconfig.path().join("config"), text).unwrap();
        Self { world, kubeconfig: Arc::new(kubeconfig) }
    }

    /// The path of the kubeconfig.
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig.path().join("config").display().to_string()
    }

    /// Runs `associations` with the kubeconfig in KUBECONFIG.
    pub fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, &[], "")
    }

    /// The same with these variables too, and this on standard input.
    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)], input: &str) -> Run {
        let kubeconfig = self.kubeconfig();
        let own = [("KUBECONFIG", kubeconfig.as_str())];
        run_with([&["associations"], args].concat(), &[&own, variables].concat(), input.as_bytes())
    }

    /// Makes or replaces an object of this group.
    pub fn put_of(&self, group: &str, namespace: &str, name: &str, body: Value) {
        let mut world = self.lock();
        world.version += 1;
        let mut object = body;
        object["metadata"] = json!({
            "namespace": namespace, "name": name, "uid": format!("uid-{namespace}-{name}"),
            "resourceVersion": world.version.to_string(), "creationTimestamp": "2026-01-02T03:04:05Z", "generation": 1,
            "managedFields": [{"manager": "kubectl", "time": "2026-01-02T03:04:06Z"}],
        });
        world.objects.insert((group.to_owned(), namespace.to_owned(), name.to_owned()), object);
    }

    /// Makes or replaces an association.
    pub fn put(&self, namespace: &str, name: &str, spec: &Value) {
        self.put_of(GROUP, namespace, name, json!({ "spec": spec }));
    }

    /// What an association says.
    pub fn spec(&self, namespace: &str, name: &str) -> Value {
        let key = (GROUP.to_owned(), namespace.to_owned(), name.to_owned());
        self.lock().objects.get(&key).map_or(Value::Null, |object| object["spec"].clone())
    }

    /// The object of an association.
    pub fn change(&self, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let key = (GROUP.to_owned(), namespace.to_owned(), name.to_owned());
        change(self.lock().objects.get_mut(&key).unwrap());
    }

    /// The requests that were made since this was last asked, as `VERB PATH`.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().calls)
    }

    pub fn lock(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

/// Serves until the tests end.
pub fn serve(listener: TcpListener, router: &Router) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let connection = TokioIo::new(listener.accept().await.unwrap().0);
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(connection, service));
        }
    });
}

async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let query = head.uri.query().unwrap_or_default();
    world.lock().unwrap().answer(&head.method, head.uri.path(), query, &body)
}

impl World {
    fn answer(&mut self, method: &Method, path: &str, query: &str, body: &[u8]) -> Response {
        let segments: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let is_dry = query.contains("dryRun=All");
        match segments.as_slice() {
            ["apis", group] if self.serves(group) => {
                let version = json!({"groupVersion": format!("{group}/{VERSION}"), "version": VERSION});
                json_answer(
                    &json!({"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": [version]}),
                )
            }
            ["apis", group, VERSION] if self.serves(group) => json_answer(&json!({
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{VERSION}"),
                "resources": [{"name": PLURAL, "singularName": "", "namespaced": true, "kind": "PodIdentityAssociation", "verbs": []}],
            })),
            ["apis", group, VERSION, rest @ ..] if self.serves(group) => {
                let (namespace, name) = match rest {
                    [PLURAL] => (None, None),
                    ["namespaces", namespace, PLURAL] => (Some(*namespace), None),
                    ["namespaces", namespace, PLURAL, name] => (Some(*namespace), Some(*name)),
                    _ => return status(404, "NotFound", "no such path"),
                };
                let verb = match (method, name) {
                    (&Method::GET, None) => "list",
                    (&Method::GET, Some(_)) => "get",
                    (&Method::POST, _) => "create",
                    (&Method::PUT, _) => "update",
                    (&Method::DELETE, _) => "delete",
                    _ => return status(405, "MethodNotAllowed", "no such method"),
                };
                self.calls.push(format!("{verb} {}{}", rest.join("/"), if is_dry { " dry" } else { "" }));
                if self.busy > 0 {
                    self.busy -= 1;
                    return status(429, "TooManyRequests", "the test wants it so");
                }
                let is_everywhere = verb == "list" && namespace.is_none();
                if self.forbidden.contains(&verb) || self.forbidden_everywhere && is_everywhere {
                    let message =
                        format!("{PLURAL}.{GROUP} is forbidden: User \"me\" cannot {verb} resource");
                    return status(403, "Forbidden", &message);
                }
                self.associations(verb, group, namespace, name, is_dry, body)
            }
            _ => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        }
    }

    fn serves(&self, group: &str) -> bool {
        (group == GROUP && self.is_defined)
            || self.objects.keys().any(|(other, ..)| group != GROUP && other == group)
    }

    fn associations(
        &mut self,
        verb: &str,
        group: &str,
        namespace: Option<&str>,
        name: Option<&str>,
        is_dry: bool,
        body: &[u8],
    ) -> Response {
        if verb == "list" {
            let is_in = |(of, inside, _): &&(String, String, String)| {
                of == group && namespace.is_none_or(|namespace| namespace == inside)
            };
            let items: Vec<_> =
                self.objects.iter().filter(|(key, _)| is_in(key)).map(|(_, object)| object).collect();
            return json_answer(&json!({
                "apiVersion": format!("{group}/{VERSION}"), "kind": "PodIdentityAssociationList",
                "metadata": {"resourceVersion": "1"}, "items": items,
            }));
        }
        let mut sent: Value = serde_json::from_slice(body).unwrap_or_default();
        let name = name.or_else(|| sent.pointer("/metadata/name")?.as_str()).unwrap_or_default().to_owned();
        let namespace = namespace.unwrap_or_default();
        let key = (group.to_owned(), namespace.to_owned(), name.clone());
        let found = self.objects.get(&key).cloned();
        match (verb, found) {
            ("get", Some(object)) => one(&object),
            ("get" | "update" | "delete", None) => status(404, "NotFound", &format!("{name} not found")),
            ("create", _) if !self.namespaces.contains(&namespace) => {
                let message = format!("namespaces \"{namespace}\" not found");
                let mut answer = status_body(404, "NotFound", &message);
                answer["details"] = json!({"kind": "namespaces", "name": namespace});
                (StatusCode::NOT_FOUND, json_answer(&answer)).into_response()
            }
            // As of an API server that has lost the kind meanwhile.
            ("create", None) if name == "lost" => status(404, "NotFound", "404 page not found"),
            ("create", None) if self.is_vanishing => {
                status(409, "AlreadyExists", &format!("{name} already exists"))
            }
            ("create", Some(_)) => status(409, "AlreadyExists", &format!("{name} already exists")),
            ("update" | "delete", Some(mut object)) if self.conflicts > 0 => {
                self.conflicts -= 1;
                self.version += 1;
                object["spec"]["tags"][format!("by-another-{}", self.version)] = json!("x");
                object["metadata"]["resourceVersion"] = json!(self.version.to_string());
                self.objects.insert(key, object);
                status(409, "Conflict", "the object has been modified")
            }
            ("update", Some(object))
                if sent["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] =>
            {
                status(409, "Conflict", "the object has been modified")
            }
            ("delete", Some(object)) => {
                assert_eq!(sent["preconditions"]["uid"], object["metadata"]["uid"]);
                if !is_dry {
                    self.objects.remove(&key);
                }
                json_answer(&json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
            }
            ("create" | "update", _)
                if sent["spec"]["roleArn"] == "arn:aws:iam::111122223333:role/denied" =>
            {
                status(422, "Invalid", "the webhook does not allow the role")
            }
            (_, found) => {
                self.version += 1;
                let mut metadata = found.map_or_else(
                    || json!({"uid": format!("uid-{namespace}-{name}"), "creationTimestamp": "2026-01-02T03:04:05Z", "generation": 1}),
                    |object| object["metadata"].clone(),
                );
                for (member, value) in sent["metadata"].as_object().cloned().unwrap_or_default() {
                    metadata[member] = value;
                }
                metadata["resourceVersion"] = json!(self.version.to_string());
                sent["metadata"] = metadata;
                if !is_dry {
                    self.objects.insert(key, sent.clone());
                }
                let mut answer = one(&sent);
                if let Some(warning) = self.warning {
                    let warning = format!("299 - \"{warning}\"").parse().unwrap();
                    answer.headers_mut().insert("warning", warning);
                }
                answer
            }
        }
    }
}

/// One object, with its kind.
fn one(object: &Value) -> Response {
    let mut object = object.clone();
    object["apiVersion"] = json!(format!("{GROUP}/{VERSION}"));
    object["kind"] = json!("PodIdentityAssociation");
    json_answer(&object)
}

pub fn json_answer(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

fn status_body(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

fn status(code: u16, reason: &str, message: &str) -> Response {
    (StatusCode::from_u16(code).unwrap(), json_answer(&status_body(code, reason, message))).into_response()
}
