//! Explicit keys (`? key`), which Go's YAML writers use for keys above 128 characters: documents with
//! them are edited like others.

use serde_json::{Value, json};

use super::{patched, problem};

fn list() -> Value {
    json!([{"op": "add", "path": "/new", "value": [1]}])
}

#[test]
fn document_with_an_explicit_key_keeps_every_byte_around_what_is_added() {
    let text = "\
apiVersion: v1
kind: Pod
metadata:
  name: a
  annotations:
    # why
    ? long
    : \"value\"
spec:
  # inner
  containers:
  - name: \"app\" # named
    image:   x
";
    let patch = json!([
        {"op": "add", "path": "/metadata/annotations/note", "value": "1"},
        {"op": "add", "path": "/spec/containers/0/env", "value": [{"name": "A"}]},
        {"op": "add", "path": "/spec/volumes", "value": [{"name": "t"}]},
    ]);
    let expected = text.replace(": \"value\"\n", ": \"value\"\n    note: \"1\"\n")
        + "    env:\n    - name: A\n  volumes:\n  - name: t\n";
    assert_eq!(patched(text, &[patch]), expected);
}

#[test]
fn key_in_any_style_is_kept_with_its_value_and_comments() {
    for text in [
        "? a\n: b\n",
        "# 0\n? a # 1\n# 2\n: b # 3\n",
        "?   a\n\n:\n    b\n",
        "?\n  # 1\n  a\n:   # 2\n  b\n",
        "? \"a \\\n  b\"\n: 'c'\n",
        "? 'a: b'\n: c\n",
        "? a\n  b\n: c\n  d\n",
        "? |\n  a:\n  # no comment\n\n# 1\n: >-\n  b\n",
        "? ?a\n: :b\n",
        "? &x a\n: *x\n",
        "x: &x a\n? *x\n: b\n",
        "? !!str 1\n: !!str 2\n",
        "? !!str # empty\n: 1\n",
        "!!str : 1\n",
        "? a\n: {b: c,\n d: e}\n",
        "? a\n? b\n: \n? c\n:\n? d # 1\n",
        "? a\nb: c\n? d\n",
        ":a: 1\n? b\n:c: 2\n",
        "?a: 1\n? b\n?c: 2\n",
        "x: 1\n? a\n: x:\n  - q: 1\n",
    ] {
        assert_eq!(patched(text, &[list()]), format!("{text}new:\n- 1\n"));
        let windows = text.replace('\n', "\r\n");
        assert_eq!(patched(&windows, &[list()]), format!("{windows}new:\r\n- 1\r\n"));
    }
}

#[test]
fn last_line_without_an_end_gets_one() {
    assert_eq!(patched("? a", &[list()]), "? a\nnew:\n- 1");
    assert_eq!(patched("? a\n:", &[list()]), "? a\n:\nnew:\n- 1");
    assert_eq!(patched("? a # c\n: b", &[list()]), "? a # c\n: b\nnew:\n- 1");
}

