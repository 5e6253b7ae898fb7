//! The first commands of docs/associations.md, run as they are written, on a cluster that has nothing of it.

use std::ffi::OsString;

use anyhow::{Context, Result, ensure};

use crate::harness::cluster::{Skipped, root};
use crate::harness::eks_client::folder;
use crate::harness::identity::Identity;
use crate::harness::own_associations::{claim, make_room};
use crate::harness::test::OURS;
use crate::harness::{Test, command, eks_endpoint, until, workload};

const PAGE: &str = include_str!("../../../../../../docs/associations.md");

const HEADING: &str = "## From nothing to a pod with a role";

/// The namespaces and the image that the page names.
const NAMESPACES: [&str; 2] = ["eks", "shop"];
const IMAGE: &str = "registry.example.com/pod-identity-webhook";

pub async fn five_commands_make_a_pod_with_a_role(test: Test) -> Result<()> {
    for namespace in NAMESPACES {
        make_namespace_room(namespace).await?;
    }
    make_room(&test.cluster).await?;
    name_image(&test).await?;
    let done = commands(&test).await;
    // The next run finds by the labels what is the suite's, however this ended.
    for namespace in NAMESPACES {
        let label = format!("{OURS}=true");
        command::output("kubectl", ["label", "namespace", namespace, &label], "").await?;
    }
    claim(&test.cluster).await.ok();
    done?;
    let words = ["uninstall", "pod-identity-webhook", "--namespace=eks", "--wait", "--timeout=120s"];
    command::run("helm", words, "").await?;
    // The page says so: it stays.
    make_room(&test.cluster).await?;
    command::kubectl(["delete", "namespace", "eks", "shop", "--wait=false"]).await.map(drop)
}

async fn commands(test: &Test) -> Result<()> {
    let (commands, seen) = blocks()?;
    ensure!(commands.len() == 5, "{} commands", commands.len());
    let path = path(test).await?;
    let mut printed = String::new();
    for command in &commands {
        printed = run(command, &path).await.with_context(|| (*command).to_owned())?;
    }
    ensure!(printed == format!("{seen}\n"), "the last command printed:\n{printed}and the page has:\n{seen}");
    let shop = Test { namespace: "shop".to_owned(), ..test.clone() };
    until("pods of the account have the association by the watch, too", async || {
        let pod = shop.dry_run(workload::unscheduled("another", "search")).await?;
        Ok((Identity::of(&pod)? == Identity::Association).then_some(()))
    })
    .await
}

/// The commands, each with its following lines, and what the page shows of the last one's output.
fn blocks() -> Result<(Vec<&'static str>, &'static str)> {
    let (_, text) = PAGE.split_once(&format!("\n{HEADING}\n")).context(HEADING)?;
    let text = text.split("\n## ").next().unwrap_or_default();
    let mut blocks = text.split("```").skip(1).step_by(2);
    let commands =
        blocks.next().and_then(|block| block.strip_prefix("sh\n")).context("no block of commands")?;
    let seen = blocks.next().and_then(|block| block.strip_prefix('\n')).context("no block of output")?;
    let ends = commands.match_indices('\n').map(|(end, _)| end);
    let mut all = Vec::new();
    let mut start = 0;
    for end in ends {
        let command = &commands[start..end];
        if !command.ends_with('\\') {
            all.push(command);
            start = end + 1;
        }
    }
    Ok((all, seen.trim_end_matches('\n')))
}

/// Where a user has the program and the command line.
async fn path(test: &Test) -> Result<OsString> {
    let program = eks_endpoint::program(&test.cluster)?.parent().context("no folder")?.to_owned();
    let before = std::env::var_os("PATH").unwrap_or_default();
    let all = [program, folder().await?.to_owned()].into_iter().chain(std::env::split_paths(&before));
    Ok(std::env::join_paths(all)?)
}

/// Runs a command as if it was copied into a shell, at the root of the checkout.
async fn run(command: &str, path: &OsString) -> Result<String> {
    let home = tempfile::tempdir()?;
    let mut shell = eks_endpoint::client("bash", home.path());
    shell.args(["-euo", "pipefail", "-c", command]).env("PATH", path).current_dir(root());
    let output = shell.output().await?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    ensure!(output.status.success(), "{}\n{stdout}{stderr}", output.status);
    Ok(stdout)
}

/// Has the nodes know the image by the name that the page gives it.
async fn name_image(test: &Test) -> Result<()> {
    let chart = std::fs::read_to_string(root().join("charts/pod-identity-webhook/Chart.yaml"))?;
    let version =
        chart.lines().find_map(|line| line.strip_prefix("appVersion: ")).context("no appVersion")?;
    let name = format!("{IMAGE}:{}", version.trim_matches('"'));
    let words = ["run", "ctr", "--namespace=k8s.io", "images", "tag", "--force", &test.cluster.image, &name];
    test.cluster.verb(&words).await.map(drop)
}

/// Removes what an earlier run left; another's is not used.
async fn make_namespace_room(name: &str) -> Result<()> {
    let by_name = format!("--field-selector=metadata.name={name}");
    let of_ours = format!("--selector={OURS}");
    let ours = command::kubectl(["get", "namespace", &by_name, &of_ours, "--output=name"]).await?;
    if name == "eks" && !ours.is_empty() {
        let words =
            ["uninstall", "pod-identity-webhook", "--namespace", name, "--ignore-not-found", "--wait"];
        command::run("helm", words, "").await?;
    }
    command::kubectl(["delete", "namespace", &by_name, &of_ours, "--wait", "--timeout=120s"]).await?;
    let is_there = command::kubectl(["get", "namespace", &by_name, "--output=name"]).await?;
    ensure!(is_there.is_empty(), Skipped(format!("the cluster has a namespace {name} of its own")));
    Ok(())
}
