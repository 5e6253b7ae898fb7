//! Identities read from files, once: ServiceAccounts, the ConfigMap and custom resources that hold
//! associations as manifests, and associations in the format in which EKS feeds its own webhook. No
//! cluster is asked.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use injection::annotation::Prefix;
use injection::{AccountName, Found, Precedence, json};
use manifests::{Document, Object, Stream};
use serde_json::Value;

use super::account::Account;
use super::association_set::{Associated, AssociationSet};
use super::by_account::ByAccount;
use super::known::{AccountState, Claims};
use super::sources::association_file;
use super::sources::association_resources::{self, Association, Namespaces};
use super::sources::config_map::{self, ConfigMapDocument, ConfigMapError, Entries};
use crate::source::{Complaint, Source};

/// The name of all sources that are read from manifests, for people.
pub const NAME: &str = "manifests";

/// Endings of the files that are read in a folder, as kubectl has them.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What the files say, each item with the place where it stands.
#[derive(Debug, Default)]
pub struct Manifests {
    accounts: ByAccount<(AccountState, Location)>,
    associations: ByAccount<(Associated, Location)>,
    config_map: Option<ConfigMapManifest>,
    namespaces: Namespaces,
    /// Accounts that are named by association resources which do not count.
    foreign: ByAccount<Location>,
}

/// The one ConfigMap that is read.
#[derive(Debug)]
struct ConfigMapManifest {
    namespace: Box<str>,
    place: Location,
    contents: ConfigMapDocument,
}

/// A document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file that holds the document.
    pub path: PathBuf,
    /// The document's number within the file, from 1.
    pub document: usize,
    /// The document's first line, from 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: document {}, line {}", self.path.display(), self.document, self.line)
    }
}

/// Why files could not be read. It ends the start: half of the identities would be worse than none.
#[derive(Debug, thiserror::Error)]
pub enum ManifestsError {
    /// A file or folder could not be opened or read.
    #[error("failed to read {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The text of a file could not be parsed.
    #[error("failed to read {path}: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// The parser's error, with document and line.
        source: manifests::Error,
    },
    /// A document of a file says something that cannot be used.
    #[error("failed to read {place}: {message}")]
    Document {
        /// The document's place.
        place: Location,
        /// What is wrong with the document.
        message: String,
    },
}

impl Manifests {
    /// Reads files, and in folders the files that end in yaml, yml or json. `namespace` is for accounts that
    /// name no namespace; `namespaces` says whose accounts association resources may name.
    pub fn read(
        paths: &[PathBuf],
        namespace: &str,
        prefix: &Prefix,
        namespaces: Namespaces,
    ) -> Result<Self, ManifestsError> {
        let mut manifests = Self { namespaces, ..Self::default() };
        for path in paths {
            for file in files(path)? {
                let text = std::fs::read_to_string(&file)
                    .map_err(|source| ManifestsError::Io { path: file.clone(), source })?;
                let stream = manifests::parse(&text)
                    .map_err(|source| ManifestsError::Parse { path: file.clone(), source })?;
                manifests.add(&stream, &file, namespace, prefix)?;
            }
        }
        Ok(manifests)
    }

    /// Takes in the documents of a stream; kinds that say nothing of identities are skipped.
    pub fn add(
        &mut self,
        stream: &Stream,
        path: &Path,
        namespace: &str,
        prefix: &Prefix,
    ) -> Result<(), ManifestsError> {
        for document in stream.documents() {
            let place = Location::of(path, document);
            for object in document.objects() {
                self.add_object(&object, namespace, prefix, &place)
                    .map_err(|message| ManifestsError::Document { place: place.clone(), message })?;
            }
        }
        Ok(())
    }

