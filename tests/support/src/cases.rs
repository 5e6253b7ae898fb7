//! The golden cases of `tests/golden/`; CONTRIBUTING says what a case holds.

use std::path::{Path, PathBuf};

use json_patch::Patch;
use manifests::Document;
use serde_json::{Value, json};

use crate::mounted::Files;
use crate::reviews;

/// One folder of `tests/golden/`.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    folder: PathBuf,
}

/// The expected answer to a review.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Empty where nothing is added.
    pub patch: Value,
    pub warnings: Vec<String>,
    /// What the pod's creator is told, if the pod is refused.
    pub denial: Option<String>,
    /// How it ends, where that does not follow from the rest: a pod that gets something is injected.
    pub outcome: Option<String>,
}

impl Case {
    /// Every case, in the order of their names.
    pub fn all() -> Vec<Self> {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../golden"));
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

    /// The review's bytes. A pod alone is put into the review of its creation exactly as it is written:
    /// escapes and numbers matter.
    pub fn review(&self) -> Vec<u8> {
        let Some(pod) = self.optional("pod.json") else {
            return std::fs::read(self.folder.join("review.json")).unwrap();
        };
        let namespace = json(&pod)["metadata"]["namespace"].as_str().unwrap().to_owned();
        let envelope = reviews::creation(&namespace, &json!({"metadata": json(&pod)["metadata"]}));
        let request = &envelope["request"];
        let object = format!("\"object\":{}", request["object"]);
        envelope.to_string().replacen(&object, &format!("\"object\":{pod}"), 1).into_bytes()
    }

    /// The namespace and the pod, where the case is about one that is being made.
    pub fn pod(&self) -> Option<(String, Value)> {
        let mut review = self.parsed();
        let request = &mut review["request"];
        let is_pod = request["resource"]["resource"] == "pods" && request["resource"]["group"] == "";
        let is_made = request["operation"] == "CREATE" && request.get("subResource").is_none();
        if !is_pod || !is_made {
            return None;
        }
        Some((request["namespace"].as_str().unwrap().to_owned(), request["object"].take()))
    }

    /// The review as JSON.
    pub fn parsed(&self) -> Value {
        serde_json::from_slice(&self.review()).unwrap()
    }

    /// The manifests with the case's ServiceAccounts and associations.
    pub fn world(&self) -> PathBuf {
        self.folder.join("world.yaml")
    }

    /// The case's world with its associations in a file of their own for the server to follow: manifests
    /// without them, and that file. `None` where there are none.
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
        self.lines("args")
    }

    /// The answer that is expected of the webhook.
    pub fn expected(&self) -> Expected {
        Expected {
            patch: self.optional("patch.json").as_deref().map(json).unwrap(),
            warnings: self.lines("warnings.txt"),
            denial: self.line("denied.txt"),
            outcome: self.line("outcome.txt"),
        }
    }

    /// The patch that is expected of `inject`, which does not spread lifetimes.
    pub fn offline(&self) -> Value {
        self.optional("offline.json").as_deref().map_or_else(|| self.expected().patch, json)
    }

    /// Writes what was answered, and the patch of `inject`, for a person to read before it is committed.
    pub fn update(&self, Expected { patch, warnings, denial, outcome }: &Expected, offline: &Value) {
        let pretty = |value| serde_json::to_string_pretty(value).unwrap() + "\n";
        self.write("patch.json", Some(pretty(patch)));
        self.write("offline.json", (offline != patch).then(|| pretty(offline)));
        self.write("warnings.txt", (!warnings.is_empty()).then(|| warnings.join("\n") + "\n"));
        self.write("denied.txt", denial.as_ref().map(|denial| format!("{denial}\n")));
        self.write("outcome.txt", outcome.as_ref().map(|outcome| format!("{outcome}\n")));
    }

    /// What `inject --explain` prints, where the case says it.
    pub fn explanation(&self) -> Option<String> {
        self.optional("explain.txt")
    }

    /// Writes what `inject --explain` printed.
    pub fn update_explanation(&self, text: String) {
        self.write("explain.txt", Some(text));
    }

    fn line(&self, file: &str) -> Option<String> {
        self.optional(file).map(|text| text.trim_end_matches('\n').to_owned())
    }

    fn write(&self, file: &str, text: Option<String>) {
        let path = self.folder.join(file);
        match text {
            Some(text) => std::fs::write(path, text).unwrap(),
            None => drop(std::fs::remove_file(path)),
        }
    }

    fn lines(&self, file: &str) -> Vec<String> {
        self.optional(file).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn optional(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join(file)).ok()
    }
}

/// The object with a patch applied, by the crate that kube uses.
pub fn patched(mut object: Value, patch: &Value) -> Result<Value, String> {
    let operations: Patch = serde_json::from_value(patch.clone()).map_err(|error| error.to_string())?;
    json_patch::patch(&mut object, &operations)
        .map_err(|error| format!("the patch does not apply: {error}"))?;
    Ok(object)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
