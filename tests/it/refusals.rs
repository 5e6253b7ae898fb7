//! A body that is not a review is refused without quoting what was sent, and without harm to other calls.

use http::StatusCode;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::process::Process;
use crate::support::reviews::{WORLD, body, edited, with, without};
use crate::support::server::Server;

/// A secret that must not come back, and must not be logged.
const MARKER: &str = "hunter2-7f3a";

async fn server() -> Server {
    Server::on_manifests([WORLD, "--shutdown-delay=0"]).await
}

async fn mutate(server: &Server, body: impl Into<Bytes>) -> Answer {
    server.client.post("/mutate?timeout=10s", body).await
}

#[tokio::test]
async fn what_is_no_review_is_400() {
    let server = server().await;
    let container = "/request/object/spec/containers";
    let truncated = body("orders");
    let mut not_utf8 = body("orders");
    let place = not_utf8.windows(4).position(|bytes| bytes == b"app:").unwrap();
    not_utf8[place] = 0xff;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("no JSON", b"{apiVersion: v1}".to_vec()),
        ("truncated", truncated[..truncated.len() - 1].to_vec()),
        ("trailing text", [body("orders"), b"{}".to_vec()].concat()),
        ("invalid UTF-8", not_utf8),
        ("an array", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("containers is a string", with(container, json!("app"))),
        ("env is a number", with(&format!("{container}/0"), json!({"name": "app", "env": 1}))),
        ("uid is a number", with("/request/uid", json!(1))),
        ("no request", without("", "request")),
        ("request is null", with("/request", Value::Null)),
        ("no uid", without("/request", "uid")),
        ("no object", without("/request", "object")),
        ("no apiVersion", without("", "apiVersion")),
        ("no kind", without("", "kind")),
        ("another group", with("/apiVersion", json!("authentication.k8s.io/v1"))),
        ("another kind", with("/kind", json!("TokenReview"))),
        ("containers twice", edited("\"containers\":", "\"containers\":[],\"containers\":").into_bytes()),
    ];
    for (what, body) in cases {
        let answer = mutate(&server, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {:?}", answer.body);
        answer.assert_status(400, "BadRequest");
    }
    server.stop().await;
}

#[tokio::test]
async fn refusals_and_logs_hold_nothing_of_what_was_sent() {
    let mut process = Process::start(&["-v", "6", "--shutdown-delay=0"]).await;
    let spec = "/request/object/spec";
    let container = |env: Value| with(&format!("{spec}/containers/0"), json!({"name": "app", "env": env}));
    let deceit = format!("x, expected {MARKER} at line 1 column 1");
    let bad = [
        container(json!(MARKER)),
        container(json!([MARKER])),
        container(json!([{"name": {MARKER: 1}}])),
        container(json!([{"name": "PASSWORD", "value": {MARKER: MARKER}}, MARKER])),
        container(json!(deceit)),
        with(&format!("{spec}/containers"), json!(MARKER)),
        with(spec, json!({MARKER: MARKER, "containers": 1})),
        with("/request/object", json!(MARKER)),
        with("/request/uid", json!([MARKER])),
        with("/apiVersion", json!(MARKER)),
        edited("\"status\":{}", &format!("\"password\":\"{MARKER}\",\"status\":{{{MARKER}}}")).into_bytes(),
        format!("{{\"password\":\"{MARKER}").into_bytes(),
        MARKER.into(),
    ];
    let good = container(json!([{"name": "PASSWORD", "value": MARKER}]));
    let calls = bad.len() + 1;
    for body in bad {
        let answer = process.client.post("/mutate", body).await;
        answer.assert_status(400, "BadRequest");
        assert!(!String::from_utf8_lossy(&answer.body).contains(MARKER), "{:?}", answer.body);
    }
    let answer = process.client.post("/mutate", good).await;
    assert_eq!(answer.status, StatusCode::OK);
    process.terminate();
    assert!(process.ended().await.success());
    let log = process.log();
    assert_eq!(log.iter().filter(|line| line.contains(" admission ")).count(), calls, "{log:#?}");
    let leaks: Vec<_> = log.iter().filter(|line| line.contains(MARKER)).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test]
async fn deep_nesting_harms_nobody() {
    let server = server().await;
    let mut connection = server.client.connect().await.unwrap();
    for (open, close) in [("[", "]"), ("{\"request\":", "}")] {
        let deep = open.repeat(100_000) + "1" + &close.repeat(100_000);
        let in_a_field_that_is_read = edited("\"orders\"", &deep);
        for body in [open.repeat(100_000), deep.clone(), in_a_field_that_is_read] {
            let answer = connection.post("/mutate", body).await.unwrap();
            answer.assert_status(400, "BadRequest");
        }
        let in_a_field_that_is_not = edited("\"resources\":{}", &format!("\"resources\":{deep}"));
        let answer = connection.post("/mutate", in_a_field_that_is_not).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    }
    let set_aside = in_front(&("[".repeat(100_000) + &"]".repeat(100_000)));
    connection.post("/mutate", set_aside).await.unwrap().assert_status(400, "BadRequest");
    assert_eq!(connection.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
    server.stop().await;
}

/// The review with this as its object, before what says how the object is to be read.
fn in_front(object: &str) -> String {
    String::from_utf8(without("/request", "object"))
        .unwrap()
        .replace("\"request\":{", &format!("\"request\":{{\"object\":{object},"))
}

#[tokio::test]
async fn long_names_do_not_fill_the_log() {
    let mut process = Process::start(&["--shutdown-delay=0"]).await;
    let long = json!("x".repeat(200_000));
    for pointer in ["/request/uid", "/request/namespace", "/request/object/spec/serviceAccountName"] {
        assert_eq!(process.client.post("/mutate", with(pointer, long.clone())).await.status, StatusCode::OK);
    }
    process.terminate();
    assert!(process.ended().await.success());
    let longest = process.log().iter().map(String::len).max();
    assert!(longest < Some(4096), "{longest:?}");
}