#[test]
fn additions_go_below_an_explicit_key_in_every_layout_of_its_value() {
    let patch = json!([
        {"op": "add", "path": "/a/l/-", "value": {"x": 1}},
        {"op": "add", "path": "/a/m", "value": {"q": [2]}},
        {"op": "add", "path": "/new", "value": [1]},
    ]);
    for (text, expected) in [
        // The value on the colon's line, whose columns say nothing of the document's style.
        (
            "? a\n: l: # 1\n  - b # 2\n  # 3\n",
            "? a\n: l: # 1\n  - b # 2\n  - x: 1\n  m:\n    q:\n    - 2\nnew:\n- 1\n  # 3\n",
        ),
        (
            "? a\n:    l: # 1\n      - b # 2\n",
            "? a\n:    l: # 1\n      - b # 2\n      - x: 1\n     m:\n       q:\n        - 2\nnew:\n - 1\n",
        ),
        (
            "? a # 0\n:\n    l:\n    - b # 1\n",
            "? a # 0\n:\n    l:\n    - b # 1\n    - x: 1\n    m:\n        q:\n        - 2\nnew:\n- 1\n",
        ),
        (
            "? a\n:\n  ? l\n  : - b # 1\n    - c\n",
            "? a\n:\n  ? l\n  : - b # 1\n    - c\n    - x: 1\n  m:\n    q:\n    - 2\nnew:\n- 1\n",
        ),
        (
            "? a\n:\n  ? l\n  :\n  - b # 1\n",
            "? a\n:\n  ? l\n  :\n  - b # 1\n  - x: 1\n  m:\n    q:\n    - 2\nnew:\n- 1\n",
        ),
        ("? a\n: {l: [b]} # 1\n", "? a\n: {l: [b, {x: 1}], m: {q: [2]}} # 1\nnew:\n- 1\n"),
    ] {
        assert_eq!(patched(text, std::slice::from_ref(&patch)), expected);
    }
}

#[test]
fn additions_go_into_items_that_begin_with_an_explicit_key() {
    let text = "l:\n- ? a\n  : b # 1\n-   ? c # 2\n    # 3\n    : - d\n";
    let patch = json!([
        {"op": "add", "path": "/l/0/x", "value": 1},
        {"op": "add", "path": "/l/1/c/-", "value": "e"},
        {"op": "add", "path": "/l/1/q", "value": 2},
    ]);
    assert_eq!(
        patched(text, &[patch]),
        "l:\n- ? a\n  : b # 1\n  x: 1\n-   ? c # 2\n    # 3\n    : - d\n      - e\n    q: 2\n"
    );
}

#[test]
fn key_without_a_colon_ends_before_a_key_that_begins_with_one() {
    let patch = json!([{"op": "add", "path": "/m/x", "value": 1}]);
    assert_eq!(patched("m:\n  ? a # 1\n:b: 'c'\n", &[patch]), "m:\n  ? a # 1\n  x: 1\n:b: 'c'\n");
}

#[test]
fn value_behind_an_explicit_key_is_replaced_on_its_own_line() {
    let patch = json!([
        {"op": "add", "path": "/a", "value": {"x": 1}},
        {"op": "add", "path": "/b", "value": 2},
        {"op": "add", "path": "/c", "value": [3]},
    ]);
    assert_eq!(
        patched("? a\n: {} # 1\n? b\n: # 2\n? c # 3\n:   null\n# 4\n", &[patch]),
        "? a\n: # 1\n  x: 1\n? b\n: 2 # 2\n? c # 3\n:\n- 3\n# 4\n"
    );
}

#[test]
fn explicit_keys_of_flow_mappings_are_kept() {
    assert_eq!(patched("{? a : b, ? c } # 1\n", &[json!([])]), "{? a : b, ? c } # 1\n");
    assert_eq!(patched("{? c, ? a : b} # 1\n", &[list()]), "{? c, ? a : b, new: [1]} # 1\n");
    let patch = json!([{"op": "add", "path": "/m/x/-", "value": 2}]);
    assert_eq!(
        patched("m: {\n  ? x # 1\n  : [1],\n} # 2\n", &[patch]),
        "m: {\n  ? x # 1\n  : [1, 2],\n} # 2\n"
    );
}

#[test]
fn null_behind_a_key_without_a_colon_is_written_anew() {
    let patch = json!([{"op": "add", "path": "/a", "value": 1}]);
    assert_eq!(patched("# c\n? a\nb: 'c'\n", &[patch]), "# c\na: 1\nb: c\n");
}

#[test]
fn collections_as_keys_are_refused() {
    assert_eq!(problem("? a\n: b\n? [c: 1, d]\n"), "Key");
    assert_eq!(problem("? a: b\n: c\n"), "Key");
    assert_eq!(problem("? - a\n: c\n"), "Key");
}
