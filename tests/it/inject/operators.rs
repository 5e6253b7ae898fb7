//! Kinds of operators: those with whole pod templates are injected as a Deployment is, the others are named.

mod kinds;

use serde_json::Value;

use super::{ACCOUNT, Files, injected, values};
use kinds::{INJECTED, NAMED, SILENT};

/// A pod template of the account, wherever a spec below says `POD`.
const POD: &str =
    "{metadata: {labels: {app: x}}, spec: {serviceAccountName: web, containers: [{name: a, image: i}]}}";

/// The same without an account.
const BARE: &str = "{metadata: {labels: {app: x}}, spec: {containers: [{name: a, image: i}]}}";

/// What is said of an object whose kind is not known, behind its name and place.
const NOT_KNOWN: &str = "pods are made from it, but inject does not know how: it is left unchanged; on a cluster the \
                         webhook gives these pods their identity when they are created";

/// What is said of a template whose account its operator chooses.
const NO_ACCOUNT: &str = "it names no ServiceAccount, and its operator may give its pods one that inject does not \
                          know: it is left unchanged; on a cluster the webhook gives these pods their identity when \
                          they are created";

/// An object as a document.
fn object(version: &str, kind: &str, spec: &str) -> String {
    let spec = spec.replace("POD", POD);
    format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, namespace: shop}}\nspec: {spec}\n")
}

/// What a run on a document says on standard error: nothing, or one line.
fn line(heading: &str, place: &str, document: usize, line: usize, what: &str) -> String {
    let gap = if place.is_empty() { "" } else { " " };
    let location = format!("standard input: document {document}, line {line}");
    format!("pod-identity-webhook: {heading}{gap}{place} ({location}): {what}\n")
}

#[test]
fn every_template_of_an_operators_kind_gets_what_a_deployments_gets() {
    let expected =
        &values(&injected(&object("apps/v1", "Deployment", "{template: POD}"), &[]))[0]["spec"]["template"];
    let untouched = &values(POD)[0];
    for (version, kind, spec, places) in INJECTED {
        let before = object(version, kind, spec);
        let printed = injected(&before, &[]);
        let mut after = values(&printed).remove(0);
        for place in places {
            let template = after.pointer_mut(place).unwrap();
            assert_eq!(template, expected, "{kind} {place}");
            *template = untouched.clone();
        }
        assert_eq!(after, values(&before)[0], "{kind}: nothing else changes");
        assert_eq!(injected(&printed, &[]), printed, "{kind}: a second time adds nothing");
    }
}

#[test]
fn what_makes_pods_in_another_way_is_named_with_its_place_and_kept() {
    let files = Files::new(&[("account.yaml", ACCOUNT)]);
    let args = ["-f", "-", "--manifests", "@account.yaml"];
    for (version, kind, spec, place) in NAMED {
        let input = object(version, kind, spec);
        let said = line(&format!("{kind} shop/x"), place, 1, 1, NOT_KNOWN);
        for (output, expected) in [
            (&[][..], input.clone()),
            (&["--output=patch"], "[]\n".to_owned()),
            (&["--explain"], said.replace("pod-identity-webhook: ", "").replace("): ", ")\n  ")),
        ] {
            let run = files.run(&[&args, output].concat(), &input);
            assert_eq!((run.code, run.stdout, run.stderr), (0, expected, said.clone()), "{input} {output:?}");
        }
    }
}

#[test]
fn what_only_looks_like_pods_is_not_named() {
    for input in SILENT {
        assert_eq!(injected(input, &[]), input);
        assert_eq!(
            injected(input, &["--explain"]),
            "the input has no pod, and nothing that makes pods\n",
            "{input}"
        );
    }
}

/// Whoever is named stands beside others that are injected, in a list, and after what has no namespace.
#[test]
fn objects_are_named_beside_others_and_in_lists() {
    let pod = object("v1", "Pod", "{serviceAccountName: web, containers: [{name: a, image: i}]}");
    let kafka = "apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nmetadata: {generateName: events-}\n";
    let item = |text: &str| values(text).remove(0);
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [
        item(&object("argoproj.io/v1alpha1", "Rollout", "{template: POD}")),
        item(&object("argoproj.io/v1alpha1", "Workflow", "{}")),
        item(&object("agones.dev/v1", "Fleet", "{template: {spec: {template: POD}}}")),
    ]});
    let files = Files::new(&[("account.yaml", ACCOUNT)]);
    let args = ["-f", "-", "--manifests", "@account.yaml"];
    let run = files.run(&args, &format!("{pod}---\n{kafka}---\n{list}\n"));
    let said = [
        line("Kafka events-", "", 2, 6, NOT_KNOWN),
        line("Workflow shop/x", "", 3, 10, NOT_KNOWN),
        line("Fleet shop/x", "/spec/template/spec/template/spec", 3, 10, NOT_KNOWN),
    ];
    assert_eq!((run.code, run.stderr), (0, said.concat()));
    let printed = values(&run.stdout);
    assert_eq!(printed[0]["spec"]["volumes"][0]["name"], "aws-iam-token");
    assert_eq!(printed[1], item(kafka));
    assert_eq!(printed[2]["items"][0]["spec"]["template"]["spec"]["volumes"][0]["name"], "aws-iam-token");
    assert_eq!((&printed[2]["items"][1], &printed[2]["items"][2]), (&list["items"][1], &list["items"][2]));

    let patches = files.run(&[&args[..], &["-o", "patch"]].concat(), &list.to_string());
    assert!(patches.stdout.starts_with("[{\"op\":\"add\",\"path\":\"/items/0/spec/template/spec/volumes\""));
    assert_eq!(patches.stdout.lines().count(), 1);
    assert_eq!(patches.stderr.lines().count(), 2, "{}", patches.stderr);
}

