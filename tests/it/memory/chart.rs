//! The memory that the chart gives a replica is the sum of all that it may have to hold at once.

use pod_identity_webhook::agent;
use pod_identity_webhook::identities::sources::service_accounts::ASSOCIATIONS_AT_ONCE;
use pod_identity_webhook::server::{self, CONNECTION_MEMORY, METRICS_CONNECTIONS, SOCKET_BUFFER};
use pod_identity_webhook::webhook::admission::{self, LARGE_WORK, SMALL_WORK};

const VALUES: &str = include_str!("../../../charts/pod-identity-webhook/values.yaml");

const MIB: usize = 1 << 20;

/// The program while it serves, with a full queue of the log.
const PROGRAM: usize = 14 * MIB;

/// 150,000 accounts, as `make bench` has them; a list is whole before it takes the place of the one before.
const ACCOUNTS: usize = 2 * 27 * MIB;

/// Answers of the API server: of ServiceAccounts a page that was made smaller or a line of their watch, which are not
/// read at once; of two more sources a page each; and 32 accounts that are looked up, and the associations of four.
/// Statuses of associations are judged object by object, out of a page that is one of the two. No more than a page has a
/// custom resource, which etcd keeps as the JSON that is sent, and a ConfigMap, which is that of the own namespace.
const ANSWERS: usize = 20 * MIB + 2 * 8 * MIB + (32 + ASSOCIATIONS_AT_ONCE) * 2 * MIB;

/// Threads that work on reviews.
const THREADS: usize = 4;

/// What the agent holds for one of the 2,000 pods of its cache: credentials of three KiB, its token, two that were verified.
const POD: usize = 8 << 10;

/// The agent's calls of AWS, 64 at the same time, and the keys of the cluster, twice while they are read.
const CALLS: usize = 64 * (64 << 10) + 2 * MIB;

/// Associations that the agent follows: the 5,000 that EKS allows, twice while they are listed.
const ASSOCIATIONS: usize = 2 * 5000 * (1 << 10);

#[test]
fn the_charts_limit_is_the_sum_of_the_programs_limits() {
    let (connections, request_memory) =
        (server::Limits::default().connections, admission::Limits::default().memory);
    // The kernel takes twice what it is asked for; a client that reads no answers fills both directions.
    let connection = CONNECTION_MEMORY + 2 * 2 * usize::try_from(SOCKET_BUFFER).unwrap();
    let connections = (connections + METRICS_CONNECTIONS) * connection;
    let work = LARGE_WORK + THREADS * SMALL_WORK;
    let sum = PROGRAM + ACCOUNTS + ANSWERS + connections + request_memory + work;

    let values = manifests::parse(VALUES).unwrap();
    assert_fits(sum, &values.documents()[0].value()["resources"]);
}

#[test]
fn the_charts_limit_of_the_agent_is_the_sum_of_its_limits() {
    // Pods ask on two addresses; probes and metrics have a port each.
    let connections = 2 * (agent::CONNECTIONS + METRICS_CONNECTIONS);
    let connection = agent::CONNECTION_MEMORY + 2 * 2 * usize::try_from(agent::SOCKET_BUFFER).unwrap();
    let sum = PROGRAM + 2000 * POD + CALLS + ASSOCIATIONS + connections * connection;

    let values = manifests::parse(VALUES).unwrap();
    assert_fits(sum, &values.documents()[0].value()["agent"]["resources"]);
}

fn assert_fits(sum: usize, resources: &serde_json::Value) {
    let limit = resources["limits"]["memory"].as_str().unwrap();
    let limit: usize = limit.strip_suffix("Mi").unwrap().parse().unwrap();
    assert!(sum <= limit * MIB, "{} MiB of {limit}", sum / MIB);
    assert!(sum * 5 / 4 > limit * MIB, "{} MiB of {limit}: what is the rest for?", sum / MIB);
}
