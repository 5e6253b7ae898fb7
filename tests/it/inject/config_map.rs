//! The ConfigMap among the manifests: which entry counts and where it stands, and what is said of
//! entries and documents that cannot be read.

use super::{ACCOUNT, Files, assert_injected, values};

/// A pod of this account of `shop`.
fn pod(account: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {account}, namespace: shop}}\n\
         spec: {{serviceAccountName: {account}, containers: [{{name: a}}]}}\n"
    )
}

/// A ConfigMap with this document, which begins on the ninth line.
fn config_map(document: &str) -> String {
    let lines: Vec<_> = document.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "# Who has which role.\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: pod-identity-webhook\n\
         data:\n  config: |\n{}",
        lines.concat()
    )
}

const ENTRIES: &str = r#"{
  "*/*": {"RoleARN": "arn:aws:iam::111122223333:role/all"},
  "shop/we*": {"RoleARN": "arn:aws:iam::111122223333:role/like-web", "TokenExpiration": 1200},
  "shop/none": {},
  "shop/cart":
    {"RoleARN": "arn:aws:iam::111122223333:role/cart", "TokenExpiration": 1200}
}"#;

/// The lines that are explained of a pod of this account up to its containers, with [`ACCOUNT`],
/// [`ENTRIES`] and an association for `shop/associated` known.
fn explained(account: &str) -> String {
    let files = Files::new(&[
        ("account.yaml", ACCOUNT),
        ("associated.yaml", "identities:\n- {namespace: shop, serviceAccount: associated}\n"),
        ("roles.yaml", &config_map(ENTRIES)),
    ]);
    let manifests = ["@account.yaml", "@associated.yaml", "@roles.yaml"];
    let manifests = manifests.into_iter().flat_map(|file| ["--manifests", file]);
    let args: Vec<_> = ["-f", "-", "--explain"].into_iter().chain(manifests).collect();
    let printed =
        files.run(&args, &pod(account)).printed().replace(&files.path("").display().to_string(), "");
    let lines: Vec<_> = printed.lines().take_while(|line| !line.starts_with("  container")).collect();
    lines.join("\n")
}

