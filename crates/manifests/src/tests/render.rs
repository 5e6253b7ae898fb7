//! What edited documents look like: only the added lines differ, in the document's own style.

use serde_json::{Value, json};

use super::patched;
use crate::parse;

fn env() -> Value {
    json!({"name": "AWS_REGION", "value": "eu-west-1"})
}

#[test]
fn untouched_stream_keeps_every_byte() {
    let text =
        "\u{feff}# head\r\n\n--- # one\na:   'x'\n...\njunk: [\n---\n\n---\nb: 0644\t\n--- \n{\"c\": on}";
    let stream = parse(text).unwrap();
    assert_eq!(stream.documents().len(), 3);
    assert_eq!(stream.render(&[]).unwrap().text, text);
    let empty = Some(json_patch::Patch(Vec::new()));
    let same: json_patch::Patch =
        serde_json::from_value(json!([{"op": "add", "path": "/b", "value": 420}])).unwrap();
    assert_eq!(stream.render(&[empty, Some(same), None]).unwrap().text, text);
}

#[test]
fn documents_know_their_numbers_and_lines() {
    let stream = parse("# a\n---\n\n# b\nx: 1\n---\n# c\n---\ny: 2\n").unwrap();
    let places: Vec<_> = stream.documents().iter().map(|it| (it.number(), it.line())).collect();
    assert_eq!(places, [(1, 5), (2, 9)]);
}

#[test]
fn list_items_are_edited_each_in_place() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  spec:\n    containers:\n    - name: a\n- kind: Service\n- kind: Pod\n  spec:\n    volumes: ~ # none yet\n    containers:\n    -   name: b\n        env: []\n";
    let expected = "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  spec:\n    containers:\n    - name: a\n      env:\n      - name: AWS_REGION\n        value: eu-west-1\n    volumes:\n    - name: t\n- kind: Service\n- kind: Pod\n  spec:\n    volumes: # none yet\n    - name: t\n    containers:\n    -   name: b\n        env:\n        - name: AWS_REGION\n          value: eu-west-1\n";
    let patch = json!([
        {"op": "add", "path": "/items/0/spec/containers/0/env", "value": [env()]},
        {"op": "add", "path": "/items/0/spec/volumes", "value": [{"name": "t"}]},
        {"op": "add", "path": "/items/2/spec/volumes", "value": [{"name": "t"}]},
        {"op": "add", "path": "/items/2/spec/containers/0/env/-", "value": env()},
    ]);
    assert_eq!(patched(text, &[patch]), expected);
}

#[test]
fn cron_job_among_other_documents_is_the_only_one_changed() {
    let text = "kind: Namespace\n---\n# nightly\nkind: CronJob\nspec:\n    schedule: \"0 3 * * *\"\n    suspend: off\n    jobTemplate:\n        spec:\n            template:\n                spec:\n                    containers:\n                        - name: job\n                          command: [sh, -c, 'run']\n--- # last\nkind: Secret\n";
    let expected = "kind: Namespace\n---\n# nightly\nkind: CronJob\nspec:\n    schedule: \"0 3 * * *\"\n    suspend: off\n    jobTemplate:\n        spec:\n            template:\n                spec:\n                    containers:\n                        - name: job\n                          command: [sh, -c, 'run']\n                          env:\n                              - name: AWS_REGION\n                                value: eu-west-1\n                    securityContext:\n                        fsGroup: 65534\n--- # last\nkind: Secret\n";
    let at = "/spec/jobTemplate/spec/template/spec";
    let patch = json!([
        {"op": "add", "path": format!("{at}/containers/0/env"), "value": [env()]},
        {"op": "add", "path": format!("{at}/securityContext"), "value": {"fsGroup": 65534}},
    ]);
    // The four columns to the dashes are those of `containers`, wherever a list is added.
    assert_eq!(patched(text, &[json!([]), patch, json!([])]), expected);
}

