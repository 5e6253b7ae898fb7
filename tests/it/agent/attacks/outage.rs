//! STS is down for an hour, as pods of a whole agent see it. The cache's own tests count its calls, and set the clock.

use std::time::Duration;

use pod_identity_webhook::agent::{Failure, FailureKind};

use crate::accounts::skip;
use crate::agent::Node;
use crate::support::wait::until;

#[tokio::test]
async fn pods_go_on_while_their_credentials_live_then_are_told_why_and_have_new_ones_once_sts_is_back() {
    let node = Node::start(&[]).await;
    let (token, newcomer) = (node.token("p1"), node.token("p2"));
    node.ask(&token).await.json();
    let down = Failure {
        status: 503,
        text: "[no request id]: (ServiceUnavailable): STS is down, fault: server".into(),
        kind: FailureKind::Passing,
        code: "ServiceUnavailable".into(),
    };
    *node.upstream.fails.lock().unwrap() = Some(down.clone());
    for minute in 0..55 {
        assert_eq!(node.ask(&token).await.status, 200, "{minute}");
        skip(Duration::from_mins(1)).await;
    }
    let calls = node.upstream.calls();
    assert!((2..=60).contains(&calls), "{calls}");
    // A new pod has none that could go on.
    for token in [&newcomer, &token] {
        let answer = node.ask(&newcomer).await;
        assert_eq!((answer.status, answer.body), (503, format!("{}\n", down.text)));
        skip(Duration::from_mins(6)).await;
        let answer = node.ask(token).await;
        assert_eq!((answer.status, answer.body), (503, format!("{}\n", down.text)));
    }
    *node.upstream.fails.lock().unwrap() = None;
    for token in [&token, &newcomer] {
        until("STS is back", async || (node.ask(token).await.status == 200).then_some(())).await;
    }
}
