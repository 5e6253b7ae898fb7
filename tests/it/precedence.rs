//! Every combination of the sources that may speak of one account: the first of them in the order of
//! precedence decides alone, over TLS and in `inject`.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::credentials::Credentials;
use crate::support::program::run_with;
use crate::support::reviews::{body, review};
use crate::support::server::Server;

/// The sources of one account, in the order in which they count.
const SOURCES: [Source; 4] = [Source::Association, Source::Annotation, Source::Entry, Source::Glob];

/// A source that may speak of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Association,
    Annotation,
    /// An entry of the ConfigMap for this account alone.
    Entry,
    /// An entry of the ConfigMap for accounts of this name.
    Glob,
}

impl Source {
    /// The source as a document of a manifest, if it is one by itself.
    fn document(self) -> Option<String> {
        match self {
            Self::Association => {
                Some(json!({ "identities": [{ "namespace": "shop", "serviceAccount": "web" }] }).to_string())
            }
            Self::Annotation => Some(account(&json!({
                "eks.amazonaws.com/role-arn": self.role_arn(),
                "eks.amazonaws.com/audience": "annotation",
                "eks.amazonaws.com/token-expiration": "900",
            }))),
            Self::Entry | Self::Glob => None,
        }
    }

    /// The source as a member of the ConfigMap's document, if it is one.
    fn entry(self) -> Option<(String, Value)> {
        let key = match self {
            Self::Association | Self::Annotation => return None,
            Self::Entry => "shop/web",
            Self::Glob => "*/web",
        };
        // Its lifetime must not be seen where it loses, and an association never takes it.
        Some((key.to_owned(), json!({ "RoleARN": self.role_arn(), "TokenExpiration": 1200 })))
    }

    /// A role that no other source has.
    fn role_arn(self) -> String {
        format!("arn:aws:iam::123456789012:role/{self:?}")
    }

    /// What the pod gets where this source decides beside these others.
    fn credentials(self, all: &[Self]) -> Credentials {
        match self {
            // The account's lifetime is the one thing that is taken from a source that lost.
            Self::Association if all.contains(&Self::Annotation) => Credentials::Association(900),
            Self::Association => Credentials::Association(3600),
            Self::Annotation | Self::Entry | Self::Glob => Credentials::Role(self.role_arn()),
        }
    }

    /// Whether the server can follow it in a file of its own.
    fn has_a_file(self) -> bool {
        self == Self::Association
    }
}

fn account(annotations: &Value) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "namespace": "shop", "name": "web", "annotations": annotations },
    })
    .to_string()
}

/// The ConfigMap with those of these sources that are its entries, in this order.
fn config_map(sources: &[Source]) -> String {
    let entries: Map<_, _> = sources.iter().filter_map(|source| source.entry()).collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "namespace": "eks", "name": "pod-identity-webhook" },
        "data": { "config": Value::from(entries).to_string() },
    })
    .to_string()
}

/// Every subset, each in its order and the other way round: the order of reading must not count.
fn combinations() -> Vec<Vec<Source>> {
    let subsets = (0..1_usize << SOURCES.len()).map(|bits| -> Vec<_> {
        let is_there = |index: &usize| bits >> index & 1 == 1;
        (0..SOURCES.len()).filter(is_there).map(|index| SOURCES[index]).collect()
    });
    subsets.flat_map(|subset| [subset.clone(), subset.into_iter().rev().collect()]).collect()
}

fn expected(sources: &[Source]) -> Credentials {
    let winner = SOURCES.into_iter().find(|source| sources.contains(source));
    winner.map_or(Credentials::None, |winner| winner.credentials(sources))
}

/// Writes a manifest of these sources.
fn write(folder: &Path, sources: &[Source]) -> String {
    let mut documents: Vec<_> = sources.iter().filter_map(|source| source.document()).collect();
    if !sources.contains(&Source::Annotation) {
        documents.push(account(&json!({})));
    }
    documents.push(config_map(sources));
    let path = folder.join("world.yaml");
    fs::write(&path, documents.join("\n---\n")).unwrap();
    format!("--manifests={}", path.display())
}

async fn ask(args: &[String]) -> Credentials {
    let server = Server::on_manifests(args).await;
    server.wait_until_ready().await;
    let credentials = Credentials::of(&server.client.post("/mutate", body("web")).await);
    server.stop().await;
    credentials
}

#[tokio::test]
async fn first_source_in_the_order_of_precedence_decides() {
    let flags = ["--token-expiration=3600", "--shutdown-delay=0"].map(str::to_owned);
    for sources in combinations() {
        let folder = TempDir::new().unwrap();
        let mut args = flags.to_vec();
        args.push(write(folder.path(), &sources));
        assert_eq!(ask(&args).await, expected(&sources), "{sources:?}, in manifests");

        let (in_files, rest): (Vec<_>, Vec<_>) =
            sources.iter().copied().partition(|source: &Source| source.has_a_file());
        let file = folder.path().join("identities.json");
        for source in in_files {
            fs::write(&file, source.document().unwrap()).unwrap();
        }
        let mut args = flags.to_vec();
        args.push(write(folder.path(), &rest));
        args.push(format!("--watch-container-credentials-config={}", file.display()));
        assert_eq!(ask(&args).await, expected(&sources), "{sources:?}, in files of their own");
    }
}

#[test]
fn inject_decides_as_the_server_does() {
    let pod = review("web")["request"]["object"].to_string();
    for sources in combinations() {
        let folder = TempDir::new().unwrap();
        let manifests = write(folder.path(), &sources);
        let args = ["inject", "-f", "-", "--namespace=shop", "--output=patch", "--token-expiration=3600"];
        let printed = run_with(args.into_iter().chain([manifests.as_str()]), &[], pod.as_bytes()).printed();
        let patch: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(Credentials::of_patch(&patch), expected(&sources), "{sources:?}");
    }
}