#[test]
fn flow_style_pod_stays_in_flow_style() {
    let text = "{kind: Pod, metadata: {labels: {}}, spec: {containers: [{name: a, env: [{name: X, value: 'y'}]}]}} # pod\n";
    let expected = "{kind: Pod, metadata: {labels: {team: a b}}, spec: {containers: [{name: a, env: [{name: X, value: 'y'}, {name: AWS_REGION, value: eu-west-1}]}], volumes: [{name: t, emptyDir: {}}]}} # pod\n"
        .replace("a b", "\"a b\"");
    let patch = json!([
        {"op": "add", "path": "/spec/containers/0/env/-", "value": env()},
        {"op": "add", "path": "/spec/volumes", "value": [{"name": "t", "emptyDir": {}}]},
        {"op": "add", "path": "/metadata/labels/team", "value": "a b"},
    ]);
    assert_eq!(patched(text, &[patch]), expected);
}

#[test]
fn json_keeps_its_indentation() {
    let text = "{\n    \"kind\": \"Pod\",\n    \"spec\": {\n        \"containers\": [\n            {\n                \"name\": \"a\",\n                \"env\": []\n            }\n        ]\n    }\n}\n{\"kind\":\"Pod\",\"spec\":{}}\n";
    let expected = "{\n    \"kind\": \"Pod\",\n    \"spec\": {\n        \"containers\": [\n            {\n                \"name\": \"a\",\n                \"env\": [\n                    {\n                        \"name\": \"AWS_REGION\",\n                        \"value\": \"eu-west-1\"\n                    }\n                ]\n            },\n            {\n                \"name\": \"b\"\n            }\n        ],\n        \"hostNetwork\": false\n    }\n}\n{\"kind\":\"Pod\",\"spec\":{\"volumes\":[{\"name\":\"t\"}]}}\n";
    let patch = json!([
        {"op": "add", "path": "/spec/containers/0/env/-", "value": env()},
        {"op": "add", "path": "/spec/containers/-", "value": {"name": "b"}},
        {"op": "add", "path": "/spec/hostNetwork", "value": false},
    ]);
    let second = json!([{"op": "add", "path": "/spec/volumes", "value": [{"name": "t"}]}]);
    assert_eq!(patched(text, &[patch, second]), expected);
}

#[test]
fn line_ends_and_a_missing_last_one_are_kept() {
    let patch = || json!([{"op": "add", "path": "/a/-", "value": {"x": 1, "q": [2]}}, {"op": "add", "path": "/z", "value": "1"}]);
    assert_eq!(
        patched("a:\r\n- b # c\r\n# d\r\n", &[patch()]),
        "a:\r\n- b # c\r\n- x: 1\r\n  q:\r\n  - 2\r\nz: \"1\"\r\n# d\r\n"
    );
    assert_eq!(patched("a:\n  - b", &[patch()]), "a:\n  - b\n  - x: 1\n    q:\n      - 2\nz: \"1\"");
    assert_eq!(
        patched("a: [1]\nt: |+\n  x\n\n\n---\nb: 1", &[patch(), json!([])]),
        "a: [1, {x: 1, q: [2]}]\nt: |+\n  x\n\n\nz: \"1\"\n---\nb: 1"
    );
    assert_eq!(patched("a: [1]\nt: |+\n  x", &[patch()]), "a: [1, {x: 1, q: [2]}]\nt: |+\n  x\nz: \"1\"");
}

#[test]
fn values_left_out_null_or_empty_take_what_is_added() {
    let patch = json!([
        {"op": "add", "path": "/a", "value": {"k": "v"}},
        {"op": "add", "path": "/b", "value": [1]},
        {"op": "add", "path": "/c/k", "value": true},
        {"op": "add", "path": "/d", "value": "s"},
        {"op": "add", "path": "/e/f", "value": ["x"]},
    ]);
    assert_eq!(
        patched("a:\n# c\nb: null # n\nc: {}\nd: old # o\ne:\n   f:\n", &[patch]),
        "a:\n   k: v\n# c\nb: # n\n- 1\nc:\n   k: true\nd: s # o\ne:\n   f:\n   - x\n"
    );
}

