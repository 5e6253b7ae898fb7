//! Documents that the text edit must not or cannot edit: aliases, merge keys, odd layouts.

use serde_json::json;

use super::patched;
use crate::{RenderError, parse};

#[test]
fn alias_on_the_path_is_replaced_by_what_it_stands_for() {
    let text = "x: &x {a: 1} # shared\nw: *x # use\nz: *x\n";
    let patch = json!([{"op": "add", "path": "/w/b", "value": 2}]);
    assert_eq!(patched(text, &[patch]), "x: &x {a: 1} # shared\nw: # use\n  a: 1\n  b: 2\nz: *x\n");
}

#[test]
fn text_before_a_comment_that_a_literal_block_would_swallow_is_quoted() {
    let text = "list:\n- - null # c\n   # d\nz:\n a: 1\n";
    let patch = json!([{"op": "add", "path": "/list/-", "value": {"a": "0\n"}}]);
    let after = patched(text, &[patch]);
    assert!(text.lines().all(|line| after.lines().any(|other| other == line)), "{after}");
    assert!(after.contains("a: \"0\\n\""), "{after}");
}

#[test]
fn indented_flow_mapping_is_written_anew_without_its_indentation() {
    let text = " {:nv}\n\n";
    let patch = json!([{"op": "add", "path": "/a", "value": 1}]);
    assert_eq!(patched(text, &[patch]), "\":nv\": null\na: 1\n\n");
}

#[test]
fn text_that_reads_otherwise_behind_another_document_is_refused() {
    // A JSON value, and a YAML document on its line: written anew, that starts like JSON and is read as it.
    let stream = parse("{} ? \"1\"\n").unwrap();
    let patch = |patch| Some(serde_json::from_value(patch).unwrap());
    let patches = [None, patch(json!([{"op": "add", "path": "/1", "value": 1}]))];
    let rendered = stream.render(&patches);
    assert!(matches!(rendered, Err(RenderError::ReadBack { document: 2 })), "{rendered:?}");
}

#[test]
fn edit_within_an_anchor_in_use_does_not_reach_its_aliases() {
    let text = "# head\n---\n# lead\nx: &x\n  a: 1 # one\nw: *x\n# tail\n";
    let patch = json!([{"op": "add", "path": "/x/b", "value": "on"}]);
    assert_eq!(patched(text, &[patch]), "# head\n---\n# lead\nx:\n  a: 1\n  b: \"on\"\nw:\n  a: 1\n# tail\n");
}

#[test]
fn edit_within_an_anchor_not_in_use_keeps_it() {
    let text = "x: &x # c\n  a: 1\nw: &y []\n";
    let patch = json!([
        {"op": "add", "path": "/x/b", "value": 2},
        {"op": "add", "path": "/w/-", "value": 3},
    ]);
    assert_eq!(patched(text, &[patch]), "x: &x # c\n  a: 1\n  b: 2\nw: &y\n- 3\n");
}

#[test]
fn key_from_a_merge_is_overridden_where_it_was_merged() {
    let text = "x: &x {l: {a: 1}, m: 2}\nw:\n  <<: *x # base\n  n: 3\n";
    let patch = json!([{"op": "add", "path": "/w/l/b", "value": 4}]);
    assert_eq!(
        patched(text, &[patch]),
        "x: &x {l: {a: 1}, m: 2}\nw:\n  <<: *x # base\n  n: 3\n  l:\n    a: 1\n    b: 4\n"
    );
}

#[test]
fn key_that_a_later_merge_overrides_is_written_anew() {
    let text = "x: &x {a: 1}\nw:\n  a: 0\n  <<: *x\n";
    let patch = json!([{"op": "add", "path": "/w/a", "value": 5}]);
    assert_eq!(patched(text, &[patch]), "x:\n  a: 1\nw:\n  a: 5\n");
}

#[test]
fn tag_that_would_change_the_added_value_is_written_anew() {
    let text = "a: !!str 5\nb: !!null\n";
    let patch = json!([{"op": "add", "path": "/a", "value": 6}, {"op": "add", "path": "/b", "value": [1]}]);
    assert_eq!(patched(text, &[patch]), "a: 6\nb:\n- 1\n");
}

#[test]
fn of_keys_written_twice_the_last_is_edited() {
    let patch = json!([{"op": "add", "path": "/a/-", "value": 3}]);
    assert_eq!(patched("a: [1]\nb: 0\na: [2]\n", &[patch]), "a: [1]\nb: 0\na: [2, 3]\n");
}

#[test]
fn removed_parts_are_written_anew() {
    let patch = json!([{"op": "remove", "path": "/a"}]);
    assert_eq!(patched("# c\na: 1\nb: 0755 # x\n...\n", &[patch]), "# c\nb: 493\n...\n");
}

#[test]
fn json_that_the_editor_cannot_edit_is_written_anew_with_its_indentation() {
    let patch = json!([{"op": "remove", "path": "/a/0"}]);
    assert_eq!(patched("{\n\t\"a\": [1, 2]\n}\n", &[patch]), "{\n\t\"a\": [\n\t\t2\n\t]\n}\n");
}

#[test]
fn patch_that_does_not_apply_names_the_document() {
    let stream = parse("a: 1\n---\nb: 1\n").unwrap();
    let patch = serde_json::from_value(json!([{"op": "add", "path": "/x/y", "value": 1}])).unwrap();
    let error = stream.render(&[None, Some(patch)]).unwrap_err();
    assert!(matches!(error, RenderError::ApplyPatch { document: 2, .. }));
}
