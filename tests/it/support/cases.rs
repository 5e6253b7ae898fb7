//! The golden cases of `tests/golden/`; CONTRIBUTING says what a case holds.

use std::path::{Path, PathBuf};

use manifests::Document;
use serde_json::{Value, json};

use super::mounted::Files;

/// One folder of `tests/golden/`.
pub struct Case {
    pub name: String,
    folder: PathBuf,
}

impl Case {
    /// Every case, in the order of their names.
    pub fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let mut cases: Vec<_> = std::fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .map(|folder| Self { name: folder.file_name().unwrap().to_str().unwrap().to_owned(), folder })
            .collect();
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        assert!(cases.len() >= 60, "the cases are gone");
        cases
    }

    /// The review's bytes as they are: escapes in them matter.
    pub fn review(&self) -> Vec<u8> {
        std::fs::read(self.folder.join("review.json")).unwrap()
    }

    /// The ServiceAccounts and associations that there are.
    pub fn world(&self) -> PathBuf {
        self.folder.join("world.yaml")
    }

    /// The same world, with its associations in a file of their own for the server to follow: manifests
    /// without them, and that file. `None` where it has none.
    pub fn world_with_association_file(&self) -> Option<Files> {
        let stream = manifests::parse(&std::fs::read_to_string(self.world()).unwrap()).unwrap();
        let documents = stream.documents().iter().map(Document::value);
        let (files, accounts): (Vec<_>, Vec<_>) =
            documents.partition(|document| document.get("identities").is_some());
        let identities: Vec<_> =
            files.iter().flat_map(|file| file["identities"].as_array().into_iter().flatten()).collect();
        let accounts: Vec<_> = accounts.iter().map(ToString::to_string).collect();
        let identities = json!({ "identities": identities }).to_string();
        (!files.is_empty()).then(|| {
            Files::plain(&[("world.yaml", &accounts.join("\n---\n")), ("identities.json", &identities)])
        })
    }

    /// The flags of the case.
    pub fn args(&self) -> Vec<String> {
        let text = self.optional("args").unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The expected patch; empty where none is expected.
    pub fn patch(&self) -> Value {
        self.json("patch.json").unwrap()
    }

    /// The expected object.
    pub fn after(&self) -> Value {
        self.json("after.json").unwrap()
    }

    /// The object that `inject` is to print, where it differs: offline nothing spreads lifetimes.
    pub fn offline(&self) -> Value {
        self.json("offline.json").unwrap_or_else(|| self.after())
    }

    /// The expected warnings.
    pub fn warnings(&self) -> Vec<String> {
        self.optional("warnings.txt").unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// What whoever makes the pod is told, if it is refused.
    pub fn denial(&self) -> Option<String> {
        self.optional("denied.txt").map(|text| text.trim_end_matches('\n').to_owned())
    }

    /// Writes the warnings that were seen, for a person to read before they are committed.
    pub fn update_warnings(&self, warnings: &[String]) {
        let path = self.folder.join("warnings.txt");
        if warnings.is_empty() {
            drop(std::fs::remove_file(path));
        } else {
            std::fs::write(path, warnings.join("\n") + "\n").unwrap();
        }
    }

    fn json(&self, file: &str) -> Option<Value> {
        Some(serde_json::from_str(&self.optional(file)?).unwrap())
    }

    fn optional(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join(file)).ok()
    }
}