#[test]
fn a_template_whose_account_its_operator_chooses_is_named_unless_it_names_one() {
    let files = Files::new(&[("account.yaml", &ACCOUNT.replace("name: web", "name: default"))]);
    for (version, kind, spec, place, other) in [
        (
            "ray.io/v1",
            "RayCluster",
            "{headGroupSpec: {template: BARE}, workerGroupSpecs: [{template: BARE}]}",
            "/spec/headGroupSpec/template",
            "/spec/workerGroupSpecs/0/template",
        ),
        (
            "ray.io/v1",
            "RayJob",
            "{rayClusterSpec: {headGroupSpec: {template: BARE}}, submitterPodTemplate: BARE}",
            "/spec/rayClusterSpec/headGroupSpec/template",
            "/spec/submitterPodTemplate",
        ),
        (
            "ray.io/v1",
            "RayService",
            "{rayClusterConfig: {headGroupSpec: {template: BARE}, workerGroupSpecs: [{template: BARE}]}}",
            "/spec/rayClusterConfig/headGroupSpec/template",
            "/spec/rayClusterConfig/workerGroupSpecs/0/template",
        ),
        (
            "kubeflow.org/v1",
            "MPIJob",
            "{mpiReplicaSpecs: {Launcher: {template: BARE}, Worker: {template: BARE}}}",
            "/spec/mpiReplicaSpecs/Launcher/template",
            "/spec/mpiReplicaSpecs/Worker/template",
        ),
    ] {
        let input = object(version, kind, &spec.replace("BARE", BARE));
        let run = files.run(&["-f", "-", "--manifests", "@account.yaml"], &input);
        assert_eq!((run.code, run.stderr), (0, line(&format!("{kind} shop/x"), place, 1, 1, NO_ACCOUNT)));
        let after = &values(&run.stdout)[0];
        assert_eq!(after.pointer(place), values(&input)[0].pointer(place), "{kind}");
        let volume = after.pointer(&format!("{other}/spec/volumes/0/name"));
        assert_eq!(volume, Some(&Value::from("aws-iam-token")), "{kind}");
    }
}

#[test]
fn templates_of_one_object_are_told_apart() {
    let input = object(
        "ray.io/v1",
        "RayCluster",
        "{headGroupSpec: {template: POD}, workerGroupSpecs: [{template: {spec: {serviceAccountName: nobody, \
         containers: [{name: a}]}}}]}",
    );
    let explained = injected(&input, &["--explain"]);
    let headings: Vec<_> = explained.lines().filter(|line| line.starts_with("RayCluster")).collect();
    insta::assert_snapshot!(headings.join("\n"), @r"
    RayCluster shop/x /spec/headGroupSpec/template (standard input: document 1, line 1)
    RayCluster shop/x /spec/workerGroupSpecs/0/template (standard input: document 1, line 1)
    ");
    let files = Files::new(&[("account.yaml", ACCOUNT)]);
    let run = files.run(&["-f", "-", "--manifests", "@account.yaml"], &input);
    insta::assert_snapshot!(run.stderr, @"pod-identity-webhook: RayCluster shop/x /spec/workerGroupSpecs/0/template: no AWS identity injected: ServiceAccount shop/nobody is neither in the input nor in --manifests");
}

#[test]
fn a_hostile_name_or_member_is_named_in_one_visible_line() {
    let input = r#"{"apiVersion": "example.com/v1", "kind": "App\u202e", "metadata": {"name": "a\nb"},
        "spec": {"x\u001b[1m": {"podTemplate": {"spec": {}}}}}"#;
    let run = Files::new(&[]).run(&["-f", "-", "--explain"], input);
    let said = line("App\\u{202e} a\\nb", "/spec/x\\u{1b}[1m/podTemplate", 1, 1, NOT_KNOWN);
    assert_eq!(run.stderr, said);
    assert!(run.stdout.starts_with("App\\u{202e} a\\nb /spec/x\\u{1b}[1m/podTemplate ("), "{}", run.stdout);
}
