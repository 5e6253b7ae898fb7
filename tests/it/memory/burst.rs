//! The memory that a burst takes is given back once it is over.

use serde_json::json;

use super::containers;
use crate::support::process::Process;
use crate::support::reviews::{of_size, with};
use crate::support::wait::{until, within};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn memory_comes_back_after_a_burst() {
    let process = Process::start(&[]).await;
    let before = process.resident();
    // The bodies have all sizes, so that the space that one has left does not fit the next.
    let name = "a\u{1}".repeat(MIB / 4);
    let bodies = [
        with("/request/object/spec/containers", vec![json!({}); 230_000].into()),
        containers(900),
        of_size(6 * MIB),
        with("/request/object/spec/containers/0/name", json!(name)),
    ];
    let calls = (0..40).map(|number| {
        let client = process.client.clone();
        let bodies = bodies.clone();
        tokio::spawn(async move {
            for body in bodies.iter().cycle().skip(number).take(4) {
                // Those that find no place are refused, some before all of them has been sent.
                let call = async {
                    let mut connection = client.connect().await.ok()?;
                    connection.post("/mutate", body.clone()).await.ok()
                };
                drop(within("an answer", call).await);
            }
        })
    });
    futures_util::future::join_all(calls).await;
    let back = async || (process.resident() < before + 32 * MIB).then_some(());
    until("the memory to be given back", back).await;
}
