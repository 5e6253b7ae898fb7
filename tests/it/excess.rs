//! Pods at the bounds of what is looked at, and one beyond each.

use serde_json::{Value, json};

use crate::support::client::patch;
use crate::support::reviews::{WORLD, review};
use crate::support::server::Server;

/// A kind of element that a pod has a number of.
struct Kind {
    what: &'static str,
    most: usize,
    put: fn(&mut Value, usize),
}

fn repeat(count: usize, one: impl Fn(usize) -> Value) -> Value {
    (0..count).map(one).collect()
}

fn container(number: usize) -> Value {
    json!({"name": format!("c{number}")})
}

const KINDS: [Kind; 7] = [
    Kind {
        what: "the pod has more than 1000 containers",
        most: 1_000,
        put: |pod, count| pod["spec"]["containers"] = repeat(count, container),
    },
    Kind {
        what: "the pod has more than 1000 containers",
        most: 1_000,
        put: |pod, count| {
            pod["spec"]["initContainers"] = repeat(count / 2, container);
            pod["spec"]["containers"] = repeat(count - count / 2, container);
        },
    },
    Kind {
        what: "the pod has more than 1000 volumes",
        most: 1_000,
        put: |pod, count| {
            pod["spec"]["volumes"] =
                repeat(count, |number| json!({"name": format!("v{number}"), "emptyDir": {}}));
        },
    },
    Kind {
        what: "the pod's volumes hold more than 1000 tokens",
        most: 1_000,
        put: |pod, count| {
            let sources =
                repeat(count, |number| json!({"serviceAccountToken": {"path": format!("t{number}")}}));
            pod["spec"]["volumes"] = json!([{"name": "tokens", "projected": {"sources": sources}}]);
        },
    },
    Kind {
        what: "the pod has more than 10000 volume mounts",
        most: 10_000,
        put: |pod, count| {
            let mount = |number| json!({"name": "v", "mountPath": format!("/m/{number}")});
            pod["spec"]["containers"][0]["volumeMounts"] = repeat(count / 2, mount);
            let other = json!({"name": "other", "volumeMounts": repeat(count - count / 2, mount)});
            pod["spec"]["containers"].as_array_mut().unwrap().push(other);
        },
    },
    Kind {
        what: "an annotation of the pod names more than 1000 containers",
        most: 1_000,
        put: |pod, count| {
            annotate(
                pod,
                "skip-containers",
                &(0..count).map(|number| format!("x{number}")).collect::<Vec<_>>(),
            )
        },
    },
    Kind {
        what: "an annotation of the pod names more than 1000 containers",
        most: 1_000,
        put: |pod, count| {
            let mut names: Vec<_> = (1..count).map(|number| format!("x{number}")).collect();
            names.push("app".to_owned());
            annotate(pod, "inject-containers", &names);
        },
    },
];

fn annotate(pod: &mut Value, annotation: &str, names: &[String]) {
    pod["metadata"]["annotations"] = json!({format!("eks.amazonaws.com/{annotation}"): names.join(",")});
}

