//! Every golden case, through the server over TLS and through `inject`.

use std::process::{Command, Stdio};

use base64::Engine;
use serde_json::{Value, json};

use crate::support::cases::Case;
use crate::support::mounted::Files;
use crate::support::server::Server;

/// The patch and the warnings of an answer, and why the pod is refused if it is.
fn read(answer: &Value) -> (Value, Vec<String>, Option<String>) {
    let response = &answer["response"];
    let status = &response["status"];
    let denial = status["message"].as_str().map(str::to_owned);
    assert_eq!(response["allowed"], json!(denial.is_none()));
    if denial.is_some() {
        assert_eq!((&status["code"], &status["reason"]), (&json!(403), &json!("Forbidden")));
    }
    let patch = response.get("patch").map_or_else(
        || json!([]),
        |patch| {
            assert_eq!(response["patchType"], json!("JSONPatch"));
            let bytes = base64::engine::general_purpose::STANDARD.decode(patch.as_str().unwrap()).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        },
    );
    let warnings = response.get("warnings").and_then(Value::as_array).cloned().unwrap_or_default();
    let warnings = warnings.iter().map(|warning| warning.as_str().unwrap().to_owned());
    (patch, warnings.collect(), denial)
}

/// The answer to one review, checked for what every answer has.
async fn admit(server: &Server, review: Vec<u8>) -> Value {
    let asked: Value = serde_json::from_slice(&review).unwrap();
    let answer = server.client.post("/mutate?timeout=10s", review).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    let answer = answer.json();
    assert_eq!(answer["apiVersion"], asked["apiVersion"]);
    assert_eq!(answer["kind"], asked["kind"]);
    assert_eq!(answer["response"]["uid"], asked["request"]["uid"]);
    answer
}

/// Where the server reads the world of a case.
enum World {
    /// All of it in manifests.
    Manifests,
    /// Associations in a file that is followed.
    AssociationFile(Files),
}

impl World {
    fn args(&self, case: &Case) -> Vec<String> {
        match self {
            Self::Manifests => vec![format!("--manifests={}", case.world().display())],
            Self::AssociationFile(files) => vec![
                format!("--manifests={}", files.path("world.yaml").display()),
                format!("--watch-container-credentials-config={}", files.path("identities.json").display()),
            ],
        }
    }
}

async fn check(case: &Case, world: &World) -> Result<(), String> {
    let mut args = case.args();
    args.extend(world.args(case));
    args.push("--shutdown-delay=0".to_owned());
    let server = Server::on_manifests(args).await;
    server.wait_until_ready().await;
    let asked: Value = serde_json::from_slice(&case.review()).unwrap();

    let (patch, warnings, denial) = read(&admit(&server, case.review()).await);
    let mut object = asked["request"]["object"].clone();
    let operations: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
    json_patch::patch(&mut object, &operations)
        .map_err(|error| format!("the patch does not apply: {error}"))?;

    let mut again = asked.clone();
    again["request"]["object"] = object.clone();
    let (second, _, second_denial) = read(&admit(&server, serde_json::to_vec(&again).unwrap()).await);
    server.stop().await;

    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        case.update_warnings(&warnings);
    }
    let expect = |what, seen: &Value, expected: &Value| {
        if seen == expected {
            return Ok(());
        }
        let pretty = |value| serde_json::to_string_pretty(value).unwrap();
        Err(format!("{what}:\n{}\nbut expected:\n{}", pretty(seen), pretty(expected)))
    };
    expect("patch", &patch, &case.patch())?;
    expect("after", &object, &case.after())?;
    expect("warnings", &json!(warnings), &json!(case.warnings()))?;
    expect("denial", &json!(denial), &json!(case.denial()))?;
    expect("patch of the second admission", &second, &json!([]))?;
    expect("denial of the second admission", &json!(second_denial), &json!(case.denial()))
}

async fn check_all(worlds: impl IntoIterator<Item = (Case, World)>) -> usize {
    let mut failures = Vec::new();
    let mut cases = 0;
    for (case, world) in worlds {
        cases += 1;
        if let Err(failure) = check(&case, &world).await {
            failures.push(format!("--- {}: {failure}", case.name));
        }
    }
    assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n"));
    cases
}

#[tokio::test]
async fn server_answers_every_case() {
    check_all(Case::all().into_iter().map(|case| (case, World::Manifests))).await;
}

#[tokio::test]
async fn server_answers_every_case_from_an_association_file() {
    let worlds = Case::all().into_iter().filter_map(|case| {
        let files = case.world_with_association_file()?;
        Some((case, World::AssociationFile(files)))
    });
    let cases = check_all(worlds).await;
    assert!(cases >= 30, "{cases}");
}

/// What `inject` makes of a case's pod, or says of one that is refused; `None` where the case is not
/// about a pod that is made.
fn inject(case: &Case) -> Option<Result<Value, String>> {
    let review: Value = serde_json::from_slice(&case.review()).unwrap();
    let request = &review["request"];
    let is_pod = request["resource"]["resource"] == "pods" && request["resource"]["group"] == "";
    if !is_pod || request["operation"] != "CREATE" || request.get("subResource").is_some() {
        return None;
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_pod-identity-webhook"))
        .args(["inject", "-f", "-", "--manifests"])
        .arg(case.world())
        .args(["--namespace", request["namespace"].as_str().unwrap()])
        .args(case.args())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer_pretty(child.stdin.take().unwrap(), &request["object"]).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        return Some(Ok(serde_json::from_slice(&output.stdout).unwrap()));
    }
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(1), &b""[..]),
        "{}: {said}",
        case.name
    );
    let (_, denial) = said.trim_end().split_once(": refused: ").unwrap();
    Some(Err(denial.to_owned()))
}

#[test]
fn inject_prints_every_case() {
    let mut cases = 0;
    for case in Case::all() {
        if let Some(printed) = inject(&case) {
            let expected = case.denial().map_or_else(|| Ok(case.offline()), Err);
            assert_eq!(printed, expected, "{}", case.name);
            cases += 1;
        }
    }
    assert!(cases >= 60, "{cases}");
}
