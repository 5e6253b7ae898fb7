//! The README's example: what its command asks EKS for, and the webhook with the chart's values.

use super::binary::{admit, is_injected, start};
use super::client;
use super::stand_in::{CLUSTER, REGION, StandIn};
use crate::readme::{between, section};

/// The values of `--set`, as the chart hands them on: `chart` tests hold to which flags.
fn value(example: &'static str, key: &str) -> &'static str {
    let values = example.split_once("--set ").expect("values").1;
    let mut values = values.split_whitespace().next().unwrap().split(',');
    values.find_map(|value| value.strip_prefix(key)?.strip_prefix('=')).expect(key)
}

#[tokio::test]
async fn readmes_association_is_made_and_its_account_gets_it() {
    let example = between(section("### The EKS API"), "```sh\n", "```");
    // Only AWS's own tool runs the command: the SDK asks for the same, in the same words.
    let command = between(example, "aws eks create-pod-identity-association ", "\nhelm ");
    let words: Vec<_> = command.split_whitespace().filter(|word| *word != "\\").collect();
    let word = |flag: &str| {
        let index = words.iter().position(|word| *word == flag).expect(flag);
        words[index + 1]
    };
    assert_eq!(words.len(), 8, "{words:?}");
    let eks = StandIn::start().await;
    let create = client(&eks)
        .create_pod_identity_association()
        .cluster_name(word("--cluster-name"))
        .namespace(word("--namespace"))
        .service_account(word("--service-account"))
        .role_arn(word("--role-arn"));
    create.clone().send().await.unwrap();
    // That association is there already.
    let again = create.send().await.unwrap_err().into_service_error();
    assert!(again.is_resource_in_use_exception(), "{again:?}");

    assert_eq!(value(example, "sources.eksApi.enabled"), "true");
    assert_eq!(value(example, "sources.eksClusterName"), CLUSTER);
    assert_eq!(value(example, "sources.eksApi.region"), REGION);
    let process = start(&eks.url(), &[]).await;
    process.logged("source read for the first time").await;
    assert!(is_injected(&admit(&process, word("--service-account"), false).await));
    assert!(!is_injected(&admit(&process, "another", false).await));
}
