//! Comments that are lost where a document is written anew, and that this is told.

use serde_json::{Value, json};

use super::rendered;
use crate::Loss;

/// Which comments are lost if the documents are written anew, each having an entry `a` to remove.
fn losses(text: &str, documents: usize) -> Vec<Loss> {
    let patch = json!([{"op": "remove", "path": "/a"}]);
    rendered(text, &vec![patch; documents]).losses
}

fn line(text: &str) -> Option<usize> {
    losses(text, 1).first().map(|Loss { line, .. }| *line)
}

#[test]
fn comments_within_a_document_that_is_written_anew_are_lost() {
    for (text, expected) in [
        ("a: 1\n# c\nb: 2\n", 2),
        ("a: 1\nb: 2 # c", 2),
        ("# head\n\na: 1 # c\n", 3),
        ("a: | # c\n  #\n  # x\nb: 2\n", 1),
        ("a: >-\n\n  #\n\n# c\nb: 2\n", 5),
        ("? a # c\n: 1\n", 1),
        ("? |\n  a\n  #\n# c\n: 1\na: 1\n", 4),
        ("a: |\n  #\n  # x\n# c\nb: 2\n", 4),
        ("a: x#y\nb: 'x # y'\nc: \"x\n  # y\"\nd: # c\n", 5),
        ("a: &x b\nb: !x#y c\nc: # c\n  - d\n", 3),
        ("a: x\n  y\nb: [\n  # c\n  c]\n", 4),
        ("{a: 1, # c\n b: 2}\n", 1),
        ("a: 1\r\n\r\nb: #\r\n- c\r\n", 3),
    ] {
        assert_eq!(line(text), Some(expected), "{text}");
    }
}

#[test]
fn comments_that_are_kept_are_not_lost() {
    for text in [
        "a: 1\nb: 2\n",
        "# head\n---\n# head\n\na: 1\nb: '#'\n# tail\n...\n# junk\n",
        "a: x#y\nb: |\n  # x\nc: >\n\n  # x\n\n# tail\n",
        "a: |+\n  #\n\n  # x\nb: 2\n# tail\n \n",
        "{\"a\": \" # x\"}",
        "{\"a\": \" # x\"} # tail\n",
    ] {
        assert_eq!(losses(text, 1), [], "{text}");
    }
}

#[test]
fn losses_name_the_document_and_the_line_of_the_whole_text() {
    let text = "# head\n---\n\na: 1\n---\n# only a comment\n---\n# head\na: 1\n# c\nb: 2\n--- # x\n\na: # c\n  # d\n";
    assert_eq!(losses(text, 3), [Loss { document: 2, line: 10 }, Loss { document: 3, line: 14 }]);
}

#[test]
fn document_that_is_edited_in_place_loses_nothing() {
    let patches: [Value; 2] = [json!([{"op": "add", "path": "/b", "value": 2}]), json!([])];
    assert_eq!(rendered("a: 1 # c\n# d\n---\n# e\na: 1 # f\n", &patches).losses, []);
}

#[test]
fn comment_that_an_empty_value_has_to_give_way_with_is_lost() {
    let patch = json!([{"op": "add", "path": "/a/-", "value": 1}]);
    for text in ["a: [ # c\n]\n", "a: # c\n  []\n"] {
        assert_eq!(
            rendered(text, std::slice::from_ref(&patch)).losses,
            [Loss { document: 1, line: 1 }],
            "{text}"
        );
    }
}
