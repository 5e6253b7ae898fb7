//! The README's table of sources, and its example of each: what people copy. The end-to-end suite runs the
//! same blocks as they are, but for that of the EKS API (`eks_api/example.rs`).

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::program::{run, run_with};

const README: &str = include_str!("../../README.md");

/// The text from one heading to the next of any level.
pub fn section(heading: &str) -> &'static str {
    let (_, text) = README.split_once(&format!("\n{heading}\n")).expect(heading);
    // A line of a block never begins like this: blocks are objects and commands.
    text.split("\n#").next().unwrap()
}

/// The text between this and the next of the same.
pub fn between(text: &'static str, start: &str, end: &str) -> &'static str {
    let (_, text) = text.split_once(start).expect(start);
    text.split_once(end).expect(end).0
}

/// What is fed to kubectl by the example below this heading.
fn object(heading: &str) -> &'static str {
    between(between(section(heading), "```sh\n", "```"), "<<'END'\n", "\nEND\n")
}

/// The cells of the table's rows, without what is around them.
fn rows() -> Vec<Vec<&'static str>> {
    let table = section("## Who has which identity").lines().filter(|line| line.starts_with('|')).skip(2);
    table.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn every_source_gives_what_the_table_says_by_its_example() {
    let annotation = between(README, "```yaml\n", "```");
    let examples = [
        ("annotation of the ServiceAccount", annotation, "checkout", "role/shop-checkout"),
        ("[ConfigMap](#configmap)", object("### ConfigMap"), "payments", "role/shop-payments"),
        (
            "[associations of the cluster's own](#associations-of-the-clusters-own)",
            object("### Associations of the cluster's own"),
            "returns",
            "",
        ),
        ("[custom resources](#custom-resources)", object("### Custom resources"), "billing", ""),
        ("[file](#file)", object("### File"), "inventory", ""),
    ];
    let rows = rows();
    for (name, object, account, role) in examples {
        let gives = rows.iter().find(|row| row[0] == name).expect(name)[2];
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("example.yaml"), object).unwrap();
        let pod = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: a, namespace: shop}}, \
             spec: {{serviceAccountName: {account}, containers: [{{name: a}}]}}}}"
        );
        let manifests = folder.path().to_str().unwrap();
        let answer = run_with(["inject", "-f", "-", "--manifests", manifests], &[], pod.as_bytes());
        assert_eq!(answer.code, 0, "{name}: {}", answer.stderr);
        let variable = match gives {
            "IRSA" => "AWS_ROLE_ARN",
            "Pod Identity" => "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            _ => panic!("{name}: {gives}"),
        };
        assert!(
            answer.stdout.contains(variable) && answer.stdout.contains(role),
            "{name}: {}",
            answer.stdout
        );
    }
    // The rows are those with an example here, manifests, and the EKS API, whose example is run against a
    // stand-in: a new row needs an example too.
    assert_eq!(rows.len(), examples.len() + 2);
}

#[test]
fn manifests_example_runs_as_it_is() {
    let command = between(section("### Manifests"), "```sh\n", "```");
    let binary = Path::new(env!("CARGO_BIN_EXE_pod-identity-webhook"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let mut shell = Command::new("sh");
    shell.args(["-ec", command]).env("PATH", path).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = shell.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && printed.contains("injected: the pod gets its AWS identity"),
        "{printed}"
    );
}

#[test]
fn every_flag_of_the_table_is_one() {
    let help = run(["--help"]).stdout;
    let known: Vec<_> = help.split(|char: char| !char.is_ascii_alphanumeric() && char != '-').collect();
    for row in rows() {
        let flag = row[3].trim_matches('`');
        assert!(flag == "always on" || (flag.starts_with("--") && known.contains(&flag)), "{flag}");
    }
}