    fn add_object(
        &mut self,
        object: &Object<'_>,
        namespace: &str,
        prefix: &Prefix,
        place: &Location,
    ) -> Result<(), String> {
        match (object.version, object.kind) {
            // The version is compared too: operators define kinds called ServiceAccount of their own.
            ("v1", "ServiceAccount") => self.add_account(object, namespace, prefix, place),
            ("v1", "ConfigMap") if object.text("/metadata/name") == Some(config_map::NAME) => {
                self.add_config_map(object, namespace, place)
            }
            (_, association_resources::KIND) => self.add_association_resource(object, namespace, place),
            (_, "") if object.value.get("identities").is_some() => {
                let contents = association_file::AssociationFile::read(object.value)
                    .map_err(|error| json::expected(&error).unwrap_or_default())?;
                if let Some(complaint) = contents.complaint {
                    return Err(complaint.reasons().join("; "));
                }
                for account in contents.associations.iter() {
                    self.associations.insert(account, (Associated::default(), place.clone()));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_account(
        &mut self,
        object: &Object<'_>,
        namespace: &str,
        prefix: &Prefix,
        place: &Location,
    ) -> Result<(), String> {
        let name = object.text("/metadata/name").ok_or("a ServiceAccount without metadata.name")?;
        let namespace = object.namespace().unwrap_or(namespace);
        let annotations = match object.value.pointer("/metadata/annotations") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(members)) => members
                .iter()
                .map(|(key, value)| match value {
                    Value::String(value) => Ok((key.as_str(), value.as_str())),
                    // Go reads `null` as an empty string; templates write it if a value is not set.
                    Value::Null => Ok((key.as_str(), "")),
                    _ => Err(format!("annotation {key} of ServiceAccount {name} is not a string: quote it")),
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(format!("the annotations of ServiceAccount {name} are not a map")),
        };
        let state = AccountState::of(Account::read(prefix, annotations));
        self.accounts.insert(AccountName::new(namespace, name), (state, place.clone()));
        Ok(())
    }

    /// Nothing here says which namespace is the webhook's own, so there must be no choice. The same ConfigMap
    /// again, such as from a file that was given twice, replaces the first.
    fn add_config_map(
        &mut self,
        object: &Object<'_>,
        namespace: &str,
        place: &Location,
    ) -> Result<(), String> {
        let namespace = object.namespace().unwrap_or(namespace);
        let name = config_map::NAME;
        if let Some(first) = self.config_map.as_ref().filter(|first| *first.namespace != *namespace) {
            return Err(format!("a ConfigMap {name} of another namespace than that of {}", first.place));
        }
        let key = config_map::KEY;
        let value = |field| object.value.get(field)?.get(key).filter(|value| !value.is_null());
        let contents = match (value("data"), value("binaryData")) {
            (Some(Value::String(document)), _) => ConfigMapDocument::parse(document),
            (Some(_), _) => Err(ConfigMapError::NoString),
            (None, Some(_)) => Err(ConfigMapError::Binary),
            (None, None) => Ok(ConfigMapDocument::default()),
        };
        let contents = contents.map_err(|error| format!("{key} of ConfigMap {name} is {error}"))?;
        let namespace = namespace.into();
        self.config_map = Some(ConfigMapManifest { namespace, place: place.clone(), contents });
        Ok(())
    }

    /// Files say what is wanted, not what AWS has, so an association counts without its controller's word,
    /// for whichever cluster it is.
    fn add_association_resource(
        &mut self,
        object: &Object<'_>,
        namespace: &str,
        place: &Location,
    ) -> Result<(), String> {
        let Some(kind) = association_resources::Kind::find(object.version, object.kind) else {
            return Ok(());
        };
        let association = Association::read(kind, object.value, namespace).map_err(|error| {
            format!("{} {}: {error}", object.kind, object.text("/metadata/name").unwrap_or("without a name"))
        })?;
        let own = kind.is_namespaced().then(|| object.namespace().unwrap_or(namespace));
        if self.namespaces == Namespaces::Own && own != Some(association.account.get().namespace) {
            self.foreign.insert(association.account.get(), place.clone());
            return Ok(());
        }
        let associated = association.associated();
        self.associations.insert(association.account.get(), (associated, place.clone()));
        Ok(())
    }

    /// The sources for a server: the associations, and the ConfigMap's entries if there is a ConfigMap.
    #[must_use]
    pub fn sources(&self) -> (Arc<Source<AssociationSet>>, Option<Arc<Source<Entries>>>) {
        let associations = self.associations.iter().map(|(account, (known, _))| (account, known.clone()));
        let associations = AssociationSet::with(associations);
        let entries = self.config_map.as_ref().map(|config_map| config_map.contents.entries.clone());
        (Source::fixed(NAME, associations), entries.map(|entries| Source::fixed(NAME, entries)))
    }

    /// The identity of an account.
    #[must_use]
    pub fn find(&self, account: AccountName<'_>, precedence: Precedence) -> Found {
        let association = self.associations.get(account).map(|(associated, _)| associated.clone());
        let entry = self.entries().and_then(|(entries, _)| entries.grant(account));
        Claims { association, account: self.state(account), entry }.found(precedence)
    }

    /// What is known of the ServiceAccount.
    #[must_use]
    pub fn state(&self, account: AccountName<'_>) -> AccountState {
        self.accounts.get(account).map_or(AccountState::Missing, |(state, _)| state.clone())
    }

    /// What is known of the ServiceAccount, and where it stands.
    #[must_use]
    pub fn account(&self, account: AccountName<'_>) -> Option<(&AccountState, &Location)> {
        self.accounts.get(account).map(|(state, place)| (state, place))
    }

    /// The place of an association that names exactly this account.
    #[must_use]
    pub fn association_place(&self, account: AccountName<'_>) -> Option<&Location> {
        self.associations.get(account).map(|(_, place)| place)
    }

    /// The ConfigMap's entries and its place, if there is a ConfigMap.
    #[must_use]
    pub fn entries(&self) -> Option<(&Entries, &Location)> {
        self.config_map.as_ref().map(|config_map| (&config_map.contents.entries, &config_map.place))
    }

    /// The complaint about unusable entries of the ConfigMap, and the ConfigMap's place.
    #[must_use]
    pub fn complaint(&self) -> Option<(&Complaint, &Location)> {
        let config_map = self.config_map.as_ref()?;
        config_map.contents.complaint.as_ref().map(|complaint| (complaint, &config_map.place))
    }

    /// The place of a resource that names the account and does not count because of its own namespace.
    #[must_use]
    pub fn foreign_place(&self, account: AccountName<'_>) -> Option<&Location> {
        self.foreign.get(account)
    }

    /// How many accounts are named by resources that do not count.
    #[must_use]
    pub fn foreign(&self) -> usize {
        self.foreign.len()
    }

    /// How many accounts there are.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// How many associations there are.
    #[must_use]
    pub fn associations(&self) -> usize {
        self.associations.len()
    }
}

impl Location {
    /// Where a document of a file stands.
    #[must_use]
    pub fn of(path: &Path, document: &Document) -> Self {
        Self { path: path.to_owned(), document: document.number(), line: document.line() }
    }
}

/// The path itself if it is a file; a folder's files, in the order of their names.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, ManifestsError> {
    let failed = |source| ManifestsError::Io { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let is_manifest = file.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
        if is_manifest && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}