#[test]
fn empty_collection_over_several_lines_takes_what_is_added() {
    let patch = json!([
        {"op": "add", "path": "/a/-", "value": 1},
        {"op": "add", "path": "/b", "value": "x"},
        {"op": "add", "path": "/c/0/d", "value": 2},
    ]);
    assert_eq!(
        patched("a: [\n  ] # a\n# c\nb:\n  {\n\n}\nc:\n- {\n  } # e\n", &[patch]),
        "a: # a\n- 1\n# c\nb: x\nc:\n- {d: 2} # e\n"
    );
}

#[test]
fn items_are_inserted_where_the_patch_puts_them() {
    let text = "a:\n  # first\n  - name: x\n  - name: y # why\n";
    let patch = json!([
        {"op": "add", "path": "/a/0", "value": {"name": "v"}},
        {"op": "add", "path": "/a/2", "value": {"name": "w"}},
    ]);
    assert_eq!(
        patched(text, &[patch]),
        "a:\n  - name: v\n  # first\n  - name: x\n  - name: w\n  - name: y # why\n"
    );
}

#[test]
fn strings_that_would_change_their_kind_are_quoted() {
    let words = [
        "yes",
        "Null",
        "0644",
        "1e3",
        "1.10",
        "~",
        "",
        "a: b",
        "x #y",
        "- a",
        "=",
        "<<",
        "2020-01-01",
        "1:30",
        "nginx:1.25",
        "a b",
        "é",
        "TRUE",
        "nO",
    ];
    let patch = json!([{"op": "add", "path": "/w", "value": words}]);
    assert_eq!(
        patched("a: 1\n", &[patch]),
        "a: 1\nw:\n- \"yes\"\n- \"Null\"\n- \"0644\"\n- \"1e3\"\n- \"1.10\"\n- \"~\"\n- \"\"\n- \"a: b\"\n- \"x #y\"\n- \"- a\"\n- \"=\"\n- \"<<\"\n- \"2020-01-01\"\n- \"1:30\"\n- nginx:1.25\n- a b\n- \"é\"\n- \"TRUE\"\n- \"nO\"\n"
    );
}

#[test]
fn texts_of_several_lines_become_literal_blocks_where_exact() {
    let patch = json!([
        {"op": "add", "path": "/b", "value": "x\n\n y\n"},
        {"op": "add", "path": "/c", "value": ["p\nq", " x\ny", "x\n\n"]},
    ]);
    assert_eq!(
        patched("a: 1\n", &[patch]),
        "a: 1\nb: |\n  x\n\n   y\nc:\n- |-\n  p\n  q\n- \" x\\ny\"\n- \"x\\n\\n\"\n"
    );
}

#[test]
fn flow_sequences_take_items_at_either_end() {
    let patch = || {
        json!([
            {"op": "add", "path": "/a/0", "value": "x"},
            {"op": "add", "path": "/a/-", "value": "z"},
        ])
    };
    assert_eq!(patched("a: [ 1, ]\n", &[patch()]), "a: [ x, 1, z, ]\n");
    assert_eq!(
        patched("{\n  \"a\": [\n    1\n  ]\n}\n", &[patch()]),
        "{\n  \"a\": [\n    \"x\",\n    1,\n    \"z\"\n  ]\n}\n"
    );
    let empty = json!([{"op": "add", "path": "/a", "value": {"b": [1]}}]);
    assert_eq!(patched("{}", &[empty]), "{\"a\": {\"b\": [1]}}");
}

#[test]
fn blank_line_with_a_tab_stays_with_what_it_follows() {
    let patch = json!([{"op": "add", "path": "/b", "value": 2}]);
    assert_eq!(patched("a: 1\n  \t\n# c\n", &[patch]), "a: 1\n  \t\nb: 2\n# c\n");
}

#[test]
fn item_added_before_one_that_changes_keeps_the_layout() {
    let patch = json!([{"op": "replace", "path": "/a", "value": [1, 2]}]);
    assert_eq!(patched("a: [b] # c\n", &[patch]), "a: [1, 2] # c\n");
}
