//! What holds of every answer, whichever way it came.

use serde_json::{Value, json};
use test_support::cases::{Case, Expected, patched};
use test_support::client;

/// An answer, and the call that it names.
pub struct Answer {
    review: [Value; 3],
    pub expected: Expected,
}

impl Answer {
    pub fn read(bytes: &[u8]) -> Self {
        let answer: Value = serde_json::from_slice(bytes).unwrap();
        let response = &answer["response"];
        let status = &response["status"];
        let denial = status["message"].as_str().map(str::to_owned);
        assert_eq!(response["allowed"], json!(denial.is_none()));
        if denial.is_some() {
            assert_eq!((&status["code"], &status["reason"]), (&json!(403), &json!("Forbidden")));
        }
        let warnings = response["warnings"].as_array().into_iter().flatten();
        let patch = client::patch(response).unwrap_or_else(|| json!([]));
        let outcome = response["auditAnnotations"]["outcome"].as_str().unwrap();
        // It follows from a patch that something was injected, and is of interest if it then was in vain.
        let follows = outcome == "injected" || patch == json!([]) && outcome != "identity_unused";
        Self {
            review: [&answer["apiVersion"], &answer["kind"], &response["uid"]].map(Clone::clone),
            expected: Expected {
                patch,
                warnings: warnings.map(|warning| warning.as_str().unwrap().to_owned()).collect(),
                denial,
                outcome: (!follows).then(|| outcome.to_owned()),
            },
        }
    }
}

/// Checks the answer to a case's review, and that to the patched object: it gets no second patch.
pub fn check(case: &Case, mut answer: impl FnMut(Vec<u8>) -> Vec<u8>) -> Result<(), String> {
    let (mut review, expected) = (case.parsed(), case.expected());
    let Answer { review: names, expected: first } = Answer::read(&answer(case.review()));
    let asked = [&review["apiVersion"], &review["kind"], &review["request"]["uid"]].map(Clone::clone);
    same("names", &json!(names), &json!(asked))?;
    same("patch", &first.patch, &expected.patch)?;
    same("warnings", &json!(first.warnings), &json!(expected.warnings))?;
    same("denial", &json!(first.denial), &json!(expected.denial))?;
    same("outcome", &json!(first.outcome), &json!(expected.outcome))?;

    let object = &mut review["request"]["object"];
    *object = patched(object.take(), &first.patch)?;
    let again = Answer::read(&answer(serde_json::to_vec(&review).unwrap())).expected;
    same("patch of the second admission", &again.patch, &json!([]))?;
    same("denial of the second admission", &json!(again.denial), &json!(expected.denial))
}

/// An error that shows both where they differ.
pub fn same(what: &str, seen: &Value, expected: &Value) -> Result<(), String> {
    if seen == expected {
        return Ok(());
    }
    Err(format!("{what}:\n{seen:#}\nbut expected:\n{expected:#}"))
}
