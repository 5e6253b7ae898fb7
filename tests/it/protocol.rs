//! The admission protocol: how a review is asked for, and what is answered.

use http::{Method, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::client::{Answer, get, post};
use crate::support::process::Process;
use crate::support::raw::Raw;
use crate::support::reviews::{WORLD, body, edited, review, with};
use crate::support::server::Server;

async fn server() -> Server {
    Server::on_manifests([WORLD, "--shutdown-delay=0"]).await
}

async fn mutate(server: &Server, body: impl Into<Bytes>) -> Answer {
    server.client.post("/mutate?timeout=10s", body).await
}

/// The patch of an answer that has one, still in base64.
async fn patch(server: &Server, body: impl Into<Bytes>) -> Value {
    let answer = mutate(server, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    let patch = answer.json()["response"]["patch"].take();
    assert!(patch.is_string(), "{:?}", answer.body);
    patch
}

#[tokio::test]
async fn answers_in_the_version_it_was_asked_in() {
    let server = server().await;
    for version in ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"] {
        let answer = mutate(&server, with("/apiVersion", json!(version))).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "application/json");
        let answer = answer.json();
        assert_eq!(answer["apiVersion"], version);
        assert_eq!(answer["kind"], "AdmissionReview");
        assert_eq!(answer["response"]["uid"], review("orders")["request"]["uid"]);
        assert_eq!(answer["response"]["allowed"], true);
        assert_eq!(answer["response"]["patchType"], "JSONPatch");
    }
    server.stop().await;
}

#[tokio::test]
async fn refuses_every_method_but_post() {
    let server = server().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let mut request = post("/mutate", body("orders"));
        *request.method_mut() = method;
        let answer = server.client.send(request).await;
        answer.assert_status(405, "MethodNotAllowed");
        assert_eq!(answer.header("allow"), "POST");
    }
    server.stop().await;
}

#[tokio::test]
async fn reads_json_alone_by_its_content_type() {
    let server = server().await;
    let send = async |content_type: Option<&str>| {
        let mut request = post("/mutate", body("orders"));
        match content_type {
            Some(value) => drop(request.headers_mut().insert("Content-Type", value.parse().unwrap())),
            None => drop(request.headers_mut().remove("Content-Type")),
        }
        server.client.send(request).await
    };
    for accepted in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(send(Some(accepted)).await.status, StatusCode::OK, "{accepted}");
    }
    for refused in ["application/yaml", "application/jsonx", "text/plain", "text/json", ""] {
        send(Some(refused)).await.assert_status(415, "UnsupportedMediaType");
    }
    send(None).await.assert_status(415, "UnsupportedMediaType");
    server.stop().await;
}

#[tokio::test]
async fn takes_null_for_an_empty_list() {
    let server = server().await;
    let spec = json!({
        "serviceAccountName": "orders", "volumes": null, "initContainers": null, "nodeSelector": null,
        "containers": [{"name": "app", "env": null, "envFrom": null, "volumeMounts": null}],
    });
    patch(&server, with("/request/object/spec", spec)).await;
    let nothing = json!({"serviceAccountName": "orders", "containers": null, "ephemeralContainers": null});
    patch(&server, with("/request/object/spec", nothing)).await;
    let metadata = json!({"name": null, "labels": null, "annotations": null, "namespace": null});
    patch(&server, with("/request/object/metadata", metadata)).await;
    server.stop().await;
}

#[tokio::test]
async fn escaped_strings_and_names_mean_what_they_say() {
    let server = server().await;
    let plain = patch(&server, body("orders")).await;
    let name = edited("\"serviceAccountName\":\"orders\"", "\"serviceAccountN\\u0061me\":\"\\u006frders\"");
    assert_eq!(patch(&server, name).await, plain);
    let decision = edited("\"operation\":\"CREATE\"", "\"oper\\u0061tion\":\"CRE\\u0041TE\"");
    assert_eq!(patch(&server, decision).await, plain);
    server.stop().await;
}

#[tokio::test]
async fn order_of_members_does_not_matter() {
    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(
                members.iter().rev().map(|(name, value)| (name.clone(), reversed(value))).collect(),
            ),
            Value::Array(elements) => elements.iter().map(reversed).collect(),
            other => other.clone(),
        }
    }
    let server = server().await;
    let backwards = reversed(&review("orders")).to_string();
    assert!(backwards.find("\"object\"") < backwards.find("\"operation\""));
    assert_eq!(patch(&server, backwards).await, patch(&server, body("orders")).await);
    server.stop().await;
}

#[tokio::test]
async fn serves_probes_beside_admissions_and_nothing_else() {
    let server = server().await;
    for (path, code) in [
        ("/healthz", 200),
        ("/livez", 200),
        ("/readyz", 200),
        ("/", 404),
        ("/mutate/", 404),
        ("/metrics", 404),
        ("/debug/alpha/deny", 404),
        ("/debug/alpha/500", 404),
    ] {
        assert_eq!(server.client.send(get(path)).await.status.as_u16(), code, "{path}");
        let posted = server.client.post(path, body("orders")).await.status.as_u16();
        assert_eq!(posted == 404, code == 404, "{path}: {posted}");
    }
    server.stop().await;
}

#[tokio::test]
async fn panic_ends_one_call_and_none_beside_it() {
    let process = Process::start(&["--enable-debugging-handlers"]).await;
    let review = body("orders");
    let (first_half, second_half) = review.split_at(review.len() / 2);
    let mut neighbour = Raw::connect(&process.client).await;
    neighbour.announce("/mutate", review.len()).await;
    neighbour.write(first_half).await.unwrap();

    let mut connection = process.client.connect().await.unwrap();
    let failed = connection.send(get("/debug/alpha/500")).await.unwrap();
    failed.assert_status(500, "InternalError");
    process.logged("panic: a bug of the webhook").await;

    assert_eq!(connection.post("/mutate", review.clone()).await.unwrap().status, StatusCode::OK);
    neighbour.write(second_half).await.unwrap();
    assert!(neighbour.head().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn debug_path_denies() {
    let server = Server::on_manifests([WORLD, "--shutdown-delay=0", "--enable-debugging-handlers"]).await;
    let answer = server.client.post("/debug/alpha/deny", body("orders")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let response = answer.json()["response"].take();
    assert_eq!(response["allowed"], false);
    assert_eq!(response["uid"], review("orders")["request"]["uid"]);
    assert!(response["status"]["message"].as_str().unwrap().contains("/debug/alpha/deny"));
    let request = Request::get("/debug/alpha/deny").header("Host", "localhost").body(Full::default());
    server.client.send(request.unwrap()).await.assert_status(405, "MethodNotAllowed");
    server.stop().await;
}
