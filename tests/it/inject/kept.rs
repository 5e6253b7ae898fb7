//! All that was not touched is kept: its meaning as kubectl reads it, its order, its text, its comments.

use serde_json::json;

use super::{ACCOUNT, Files, container_additions, indented, injected, pod_additions, values};

#[test]
fn comments_order_and_quotes_stay_where_they_were() {
    let head = "\
# The shop's front end.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web   # as the service
  namespace: shop
  labels: {tier: \"front\", app: 'web'}
spec:
  template:
    metadata:
      labels:
        app: web
    spec:
      serviceAccountName: web

      containers:
      # the app itself
      - name: app
        image: shop/web:1.2   # keep in step
        args: [\"-c\", \"echo  hi\"]
";
    let between = "\
      # last words of the pod
      restartPolicy: Always
  replicas: 0x3
";
    let other = "\
---
# nothing here
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}   # untouched
";
    let expected = [head, &container_additions(8), between, other]
        .concat()
        .replace("Always\n", &format!("Always\n{}", pod_additions(6)));
    assert_eq!(injected(&[head, between, other].concat(), &[]), expected);
}

#[test]
fn the_indentation_of_the_manifest_is_taken_up() {
    let pod = "\
apiVersion: v1
kind: Pod
metadata:
    name: p
    namespace: shop
spec:
    serviceAccountName: web
    containers:
        - name: a
          image: x
";
    let expected = format!(
        "{pod}{}{}",
        "          env:
              - name: AWS_ROLE_ARN
                value: arn:aws:iam::111122223333:role/web
              - name: AWS_WEB_IDENTITY_TOKEN_FILE
                value: /var/run/secrets/eks.amazonaws.com/serviceaccount/token
          volumeMounts:
              - name: aws-iam-token
                readOnly: true
                mountPath: /var/run/secrets/eks.amazonaws.com/serviceaccount
",
        "    volumes:
        - name: aws-iam-token
          projected:
              sources:
                  - serviceAccountToken:
                        audience: sts.amazonaws.com
                        expirationSeconds: 86400
                        path: token
"
    );
    assert_eq!(injected(pod, &[]), expected);
}

/// A pod with something in it, its text before and after the place where the container's additions
/// go.
fn pod_with(before: &str, after: &str) -> (String, String) {
    let head = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: shop\nspec:\n  \
                serviceAccountName: web\n";
    let container = "  containers:\n  - name: a\n    image: x\n";
    let input = [head, before, container, after].concat();
    let output = [head, before, container, &container_additions(4), after, &pod_additions(2)].concat();
    (input, output)
}

#[test]
fn a_mode_in_octal_stays_octal() {
    let (input, output) = pod_with("", "  x:\n    defaultMode: 0644\n    mode: 0o644\n");
    assert_eq!(injected(&input, &[]), output);
    assert_eq!(values(&output)[0]["spec"]["x"], json!({"defaultMode": 420, "mode": 420}));
}

#[test]
fn on_and_yes_stay_booleans_as_values_and_words_as_keys() {
    let (input, output) = pod_with("  hostNetwork: on\n  hostPID: yes\n  off: no\n", "");
    assert_eq!(injected(&input, &[]), output);
    let spec = &values(&output)[0]["spec"];
    assert_eq!((&spec["hostNetwork"], &spec["hostPID"]), (&json!(true), &json!(true)));
}

#[test]
fn quoted_words_and_numbers_stay_strings() {
    let (input, output) = pod_with("  a: \"on\"\n  b: '0644'\n  c: !!str 1e3\n  d: 1_000\n  e: 12e03\n", "");
    assert_eq!(injected(&input, &[]), output);
    let spec = &values(&output)[0]["spec"];
    assert_eq!((&spec["a"], &spec["b"], &spec["c"]), (&json!("on"), &json!("0644"), &json!("1e3")));
}

#[test]
fn anchors_keep_their_meaning_where_an_aliased_container_is_changed() {
    let input = "\
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
x-env: &env
- {name: A, value: \"1\"}
spec:
  serviceAccountName: web
  containers:
  - name: a
    env: *env
  - name: b
    image: &image x
  - name: c
    image: *image
";
    let output = injected(input, &[]);
    assert!(output.contains("x-env: &env\n- {name: A, value: \"1\"}\nspec:"), "{output}");
    assert!(output.contains("    image: &image x\n") && output.contains("    image: *image\n"), "{output}");
    let value = &values(&output)[0];
    assert_eq!(value["x-env"], json!([{"name": "A", "value": "1"}]));
    let names = |container: usize| {
        let env = value["spec"]["containers"][container]["env"].as_array().unwrap();
        env.iter().map(|env| env["name"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["A", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]);
    assert_eq!(names(1), ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]);
    assert_eq!(names(2), names(1));
    assert_eq!(value["spec"]["containers"][2]["image"], "x");
}

#[test]
fn merge_keys_keep_their_meaning_beside_what_is_added() {
    let input = "\
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
x-base: &base
  image: x
  env:
  - {name: A, value: \"1\"}
spec:
  serviceAccountName: web
  containers:
  - <<: *base
    name: a
  - <<: *base
    name: b
    image: other
";
    let output = injected(input, &[]);
    assert_eq!(output.matches("<<: *base\n").count(), 2, "{output}");
    let value = &values(&output)[0];
    assert_eq!(value["x-base"], json!({"image": "x", "env": [{"name": "A", "value": "1"}]}));
    for (place, image) in [(0, "x"), (1, "other")] {
        let container = &value["spec"]["containers"][place];
        assert_eq!(container["image"], image);
        assert_eq!(container["env"][0], json!({"name": "A", "value": "1"}));
        assert_eq!(container["env"][1]["name"], "AWS_ROLE_ARN");
        assert_eq!(container["volumeMounts"][0]["name"], "aws-iam-token");
    }
}

#[test]
fn explicit_keys_keep_their_document_as_it_is() {
    let (input, output) = pod_with(
        "  # why\n  ? a long key\n  : \"value\"\n  ? \"no\n    value\"\n",
        "  ? |-\n    last\n  : # inner\n    - {x:  'y'}\n",
    );
    assert_eq!(injected(&input, &[]), output);
    assert_eq!(values(&output)[0]["spec"]["last"], json!([{"x": "y"}]));
}

#[test]
fn comments_that_are_lost_because_a_document_is_written_anew_are_told() {
    let alias = "\
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
spec:
  serviceAccountName: web
  containers: &containers
  - name: a # the app
x-containers: *containers # the same
";
    let (in_place, _) = pod_with("  # kept\n", "");
    let files =
        Files::new(&[("account.yaml", ACCOUNT), ("pods.yaml", &format!("{in_place}---\n# two\n{alias}"))]);
    let run = |args: &[&str]| {
        files.run(&[&["-f", "@pods.yaml", "--manifests", "@account.yaml"], args].concat(), "")
    };
    let pods = files.path("pods.yaml");
    let said = format!(
        "pod-identity-webhook: {}: document 2, line 14: the document cannot be edited in place, so that it is \
         written anew and loses comments, the first on line 20\n",
        pods.display()
    );
    let printed = run(&[]);
    assert_eq!((printed.code, printed.stderr), (0, said));
    assert!(printed.stdout.contains("# kept\n") && printed.stdout.contains("# two\n"), "{}", printed.stdout);
    assert!(!printed.stdout.contains("# the"), "{}", printed.stdout);
    // Neither of these prints the document.
    for args in [["--explain"], ["--output=patch"]] {
        assert_eq!(run(&args).stderr, "", "{args:?}");
    }
}

#[test]
fn block_scalars_are_kept_to_the_byte() {
    let (input, output) = pod_with(
        "",
        "  x: |-\n    #!/bin/sh\n\n      echo hi  \n    # no comment\n  y: >+\n    a\n    b\n\n  z: 1\n",
    );
    assert_eq!(injected(&input, &[]), output);
}

#[test]
fn flow_style_stays_flow_style() {
    let input = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop}, \
                 spec: {serviceAccountName: web, containers: [{name: a}]}}\n";
    let expected = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop}, \
        spec: {serviceAccountName: web, containers: [{name: a, env: [\
        {name: AWS_ROLE_ARN, value: \"arn:aws:iam::111122223333:role/web\"}, \
        {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /var/run/secrets/eks.amazonaws.com/serviceaccount/token}], \
        volumeMounts: [{name: aws-iam-token, readOnly: true, \
        mountPath: /var/run/secrets/eks.amazonaws.com/serviceaccount}]}], \
        volumes: [{name: aws-iam-token, projected: {sources: [{serviceAccountToken: \
        {audience: sts.amazonaws.com, expirationSeconds: 86400, path: token}}]}}]}}\n";
    assert_eq!(injected(input, &[]), expected);
}

#[test]
fn lines_that_end_as_on_windows_end_so_everywhere() {
    let (input, output) = pod_with("  # a comment\n", "  restartPolicy: Never\n");
    let windows = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(injected(&windows(&input), &[]), windows(&output));
}

#[test]
fn json_stays_json_in_its_layout_and_its_numbers() {
    let json = |env: &str, volumes: &str| {
        format!(
            "{{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"Pod\",\n    \
             \"metadata\": {{\"namespace\": \"shop\", \"name\": \"p\"}},\n    \"spec\": {{\n        \
             \"serviceAccountName\": \"web\",\n        \"priority\": 1e3,\n        \
             \"hostname\": \"\\u00e9\\/\",\n        \"containers\": [\n            \
             {{\"name\": \"a\"{env}}}\n        ]{volumes}\n    }}\n}}\n"
        )
    };
    let output = injected(&json("", ""), &[]);
    assert!(output.starts_with(json("", "").split("\"a\"").next().unwrap()), "{output}");
    super::assert_injected(&serde_json::from_str(&output).unwrap());
}

#[test]
fn a_stream_without_pods_is_printed_to_the_byte() {
    for text in [
        "",
        "\n",
        "# a comment\n",
        "a: b",
        "---\n---\n# x\n---\na: 0644 # y\n...\n",
        "{\"a\":  1}{\"b\": 2}\n\n",
        "a: b\r\n---\r\nc: [1,2 ,3]\r\n",
        "\u{feff}a: b\n",
        "apiVersion: example.com/v1\nkind: Pod\nspec: 5\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec: {}\n",
    ] {
        assert_eq!(injected(text, &[]), text);
    }
}

#[test]
fn what_is_complete_is_printed_to_the_byte() {
    let (input, output) = pod_with("  # 1\n", "");
    assert_eq!(injected(&input, &[]), output);
    assert_eq!(injected(&output, &[]), output);
}

#[test]
fn a_chart_s_output_keeps_its_source_comments() {
    let account = indented(0, &super::ACCOUNT.replace("  namespace: shop\n", ""));
    let chart = |env: &str, volumes: &str| {
        format!(
            "---\n# Source: shop/templates/account.yaml\n{account}---\n# Source: shop/templates/job.yaml\n\
             apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: release-shop\n  labels:\n    \
             helm.sh/chart: shop-0.1.0\nspec:\n  schedule: \"*/5 * * * *\"\n  jobTemplate:\n    spec:\n      \
             template:\n        spec:\n          serviceAccountName: web\n          containers:\n            \
             - name: job\n              image: \"shop/job:latest\"\n              resources:\n                {{}}\n\
             {env}          restartPolicy: OnFailure\n{volumes}---\n# Source: shop/templates/service.yaml\n\
             apiVersion: v1\nkind: Service\n"
        )
    };
    let env = "              env:
                - name: AWS_ROLE_ARN
                  value: arn:aws:iam::111122223333:role/web
                - name: AWS_WEB_IDENTITY_TOKEN_FILE
                  value: /var/run/secrets/eks.amazonaws.com/serviceaccount/token
              volumeMounts:
                - name: aws-iam-token
                  readOnly: true
                  mountPath: /var/run/secrets/eks.amazonaws.com/serviceaccount
";
    let volumes = "          volumes:
            - name: aws-iam-token
              projected:
                sources:
                  - serviceAccountToken:
                      audience: sts.amazonaws.com
                      expirationSeconds: 86400
                      path: token
";
    assert_eq!(injected(&chart("", ""), &[]), chart(env, volumes));
}
