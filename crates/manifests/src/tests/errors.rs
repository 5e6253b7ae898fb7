//! Errors name the document and the line; hostile text is refused, never a panic.

use std::fmt::Write;

use super::problem;
use crate::{Problem, parse};

fn error(text: &str) -> (usize, usize, String) {
    let error = parse(text).unwrap_err();
    (error.document, error.line, error.to_string())
}

#[test]
fn error_names_document_and_line_of_the_whole_text() {
    let text = "# head\n---\na: 1\n---\n# only a comment\n---\nb: 1\nc: \"x\" y\nd: 3\n";
    let (document, line, message) = error(text);
    assert_eq!((document, line), (2, 8));
    assert!(message.starts_with("document 2, line 8"), "{message}");
}

#[test]
fn bad_indentation_tabs_aliases_and_quotes_are_errors() {
    assert_eq!(error("a:\n  b: 1\n c: 2\n").1, 3);
    assert_eq!(error("a:\n\tb: 1\n").1, 2);
    assert_eq!(error("x: 1\na: *nowhere\n").1, 2);
    assert_eq!(error("x: 1\n---\na: 'open\n").0, 2);
    assert_eq!(error("a: \"open\n").0, 1);
}

#[test]
fn meaning_that_json_lacks_is_an_error_on_its_line() {
    assert_eq!(error("a: 1\nb: .inf\n").1, 2);
    assert_eq!(
        error("a: 1\n---\n~: 1\n").2,
        "document 2, line 3: a mapping key has to be a string, number or boolean"
    );
    assert_eq!(error("a: 1\nb: !!int x\n").2, "document 1, line 2: cannot read \"x\" as !!int");
}

#[test]
fn text_behind_a_separator_is_an_error() {
    let (document, line, message) = error("a: 1\n--- b\nc: 1\n");
    assert_eq!((document, line), (2, 2));
    assert!(message.contains("`---` is followed by \"b\""), "{message}");
}

#[test]
fn json_error_names_line_and_column() {
    let (document, line, message) = error("{\n \"a\": 1,\n \"b\" 2\n}\n");
    assert_eq!((document, line), (1, 3));
    assert!(message.contains("expected `:`"), "{message}");
    assert_eq!(error("{\"a\":1}\n{\"b\":2}\n{\"c\":\n}\n").0, 3);
}

#[test]
fn forbidden_characters_are_errors() {
    assert_eq!(parse("a: \0\n").unwrap_err().problem, Problem::Character(0));
    let error = parse("a: 1\nb: é\u{2028}\n").unwrap_err();
    assert_eq!((error.line, error.column), (2, Some(5)));
    assert_eq!(error.problem, Problem::LineBreak(0x2028));
}

#[test]
fn spellings_that_kubectl_takes_for_something_else_are_errors() {
    for text in ["a: {x:}\n", "a: [x:]\n", "a: [?a]\n", "a: [!t, z]\n", "a: &b: x\n"] {
        let error = parse(text).unwrap_err();
        assert!(matches!(error.problem, Problem::Dialect(_)), "{text}: {error}");
    }
}

#[test]
fn aliases_cannot_blow_a_document_up() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        writeln!(text, "a{level}: &a{level} [{below}]").unwrap();
    }
    assert!(matches!(parse(&text).unwrap_err().problem, Problem::Expansion(_)));

    let wide = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(2000));
    assert!(matches!(parse(&wide).unwrap_err().problem, Problem::Expansion(_)));

    let mut merges = "m0: &m0 {a: 1}\n".to_owned();
    for level in 1..40 {
        let below = level - 1;
        writeln!(merges, "m{level}: &m{level} {{<<: [*m{below}, *m{below}]}}").unwrap();
    }
    assert!(matches!(parse(&merges).unwrap_err().problem, Problem::Expansion(_)));
}

#[test]
fn aliases_within_their_own_anchor_are_errors() {
    assert_eq!(parse("a: &a [*a]\n").unwrap_err().problem, Problem::Cycle);
    assert_eq!(parse("a: &a {<<: *a}\n").unwrap_err().problem, Problem::Cycle);
}

#[test]
fn depth_is_bounded_for_every_way_to_nest() {
    let deep = 200_000;
    let mut alias_chain = "a0: &a0 []\n".to_owned();
    for level in 1..100 {
        let below = level - 1;
        writeln!(alias_chain, "a{level}: &a{level} [[*a{below}]]").unwrap();
    }
    let mut block = String::new();
    for depth in 0..300 {
        writeln!(block, "{:depth$}a:", "").unwrap();
    }
    for (text, expected) in [
        ("[".repeat(deep), "Yaml"),
        ("{a: ".repeat(deep), "Yaml"),
        ("- ".repeat(deep), "Depth"),
        ("? ".repeat(deep), "Depth"),
        ("{\"a\":".repeat(deep), "Json"),
        (block, "Depth"),
        (alias_chain, "Depth"),
    ] {
        assert_eq!(problem(&text), expected);
    }
    let fits = format!("{}1{}\n", "[".repeat(100), "]".repeat(100));
    assert!(parse(&fits).is_ok());
}
