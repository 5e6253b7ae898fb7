//! `import --from-eks`: lists and describes at AWS, with the user's credentials.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::cluster::{Cluster, OTHER, ROLE, json_answer, serve};
use crate::support::program::Run;

/// An EKS that has these associations of the cluster prod, two on a page.
#[derive(Default)]
struct Eks {
    associations: Vec<Value>,
    /// Ids that are not described, with this error's name.
    refused: Vec<(&'static str, &'static str)>,
    /// What was asked, as path and query.
    asked: Vec<String>,
    authorization: String,
}

#[derive(Clone)]
struct StandIn {
    eks: Arc<Mutex<Eks>>,
    url: String,
}

impl StandIn {
    fn start(associations: Vec<Value>) -> Self {
        let eks = Arc::new(Mutex::new(Eks { associations, ..Eks::default() }));
        let router = Router::new().fallback(answer).with_state(eks.clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || serve(listener, &router));
        Self { eks, url }
    }

    fn import(&self, cluster: &Cluster, args: &[&str]) -> Run {
        let variables = [
            ("AWS_ENDPOINT_URL_EKS", self.url.as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        cluster.run_with(&[&["import"], args].concat(), &variables, "")
    }
}

async fn answer(State(eks): State<Arc<Mutex<Eks>>>, request: Request) -> Response {
    let mut eks = eks.lock().unwrap();
    let asked = request.uri().path_and_query().unwrap().to_string();
    eks.asked.push(asked.clone());
    request.headers()["authorization"].to_str().unwrap().clone_into(&mut eks.authorization);
    let Some(rest) = asked.strip_prefix("/clusters/prod/pod-identity-associations") else {
        return refused("ResourceNotFoundException", "No cluster found");
    };
    if let Some(id) = rest.strip_prefix('/') {
        if let Some((_, name)) = eks.refused.iter().find(|(refused, _)| *refused == id) {
            return refused(name, "the test wants it so");
        }
        let found = eks.associations.iter().find(|one| one["associationId"] == id);
        return found.map_or_else(
            || refused("ResourceNotFoundException", "No association found"),
            |one| json_answer(&json!({ "association": one })),
        );
    }
    let first: usize =
        rest.split("nextToken=").nth(1).map_or(0, |token| token.split('&').next().unwrap().parse().unwrap());
    let page: Vec<_> = eks
        .associations
        .iter()
        .skip(first)
        .take(2)
        .cloned()
        .map(|mut one| {
            one.as_object_mut().unwrap().retain(|member, _| {
                !["roleArn", "tags", "policy", "targetRoleArn", "disableSessionTags"]
                    .contains(&member.as_str())
            });
            one
        })
        .collect();
    let next = (first + 2 < eks.associations.len()).then(|| (first + 2).to_string());
    json_answer(&json!({ "associations": page, "nextToken": next }))
}

fn refused(name: &str, message: &str) -> Response {
    let code = match name {
        "AccessDeniedException" => StatusCode::FORBIDDEN,
        _ => StatusCode::NOT_FOUND,
    };
    (code, [("x-amzn-errortype", name.to_owned())], json_answer(&json!({ "message": message })))
        .into_response()
}

fn association(namespace: &str, account: &str, role: &str) -> Value {
    json!({
        "clusterName": "prod", "namespace": namespace, "serviceAccount": account, "roleArn": role,
        "associationId": format!("a-{namespace}-{account}"), "tags": {},
    })
}

#[test]
fn every_association_is_listed_described_and_made() {
    let mut whole = association("shop", "orders", ROLE);
    whole["targetRoleArn"] = json!(OTHER);
    whole["disableSessionTags"] = json!(true);
    whole["policy"] = json!("{\"a\": 1}");
    whole["tags"] = json!({"team": "shop", "aws:cloudformation:stack-name": "x"});
    let all = vec![whole, association("shop", "invoices", ROLE), association("other", "orders", OTHER)];
    let (cluster, eks) = (Cluster::start(), StandIn::start(all));
    let run = eks.import(&cluster, &["--from-eks=prod", "--region=eu-west-1"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stdout,
        "association shop/orders created\nassociation shop/invoices created\nassociation other/orders created\n"
    );
    let expected = json!({
        "roleArn": ROLE, "targetRoleArn": OTHER, "disableSessionTags": true, "policy": "{\"a\": 1}", "tags": {"team": "shop"},
    });
    assert_eq!(cluster.spec("shop", "orders"), expected);
    assert_eq!(cluster.spec("other", "orders"), json!({"roleArn": OTHER}));
    assert!(eks.eks.lock().unwrap().authorization.contains("Credential=AKIDEXAMPLE/"));
    assert!(eks.eks.lock().unwrap().authorization.contains("/eu-west-1/eks/"));
    // Of another namespace nothing is described.
    eks.eks.lock().unwrap().asked.clear();
    let run = eks.import(
        &cluster,
        &["--from-eks=prod", "--region=eu-west-1", "-n", "other", "--dry-run=client", "-o", "json"],
    );
    let list: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(eks.eks.lock().unwrap().asked.len(), 3, "two pages and a description");
}

#[test]
fn one_that_aws_does_not_describe_stops_no_other() {
    let all =
        vec![association("shop", "a", ROLE), association("shop", "b", ROLE), association("shop", "c", ROLE)];
    let (cluster, eks) = (Cluster::start(), StandIn::start(all));
    eks.eks.lock().unwrap().refused =
        vec![("a-shop-a", "ResourceNotFoundException"), ("a-shop-b", "AccessDeniedException")];
    let run = eks.import(&cluster, &["--from-eks=prod", "--region=eu-west-1"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, "association shop/c created\n"));
    let said = "association a-shop-b of EKS cluster prod: EKS denies the request: ask for the right \
                eks:DescribePodIdentityAssociation on cluster prod (the test wants it so)\n";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert!(
        run.stderr.ends_with("1 created, 0 unchanged, 0 updated, 0 different, 1 failed\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_is_missing_at_aws_is_said_to_the_user() {
    let (cluster, eks) = (Cluster::start(), StandIn::start(Vec::new()));
    for (args, said) in [
        (
            &["--from-eks=test", "--region=eu-west-1"][..],
            "EKS has no cluster test in eu-west-1: check --from-eks and --region",
        ),
        (&["--from-eks=prod"], "no AWS region is configured: give --region, or set AWS_REGION"),
        (
            &["--from-eks=prod", "--region=eu-west-1"],
            "the input has no associations: 'associations import --help' says what is read",
        ),
    ] {
        assert_eq!(eks.import(&cluster, args).refused(1), said);
    }
    let line = eks.import(&cluster, &["--from-eks=a b", "--region=x"]).refused(2);
    assert!(line.starts_with("invalid value 'a b' for '--from-eks': "), "{line}");
    let line = cluster.run_with(
        &["import", "--from-eks=prod", "--region=eu-west-1"],
        &[("AWS_EC2_METADATA_DISABLED", "true")],
        "",
    );
    let line = line.refused(1);
    assert!(
        line.starts_with("no AWS credentials were found: give --profile, or set AWS_ACCESS_KEY_ID"),
        "{line}"
    );
}
