//! The commands of a page of the docs, run as they are written, on a cluster that has nothing of it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};

use super::cluster::{Skipped, root};
use super::eks_client::folder;
use super::own_associations::{claim, make_room};
use super::test::OURS;
use super::{Test, command, eks_endpoint};

/// The namespaces and the image that pages name.
const NAMESPACES: [&str; 2] = ["eks", SHOP];
const SHOP: &str = "shop";
const IMAGE: &str = "registry.example.com/pod-identity-webhook";

/// The commands under a heading, and what the page shows of the last one's output.
pub struct Page {
    /// Each block of commands, apart by what a reader does between them.
    blocks: Vec<Vec<&'static str>>,
    seen: &'static str,
}

impl Page {
    /// The blocks of a shell under the heading are the commands, each with its following lines; the first other block is the
    /// output.
    pub fn section(text: &'static str, heading: &str) -> Result<Self> {
        let (_, text) = text.split_once(&format!("\n{heading}\n")).with_context(|| heading.to_owned())?;
        let text = text.split("\n## ").next().unwrap_or_default();
        let mut blocks = Vec::new();
        for block in text.split("```").skip(1).step_by(2) {
            if let Some(block) = block.strip_prefix("sh\n") {
                blocks.push(commands(block));
                continue;
            }
            let seen = block.strip_prefix('\n').context("no block of output")?;
            ensure!(!blocks.is_empty(), "no block of commands");
            return Ok(Self { blocks, seen });
        }
        Err(anyhow!("no block of output under {heading}"))
    }

    /// How many commands there are.
    pub fn commands(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// Runs the commands, holds the last one's output to the page, and does what follows in the namespace of the pod.
    /// Then all of it is taken away.
    pub async fn follow(&self, test: &Test, then: impl AsyncFnOnce(Test) -> Result<()>) -> Result<()> {
        let path = path(test).await?;
        self.follow_with(test, &path, async |_, _| Ok(()), then).await
    }

    /// The same with programs of this PATH, and with what a reader does after each block but the last, who is told its
    /// number and his home.
    pub async fn follow_with(
        &self,
        test: &Test,
        path: &OsStr,
        between: impl AsyncFnMut(usize, &Path) -> Result<()>,
        then: impl AsyncFnOnce(Test) -> Result<()>,
    ) -> Result<()> {
        for namespace in NAMESPACES {
            make_namespace_room(namespace).await?;
        }
        make_room(&test.cluster).await?;
        name_image(test).await?;
        let done = self.run(path, between).await;
        // The next run finds by the labels what is the suite's, however this ended.
        for namespace in NAMESPACES {
            let label = format!("{OURS}=true");
            command::output("kubectl", ["label", "namespace", namespace, &label], "").await?;
        }
        claim(&test.cluster).await.ok();
        done?;
        then(shop(test)).await?;
        uninstall().await?;
        // The pages say so: it stays.
        make_room(&test.cluster).await?;
        command::kubectl(["delete", "namespace", "eks", SHOP, "--wait=false"]).await.map(drop)
    }

    async fn run(
        &self,
        path: &OsStr,
        mut between: impl AsyncFnMut(usize, &Path) -> Result<()>,
    ) -> Result<()> {
        let home = tempfile::tempdir()?;
        let mut printed = String::new();
        for (number, block) in self.blocks.iter().enumerate() {
            if number > 0 {
                between(number, home.path()).await?;
            }
            for command in block {
                printed = run(command, path, home.path()).await.with_context(|| (*command).to_owned())?;
            }
        }
        let seen = self.seen;
        ensure!(printed == seen, "the last command printed:\n{printed}and the page has:\n{seen}");
        Ok(())
    }
}

/// The test in the namespace in which pages have their pods.
pub fn shop(test: &Test) -> Test {
    Test { namespace: SHOP.to_owned(), ..test.clone() }
}

/// The commands of a block: a line, or several of which all but the last end with a backslash.
fn commands(block: &'static str) -> Vec<&'static str> {
    let mut commands = Vec::new();
    let mut start = 0;
    for (end, _) in block.match_indices('\n') {
        let command = &block[start..end];
        if !command.ends_with('\\') {
            commands.push(command);
            start = end + 1;
        }
    }
    commands
}

/// Where a user has the program and the command line.
pub async fn path(test: &Test) -> Result<OsString> {
    let program = eks_endpoint::program(&test.cluster)?.parent().context("no folder")?.to_owned();
    let before = std::env::var_os("PATH").unwrap_or_default();
    let all = [program, folder().await?.to_owned()].into_iter().chain(std::env::split_paths(&before));
    Ok(std::env::join_paths(all)?)
}

/// Runs a command as if it was copied into a shell, at the root of the checkout.
async fn run(command: &str, path: &OsStr, home: &Path) -> Result<String> {
    let mut shell = eks_endpoint::client("bash", home);
    shell.args(["-euo", "pipefail", "-c", command]).env("PATH", path).current_dir(root());
    let output = shell.output().await?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    ensure!(output.status.success(), "{}\n{stdout}{stderr}", output.status);
    Ok(stdout)
}

/// Has the nodes know the image by the name that pages give it.
async fn name_image(test: &Test) -> Result<()> {
    let chart = std::fs::read_to_string(root().join("charts/pod-identity-webhook/Chart.yaml"))?;
    let version =
        chart.lines().find_map(|line| line.strip_prefix("appVersion: ")).context("no appVersion")?;
    let name = format!("{IMAGE}:{}", version.trim_matches('"'));
    tag(test, &test.cluster.image, &name).await
}

/// Has the nodes know an image by another name, too.
pub async fn tag(test: &Test, image: &str, name: &str) -> Result<()> {
    let words = ["run", "ctr", "--namespace=k8s.io", "images", "tag", "--force", image, name];
    test.cluster.verb(&words).await.map(drop)
}

/// Removes what an earlier run left; another's is not used.
async fn make_namespace_room(name: &str) -> Result<()> {
    let by_name = format!("--field-selector=metadata.name={name}");
    let of_ours = format!("--selector={OURS}");
    let ours = command::kubectl(["get", "namespace", &by_name, &of_ours, "--output=name"]).await?;
    if name == "eks" && !ours.is_empty() {
        uninstall().await?;
    }
    command::kubectl(["delete", "namespace", &by_name, &of_ours, "--wait", "--timeout=120s"]).await?;
    let is_there = command::kubectl(["get", "namespace", &by_name, "--output=name"]).await?;
    ensure!(is_there.is_empty(), Skipped(format!("the cluster has a namespace {name} of its own")));
    Ok(())
}

async fn uninstall() -> Result<()> {
    let release = ["pod-identity-webhook", "--namespace=eks"];
    let words = ["uninstall", release[0], release[1], "--ignore-not-found", "--wait", "--timeout=120s"];
    command::run("helm", words, "").await.map(drop)
}