#[test]
fn entry_that_counts_is_named_with_its_place_and_those_that_lost() {
    insta::assert_snapshot!(explained("cart"), @r"
Pod shop/cart (standard input: document 1, line 1)
  ServiceAccount shop/cart: neither in the input nor in --manifests
  IRSA: ConfigMap entry shop/cart is arn:aws:iam::111122223333:role/cart (roles.yaml: document 1, line 3; line 6 of config)
  IRSA: ConfigMap entry */* is arn:aws:iam::111122223333:role/all (roles.yaml: document 1, line 3; line 2 of config); not used, shop/cart is more specific
  injected: the pod gets its AWS identity
  volume aws-iam-token: added, a token for sts.amazonaws.com that lasts 1200 seconds
");
}

#[test]
fn entries_that_lost_to_an_annotation_are_named() {
    insta::assert_snapshot!(explained("web"), @r"
Pod shop/web (standard input: document 1, line 1)
  ServiceAccount shop/web (account.yaml: document 1, line 1)
  IRSA: annotation eks.amazonaws.com/role-arn is arn:aws:iam::111122223333:role/web
  IRSA: ConfigMap entry shop/we* is arn:aws:iam::111122223333:role/like-web (roles.yaml: document 1, line 3; line 3 of config); not used, the annotation comes first
  IRSA: ConfigMap entry */* is arn:aws:iam::111122223333:role/all (roles.yaml: document 1, line 3; line 2 of config); not used, the annotation comes first
  injected: the pod gets its AWS identity
  volume aws-iam-token: added, a token for sts.amazonaws.com that lasts 86400 seconds
");
}

#[test]
fn entries_that_lost_to_an_association_are_named() {
    insta::assert_snapshot!(explained("associated"), @r"
Pod shop/associated (standard input: document 1, line 1)
  ServiceAccount shop/associated: neither in the input nor in --manifests
  EKS Pod Identity: an association names it (associated.yaml: document 1, line 1)
  IRSA: ConfigMap entry */* is arn:aws:iam::111122223333:role/all (roles.yaml: document 1, line 3; line 2 of config); not used, the association comes first
  injected: the pod gets its AWS identity
  label eks.amazonaws.com/pod-identity=enabled: added
  volume eks-pod-identity-token: added, a token for pods.eks.amazonaws.com that lasts 86400 seconds
");
}

#[test]
fn entry_without_a_role_is_named() {
    insta::assert_snapshot!(explained("none"), @r"
Pod shop/none (standard input: document 1, line 1)
  ServiceAccount shop/none: neither in the input nor in --manifests
  IRSA: ConfigMap entry shop/none grants no role (roles.yaml: document 1, line 3; line 4 of config)
  IRSA: ConfigMap entry */* is arn:aws:iam::111122223333:role/all (roles.yaml: document 1, line 3; line 2 of config); not used, shop/none is more specific
  service_account_missing: the ServiceAccount is not known: nothing to inject
");
}

#[test]
fn input_may_hold_the_config_map_itself() {
    let stream = format!("{}---\n{}", config_map(ENTRIES), pod("cart"));
    let printed = Files::new(&[]).run(&["-f", "-"], &stream).printed();
    assert!(printed.starts_with(&config_map(ENTRIES)), "{printed}");
    assert_injected(&values(&printed)[1]);
}

#[test]
fn same_config_map_twice_is_one() {
    let files = Files::new(&[("roles.yaml", &config_map(ENTRIES)), ("pod.yaml", &pod("cart"))]);
    let printed = files.run(&["-f", "@roles.yaml", "@pod.yaml", "--manifests", "@roles.yaml"], "").printed();
    assert_injected(&values(&printed)[1]);
}

#[test]
fn bad_entries_are_told_of_and_the_rest_serves() {
    let document = "{\"shop/cart\": {\"RoleARN\": \"arn:aws:iam::111122223333:role/cart\"},\n\"cart\": {},\n\"shop/x\": null}";
    let files = Files::new(&[("roles.yaml", &config_map(document)), ("pod.yaml", &pod("cart"))]);
    let args = ["-f", "@pod.yaml", "--manifests", "@roles.yaml"];
    let place = files.path("roles.yaml").display().to_string();
    let said = format!(
        "pod-identity-webhook: ConfigMap of {place}: document 1, line 3: entries passed over: 2: \"cart\" in line 2: \
         no / between namespace and name; \"shop/x\" in line 3: not an object with RoleARN\n"
    );
    for more in [&[][..], &["--explain"]] {
        let run = files.run(&[&args[..], more].concat(), "");
        assert_eq!((run.code, &run.stderr), (0, &said));
        assert!(run.stdout.contains("role/cart"), "{}", run.stdout);
    }
}

#[test]
fn config_map_that_cannot_be_read_is_named_with_its_place() {
    let refused = |manifest: &str| {
        let line = Files::new(&[]).run(&["-f", "-"], manifest).refused(1);
        line.strip_prefix("failed to read standard input: ").expect(&line).to_owned()
    };
    let place = "document 1, line 3: config of ConfigMap pod-identity-webhook is ";
    for (document, error) in [
        ("{\"a/b\":", "not JSON: EOF while parsing a value at line 2 column 0"),
        ("a/b: {}", "not JSON: expected value at line 1 column 1"),
        ("[]", "not an object of entries at line 1 column 2"),
    ] {
        assert_eq!(refused(&config_map(document)), format!("{place}{error}"), "{document}");
    }
    let of = |data: &str| {
        refused(&format!(
            "# x\n\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: pod-identity-webhook}}\n{data}\n"
        ))
    };
    assert_eq!(of("data: {config: {a/b: {}}}"), format!("{place}not a string: write it behind a |"));
    assert_eq!(of("data: {config: 7}"), format!("{place}not a string: write it behind a |"));
    assert_eq!(of("binaryData: {config: e30=}"), format!("{place}not text: it is under binaryData"));
    let other = config_map("{}").replace("webhook\n", "webhook\n  namespace: other\n");
    assert_eq!(
        refused(&format!("{}---\n{other}", config_map("{}"))),
        "document 2, line 13: a ConfigMap pod-identity-webhook of another namespace than that of standard input: \
         document 1, line 3"
    );
}

/// Twice what a cluster could hold: etcd takes 1.5 MB.
#[test]
fn three_megabytes_are_read_or_refused_in_a_line() {
    let entry = |number: usize| {
        format!("\"shop-{number}/web\":{{\"RoleARN\":\"arn:aws:iam::111122223333:role/web\"}}")
    };
    let mut document = format!("{{{}", entry(0));
    let mut number = 0;
    while document.len() < 3 << 20 {
        number += 1;
        document.push(',');
        document.push_str(&entry(number));
    }
    let manifest = |document: &str| {
        serde_json::json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": "pod-identity-webhook" },
            "data": { "config": document },
        })
        .to_string()
    };
    let files = Files::new(&[
        ("good.json", &manifest(&format!("{document},\"shop/web\":{{\"RoleARN\":\"found\"}}}}"))),
        ("cut.json", &manifest(&document)),
        ("pod.yaml", &pod("web")),
    ]);
    let run = |file: &str| files.run(&["-f", "@pod.yaml", "--manifests", file], "");
    assert!(
        run("@good.json").stderr.starts_with(
            "pod-identity-webhook: Pod shop/web: RoleARN of the ConfigMap's entry \"found\" is "
        )
    );
    let line = run("@cut.json").refused(1);
    let place = "document 1, line 1: config of ConfigMap pod-identity-webhook is not JSON: EOF while parsing";
    assert!(line.contains(place) && line.len() < 400, "{line}");
}

/// The example that people copy, and what it says of itself.
#[test]
fn example_gives_the_roles_that_it_names() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    for (namespace, account, role, lifetime) in [
        ("shop", "payments", "role/shop-payments", 3600),
        ("test-7", "payments", "role/test-payments", 86_400),
        ("logging", "fluent-bit", "role/logs", 86_400),
    ] {
        let pod = pod(account).replace("namespace: shop", &format!("namespace: {namespace}"));
        let printed = Files::new(&[]).run(&["-f", "-", "--manifests", examples], &pod).printed();
        assert_injected(&values(&printed)[0]);
        assert!(printed.contains(&format!("value: \"arn:aws:iam::123456789012:{role}\"}}")), "{printed}");
        assert!(printed.contains(&format!("expirationSeconds: {lifetime}, ")), "{printed}");
        assert_eq!(printed.contains("AWS_STS_REGIONAL_ENDPOINTS"), namespace == "shop", "{printed}");
    }
    let pod = pod("fluent-bit").replace("namespace: shop", "namespace: sandbox");
    let explained = Files::new(&[]).run(&["-f", "-", "--manifests", examples, "--explain"], &pod).printed();
    assert!(explained.contains("ConfigMap entry sandbox/fluent-bit grants no role"), "{explained}");
    assert!(explained.contains("; not used, sandbox/fluent-bit is more specific"), "{explained}");
}
