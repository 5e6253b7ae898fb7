//! A file, and what it says of one context, one cluster or one user.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::KubeconfigError;
use super::fields::{self, Fields};
use crate::source::regular_file;

/// The largest file, in bytes: hundreds of clusters with their certificates have less.
const LARGEST: u64 = 8 << 20;

/// A file that was read.
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    members: Map<String, Value>,
}

/// What a kubeconfig has lists of.
pub(super) trait Listed: DeserializeOwned {
    /// The list, what an entry has beside its name, and the fields of that.
    const LIST: &'static str;
    const FIELD: &'static str;
    const KNOWN: Fields;
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Context {
    pub(super) cluster: String,
    pub(super) user: String,
    pub(super) namespace: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Cluster {
    pub(super) server: String,
    pub(super) tls_server_name: String,
    pub(super) insecure_skip_tls_verify: bool,
    pub(super) certificate_authority: String,
    pub(super) certificate_authority_data: String,
    pub(super) proxy_url: String,
    pub(super) disable_compression: bool,
    pub(super) extensions: Vec<Extension>,
}

#[derive(Deserialize)]
pub(super) struct Extension {
    pub(super) name: String,
    #[serde(default)]
    pub(super) extension: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct User {
    pub(super) client_certificate: String,
    pub(super) client_certificate_data: String,
    pub(super) client_key: String,
    pub(super) client_key_data: String,
    pub(super) token: String,
    #[serde(rename = "tokenFile")]
    pub(super) token_file: String,
    #[serde(rename = "as")]
    pub(super) impersonate: String,
    #[serde(rename = "as-uid")]
    pub(super) impersonate_uid: String,
    #[serde(rename = "as-groups")]
    pub(super) impersonate_groups: Vec<String>,
    #[serde(rename = "as-user-extra")]
    pub(super) impersonate_user_extra: HashMap<String, Vec<String>>,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) auth_provider: Option<Value>,
    pub(super) exec: Option<Exec>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Exec {
    pub(super) command: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<Variable>,
    pub(super) api_version: String,
    pub(super) install_hint: String,
    pub(super) provide_cluster_info: bool,
    pub(super) interactive_mode: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
}

impl ConfigFile {
    /// Reads the file. What it says of a context, a cluster or a user is looked at when that is chosen.
    pub(super) fn read(path: &Path) -> Result<Self, KubeconfigError> {
        let bytes = regular_file::read(path, LARGEST);
        let bytes = bytes.map_err(|error| KubeconfigError::Unreadable(error.to_string()))?;
        let mut unknown = Vec::new();
        let mut members = document(&bytes)?;
        fields::check(&mut members, fields::CONFIG, "", &mut unknown)?;
        let file = Self { path: path.to_owned(), members };
        let (kind, api_version) = (file.text("kind"), file.text("apiVersion"));
        if !matches!((kind, api_version), ("" | "Config", "" | "v1")) {
            return Err(KubeconfigError::Foreign {
                kind: kind.to_owned(),
                api_version: api_version.to_owned(),
            });
        }
        file.warn(&unknown);
        Ok(file)
    }

    /// The context that commands use which are told of none.
    pub(super) fn current_context(&self) -> Option<&str> {
        Some(self.text("current-context")).filter(|name| !name.is_empty())
    }

    /// What the file says of the context, cluster or user with this name; `None` if it has none of that name.
    pub(super) fn find<T: Listed>(&self, name: &str) -> Result<Option<T>, KubeconfigError> {
        let all = self.members.get(T::LIST).and_then(Value::as_array).into_iter().flatten();
        let mut found = all.filter(|one| one.get("name").and_then(Value::as_str) == Some(name));
        let Some(first) = found.next() else { return Ok(None) };
        if found.next().is_some() {
            return Err(KubeconfigError::Twice { what: T::LIST, name: name.to_owned() });
        }
        let object = match first.get(T::FIELD) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(object)) => object.clone(),
            Some(_) => {
                let field = format!("{}[].{}", T::LIST, T::FIELD);
                return Err(KubeconfigError::field(field, "is not a mapping"));
            }
        };
        let mut unknown = Vec::new();
        let found = typed(object, T::KNOWN, &mut unknown)?;
        self.warn(&unknown);
        Ok(Some(found))
    }

    fn text(&self, field: &str) -> &str {
        self.members.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// A field that nobody knows is logged, and has no effect, as in Go's client.
    fn warn(&self, unknown: &[String]) {
        for field in unknown {
            tracing::warn!(kubeconfig = %self.path.display(), field, "a field of the kubeconfig is not known and has no effect");
        }
    }
}

impl Listed for Context {
    const LIST: &str = "contexts";
    const FIELD: &str = "context";
    const KNOWN: Fields = fields::CONTEXT;
}

impl Listed for Cluster {
    const LIST: &str = "clusters";
    const FIELD: &str = "cluster";
    const KNOWN: Fields = fields::CLUSTER;
}

impl Listed for User {
    const LIST: &str = "users";
    const FIELD: &str = "user";
    const KNOWN: Fields = fields::USER;
}

/// The one document of the file.
fn document(bytes: &[u8]) -> Result<Map<String, Value>, KubeconfigError> {
    let text = str::from_utf8(bytes).map_err(|_| KubeconfigError::Syntax(": it is not UTF-8".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    let stream = manifests::parse(text).map_err(|error| {
        // The parser's own words may quote a secret.
        let column = error.column.map(|column| format!(", column {column}")).unwrap_or_default();
        KubeconfigError::Syntax(format!(": line {}{column}", error.line))
    })?;
    match stream.documents() {
        // An empty file is one that says nothing.
        [] => Ok(Map::new()),
        [one] => {
            let object = one.value().as_object().cloned();
            object.ok_or_else(|| KubeconfigError::Syntax(": it is not a mapping".to_owned()))
        }
        _ => Err(KubeconfigError::Documents),
    }
}

fn typed<T: DeserializeOwned>(
    mut object: Map<String, Value>,
    known: Fields,
    unknown: &mut Vec<String>,
) -> Result<T, KubeconfigError> {
    fields::check(&mut object, known, "", unknown)?;
    // The values were looked at, so this fails for none; serde's own words might quote one.
    serde_json::from_value(Value::Object(object))
        .map_err(|_| KubeconfigError::Syntax(": a field has a value of another type".to_owned()))
}
