//! Answers that are not valid: each is reported in one line that says which page and, as far as the SDK knows
//! it, where in it. The last set stays, and so does the process: the tests run in it.

use injection::Need;

use super::stand_in::{Fault, StandIn};
use super::{Watched, once, pace};

const SAYS: &str = "page 1 of EKS' list could not be read: ";

/// What comes instead of an answer, and what is said of it.
fn bad_answers() -> Vec<(Fault, &'static str)> {
    let body = |text: String| Fault::Body(Box::leak(text.into_boxed_str()));
    let is_no_text = "failed to parse JSON: expected ValueString or ValueNull";
    let has_no_list = "it has no member 'associations'";
    vec![
        (Fault::Cut, "error reading a body from connection"),
        (Fault::Body(r#"{"associations":[{"namespace":"shop","serviceAcc"#), "Error at offset 48: "),
        (
            body(format!(r#"{{"associations":[],"more":"{}"}}"#, "x".repeat(20_000_000))),
            "length limit exceeded",
        ),
        (Fault::Body(r#"{"associations":[{"namespace":7,"serviceAccount":"cart"}]}"#), is_no_text),
        (Fault::Body(r#"{"associations":[],"nextToken":[]}"#), is_no_text),
        (Fault::Body(r#"{"associations":{}}"#), "failed to parse JSON: expected start array or null"),
        (Fault::Body(r#"{"associations":["cart"]}"#), "failed to parse JSON: expected start object or null"),
        (Fault::Body("[]"), "Error at offset 0: failed to parse JSON: expected StartObject"),
        (Fault::Body("\0\0\0\0"), "Error at offset 0: unexpected token "),
        (Fault::Body("{\"associations\":[{\"namespace\":\"sh\0op\"}]}"), "Error at offset 33: "),
        (
            body(format!(r#"{{"associations":[],"more":{}"#, "[".repeat(100_000))),
            "failed to parse JSON: exceeded",
        ),
        (
            body(format!(r#"{{"associations":{}"#, "[".repeat(100_000))),
            "failed to parse JSON: expected start",
        ),
        (body(format!(r#"{{"associations":[{}"#, r#"{"clusterName":"#.repeat(50_000))), is_no_text),
        (Fault::Body("<html>busy</html>"), "Error at offset 0: unexpected token '<'"),
        (Fault::Body(""), has_no_list),
        (Fault::Body("{}"), has_no_list),
        (Fault::Body(r#"{"associations":null}"#), has_no_list),
    ]
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_of_by_its_place_and_the_last_set_stays() {
    let eks = StandIn::start().await;
    eks.put("shop", "cart");
    let watched = Watched::start(&eks, pace()).await;
    for (fault, words) in bad_answers() {
        eks.set_fault(fault);
        watched.wait_for_report(&format!(" ago: {SAYS}{words}")).await;
        let (is_ready, report) = watched.readiness.report();
        assert!(is_ready && report.lines().count() == 2, "{report}");
        assert!(watched.is_associated("cart", Need::Usual).await.unwrap());
        let error = watched.is_associated("plain", Need::OptedIn).await.unwrap_err().to_string();
        assert!(error.contains(&format!(" in eks-api: {SAYS}{words}")), "{error}");
        assert!(error.len() < 600 && !error.contains(char::is_control), "{error}");
        eks.set_fault(Fault::None);
        watched.wait_for_report("[+]eks-api ok\n").await;
    }
}

#[tokio::test]
async fn the_page_is_named_that_cannot_be_read() {
    let eks = StandIn::start().await;
    eks.put_many(250);
    eks.set_faults(Fault::Body("[]"), usize::MAX, 200);
    let watched = Watched::begin(&eks, pace());
    watched.wait_for_report("[-]eks-api not read yet: page 3 of EKS' list could not be read: ").await;
}

#[tokio::test]
async fn an_association_without_an_account_is_passed_over_and_told_of() {
    let eks = StandIn::start().await;
    eks.set_fault(Fault::Body(
        r#"{"associations":[{"associationId":"a-1","namespace":"shop"},
            {"namespace":"shop","serviceAccount":"cart"},{"serviceAccount":null}],"nextToken":""}"#,
    ));
    let watched = Watched::start(&eks, once()).await;
    assert!(watched.is_associated("cart", Need::Usual).await.unwrap());
    let told = "[+]eks-api ok (entries passed over: 2: association a-1 names no ServiceAccount; association \
                without an id names no ServiceAccount)\n";
    watched.wait_for_report(told).await;
    assert!((watched.metric("passed_over_entries{source=\"eks-api\"}") - 2.0).abs() < 0.5);
}
