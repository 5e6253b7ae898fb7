//! The file: which cluster and which user its current context names.

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

/// What the current context of a kubeconfig names.
pub(super) struct Chosen {
    pub(super) cluster: Cluster,
    pub(super) user: User,
    /// Where relative paths begin.
    folder: PathBuf,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Context {
    cluster: String,
    user: String,
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

impl Chosen {
    /// Reads the file. A field that nobody knows is logged, and has no effect, as in Go's client.
    pub(super) fn read(path: &Path) -> Result<Self, KubeconfigError> {
        let bytes = regular_file::read(path, LARGEST);
        let bytes = bytes.map_err(|error| KubeconfigError::Unreadable(error.to_string()))?;
        let mut unknown = Vec::new();
        let mut config = document(&bytes)?;
        fields::check(&mut config, fields::CONFIG, "", &mut unknown)?;
        let text = |field| config.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, api_version) = (text("kind"), text("apiVersion"));
        if !matches!((kind.as_str(), api_version.as_str()), ("" | "Config", "" | "v1")) {
            return Err(KubeconfigError::Foreign { kind, api_version });
        }
        let current = text("current-context");
        if current.is_empty() {
            return Err(KubeconfigError::NoContext);
        }
        let context = named(&config, "contexts", "context", "current-context", &current)?;
        let Context { cluster, user } = typed(context, fields::CONTEXT, &mut unknown)?;
        let cluster = match cluster.as_str() {
            // Its server may be named by a flag.
            "" => Cluster::default(),
            name => {
                typed(named(&config, "clusters", "cluster", "cluster", name)?, fields::CLUSTER, &mut unknown)?
            }
        };
        let user = match user.as_str() {
            // Whoever is not named is nobody, as in Go's client.
            "" => User::default(),
            name => typed(named(&config, "users", "user", "user", name)?, fields::USER, &mut unknown)?,
        };
        for field in &unknown {
            tracing::warn!(kubeconfig = %path.display(), field, "a field of the kubeconfig is not known and has no effect");
        }
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { cluster, user, folder })
    }

    /// A path in the file, which begins at the file's folder.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }
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

/// What the list says of the one that has this name; `what` is that in messages.
fn named(
    config: &Map<String, Value>,
    list: &'static str,
    field: &str,
    what: &'static str,
    name: &str,
) -> Result<Map<String, Value>, KubeconfigError> {
    let all = config.get(list).and_then(Value::as_array).into_iter().flatten();
    let mut found = all.filter(|one| one.get("name").and_then(Value::as_str) == Some(name));
    let Some(first) = found.next() else {
        return Err(KubeconfigError::Missing { what, name: name.to_owned() });
    };
    if found.next().is_some() {
        return Err(KubeconfigError::Twice { what: list, name: name.to_owned() });
    }
    match first.get(field) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(_) => Err(KubeconfigError::field(format!("{list}[].{field}"), "is not a mapping")),
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
