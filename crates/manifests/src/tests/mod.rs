//! Tests of the module as its caller sees it.

mod deployment;
mod errors;
mod explicit;
mod keys;
mod losses;
mod property;
mod render;
mod rewrite;
mod scalars;
mod streams;

use serde_json::Value;

use super::{Rendered, parse};

/// The name of the [`crate::Problem`] for which the text is refused.
fn problem(text: &str) -> String {
    let problem = format!("{:?}", parse(text).expect_err(text).problem);
    problem.split(['(', ' ']).next().unwrap().to_owned()
}

/// Parses the text, patches its documents in order and renders it.
fn patched(text: &str, patches: &[Value]) -> String {
    rendered(text, patches).text
}

fn rendered(text: &str, patches: &[Value]) -> Rendered {
    let stream = parse(text).unwrap();
    let patches: Vec<_> =
        patches.iter().map(|patch| Some(serde_json::from_value(patch.clone()).unwrap())).collect();
    let rendered = stream.render(&patches).unwrap();
    // Whatever the text looks like, it must say the patched values.
    let read = parse(&rendered.text).unwrap();
    for ((document, patch), read) in stream.documents().iter().zip(&patches).zip(read.documents()) {
        let mut value = document.value().clone();
        json_patch::patch(&mut value, patch.as_ref().unwrap()).unwrap();
        assert_eq!(read.value(), &value);
    }
    rendered
}