async fn answer(server: &Server, review: &Value) -> Value {
    let answer = server.client.post("/mutate", serde_json::to_vec(review).unwrap()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()["response"].clone()
}

/// The review of a pod with this many elements.
fn with(kind: &Kind, count: usize, account: &str) -> Value {
    let mut review = review(account);
    (kind.put)(&mut review["request"]["object"], count);
    review
}

#[tokio::test]
async fn pod_at_a_bound_gets_its_identity_and_one_beyond_is_left_as_it_is() {
    let server = Server::on_manifests([WORLD, "--shutdown-delay=0"]).await;
    for kind in &KINDS {
        for account in ["orders", "cart"] {
            let at = answer(&server, &with(kind, kind.most, account)).await;
            assert_eq!(at["auditAnnotations"]["outcome"], "injected", "{}", kind.what);
            assert_eq!((&at["warnings"], at["patch"].is_string()), (&Value::Null, true), "{}", kind.what);

            let beyond = answer(&server, &with(kind, kind.most + 1, account)).await;
            assert_eq!(beyond["auditAnnotations"]["outcome"], "excess", "{}", kind.what);
            assert_eq!((&beyond["allowed"], &beyond["patch"]), (&json!(true), &Value::Null), "{}", kind.what);
            let warning = format!("no AWS identity injected: {}", kind.what);
            assert_eq!(beyond["warnings"], json!([warning]));
        }
        // A pod without an identity has none to lose.
        let plain = answer(&server, &with(kind, kind.most + 1, "plain")).await;
        assert_eq!(plain["auditAnnotations"]["outcome"], "no_identity", "{}", kind.what);
    }
    server.stop().await;
}

#[tokio::test]
async fn pod_beyond_a_bound_that_must_have_its_identity_is_refused_in_words() {
    let server = Server::on_manifests([WORLD, "--shutdown-delay=0"]).await;
    for kind in &KINDS {
        let mut review = with(kind, kind.most + 1, "orders");
        review["request"]["object"]["metadata"]["labels"] =
            json!({"eks.amazonaws.com/require-identity": "true"});
        let refused = answer(&server, &review).await;
        assert_eq!(refused["auditAnnotations"]["outcome"], "required_identity_unused", "{}", kind.what);
        let message = refused["status"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{}, so the pod would not get ", kind.what)), "{message}");
        assert_eq!((&refused["allowed"], &refused["warnings"]), (&json!(false), &Value::Null));
    }
    server.stop().await;
}

/// `{}` takes three bytes of a body, and took a kilobyte of memory and a line of the patch each.
#[tokio::test]
async fn empty_containers_by_the_hundred_thousand_get_a_short_answer() {
    let server = Server::on_manifests([WORLD, "--shutdown-delay=0"]).await;
    let review = with(&KINDS[0], 1, "orders").to_string();
    let many = review.replace("{\"name\":\"c0\"}", &vec!["{}"; 230_000].join(","));
    let answer = server.client.post("/mutate", many.into_bytes()).await;
    assert_eq!(answer.json()["response"]["auditAnnotations"]["outcome"], "excess");
    assert!(answer.body.len() < 1_000, "{}", answer.body.len());
    server.stop().await;
}

/// The longest role, full of what JSON has to escape, in as many containers as are taken.
#[tokio::test]
async fn patch_that_no_object_could_hold_is_not_made() {
    let accounts = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    let role = "\\a".repeat(2_048);
    let account = format!(
        "{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: orders, namespace: shop, annotations: \
         {{eks.amazonaws.com/role-arn: \"{role}\"}}}}}}\n"
    );
    std::fs::write(accounts.path(), account).unwrap();
    let manifests = format!("--manifests={}", accounts.path().display());
    let server = Server::on_manifests([&manifests, "--shutdown-delay=0"]).await;
    // Each of its characters takes six bytes.
    let beyond = answer(&server, &with(&KINDS[0], 260, "orders")).await;
    assert_eq!(beyond["auditAnnotations"]["outcome"], "excess");
    assert_eq!(beyond["warnings"], json!(["no AWS identity injected: the patch would be larger than 3 MiB"]));
    let below = answer(&server, &with(&KINDS[0], 240, "orders")).await;
    assert_eq!(below["auditAnnotations"]["outcome"], "injected");
    let patch = patch(&below).unwrap().to_string();
    assert!((2 << 20..=3 << 20).contains(&patch.len()), "{}", patch.len());
    server.stop().await;
}

#[tokio::test]
async fn ephemeral_container_of_a_pod_beyond_a_bound_is_let_in_as_it_is() {
    let server = Server::on_manifests([WORLD, "--shutdown-delay=0"]).await;
    let mut review = review("orders");
    let request = &mut review["request"];
    request["operation"] = json!("UPDATE");
    request["subResource"] = json!("ephemeralcontainers");
    request["oldObject"] = request["object"].clone();
    request["object"]["spec"]["ephemeralContainers"] = repeat(60_000, container);
    request["oldObject"]["spec"]["ephemeralContainers"] = repeat(60_000, |number| container(number + 1));
    let left = answer(&server, &review).await;
    assert_eq!((&left["auditAnnotations"]["outcome"], &left["allowed"]), (&json!("excess"), &json!(true)));
    assert_eq!(left["warnings"], json!(["no AWS identity injected: the pod has more than 1000 containers"]));
    server.stop().await;
}

/// The longest role that counts, with a policy that forbids it: all that is said of it is bounded.
#[tokio::test]
async fn longest_role_makes_neither_a_long_audit_annotation_nor_a_long_answer() {
    let files = tempfile::tempdir().unwrap();
    let (world, policy) = (files.path().join("world.yaml"), files.path().join("policy.yaml"));
    std::fs::write(&policy, "rules: []\n").unwrap();
    for (length, outcome) in [(2_048, "role_policy_denied"), (250_000, "excess")] {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "orders",
            "namespace": "shop", "annotations": {"eks.amazonaws.com/role-arn": "r".repeat(length)}}});
        std::fs::write(&world, account.to_string()).unwrap();
        let args =
            [format!("--manifests={}", world.display()), format!("--role-policy={}", policy.display())];
        let server = Server::on_manifests(args.into_iter().chain(["--shutdown-delay=0".to_owned()])).await;
        server.wait_until_ready().await;
        let answered = answer(&server, &review("orders")).await;
        assert_eq!(answered["auditAnnotations"]["outcome"], outcome, "{length}");
        assert!(answered.to_string().len() < 4_096, "{length}: {}", answered.to_string().len());
        server.stop().await;
    }
}
