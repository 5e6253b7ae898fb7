//! All that the fake knows, in one value: objects, their history, the controls and the traffic.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::faults::{Faults, Hold};
use super::resource::{CONFIG_MAPS, Resource, SERVICE_ACCOUNTS};
use super::traffic::{Collection, ListRequest, PatchRequest, Traffic};

/// One version of an object.
#[derive(Clone)]
pub(super) struct Object {
    /// The name of its kind, which is the same in all versions.
    pub(super) resource: String,
    /// Empty for an object without a namespace.
    pub(super) namespace: String,
    pub(super) name: String,
    /// The resourceVersion at which the object of this name was created: its uid is made from it.
    pub(super) created: u64,
    pub(super) version: u64,
    /// How often it was written, its status left aside.
    pub(super) generation: u64,
    pub(super) annotations: Vec<(String, String)>,
    /// All but kind, version and metadata.
    pub(super) body: Map<String, Value>,
}

impl Object {
    fn is_in(&self, collection: &Collection, selected: Option<&String>) -> bool {
        self.resource == collection.resource
            && collection.namespace.as_ref().is_none_or(|namespace| *namespace == self.namespace)
            && selected.is_none_or(|name| *name == self.name)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// Whether watches hear of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Publicity {
    Announced,
    Unannounced,
}

pub(super) struct Change {
    pub(super) kind: ChangeKind,
    pub(super) object: Arc<Object>,
    publicity: Publicity,
}

/// One page of a list, all pages of which show the state of the same version.
pub(super) struct Page {
    pub(super) version: u64,
    pub(super) objects: Vec<Arc<Object>>,
    pub(super) remaining: usize,
    pub(super) continue_token: Option<String>,
}

/// The `continue` token is older than what the server remembers.
pub(super) struct Expired;

/// Why an object is not patched.
pub(super) enum PatchError {
    /// There is no object of this name.
    Missing,
    /// The patch is for another version than the object's.
    Conflict,
    /// An operation cannot be done: a `test` among them fails, mostly.
    Inapplicable(String),
}

/// Resource, namespace, name.
type Key = (String, String, String);

pub(super) struct World {
    /// In the order in which they were installed.
    served: Vec<Resource>,
    objects: BTreeMap<Key, Arc<Object>>,
    log: Vec<Change>,
    /// The collection's resourceVersion.
    version: u64,
    /// Watches from before this version get 410.
    pub(super) oldest: u64,
    /// Watches are told of changes up to this version; `None`: of all.
    told: Option<u64>,
    /// The states that paged lists began with, by resource and version.
    snapshots: BTreeMap<(String, u64), Vec<Arc<Object>>>,

    /// Watches are numbered from 1.
    newest_watch: u64,
    /// Watches up to this number do not count as open, though their clients may not know yet.
    finished: u64,
    /// Watches up to this number are silent.
    pub(super) frozen: u64,
    /// Watches up to this number are to be cut.
    pub(super) dropped: u64,
    /// Connections are numbered from 1.
    newest_connection: u64,
    /// Connections up to this number are silent.
    pub(super) silent: u64,
    /// How many bookmarks every open watch should have had.
    pub(super) bookmarks: u64,

    /// What is said of the tokens that the API server signs, by path.
    pub(super) documents: BTreeMap<String, Value>,
    /// The UIDs of account and pod of each token that a review confirms.
    pub(super) tokens: BTreeMap<String, [String; 2]>,
    /// `spec.ipFamilies` of the Service `kubernetes`.
    pub(super) ip_families: Vec<&'static str>,
    pub(super) faults: Faults,
    pub(super) hold: Option<Hold>,
    /// How often held GETs were released.
    pub(super) releases: u64,
    pub(super) traffic: Traffic,
}

impl Default for World {
    fn default() -> Self {
        Self {
            served: vec![SERVICE_ACCOUNTS, CONFIG_MAPS],
            objects: BTreeMap::new(),
            log: Vec::new(),
            version: 0,
            oldest: 0,
            told: None,
            snapshots: BTreeMap::new(),
            newest_watch: 0,
            finished: 0,
            frozen: 0,
            dropped: 0,
            newest_connection: 0,
            silent: 0,
            bookmarks: 0,
            documents: BTreeMap::new(),
            tokens: BTreeMap::new(),
            ip_families: Vec::new(),
            faults: Faults::default(),
            hold: None,
            releases: 0,
            traffic: Traffic::default(),
        }
    }
}

impl World {
    /// Creates or replaces an object.
    pub(super) fn put(
        &mut self,
        resource: Resource,
        (namespace, name): (&str, &str),
        annotations: &[(&str, &str)],
        body: Map<String, Value>,
        publicity: Publicity,
    ) -> u64 {
        let version = self.advance();
        let key = (resource.name(), namespace.to_owned(), name.to_owned());
        let (kind, created, generation) = match self.objects.get(&key) {
            Some(object) => (ChangeKind::Modified, object.created, object.generation + 1),
            None => (ChangeKind::Added, version, 1),
        };
        let object = Arc::new(Object {
            resource: resource.name(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            created,
            version,
            generation,
            annotations: annotations.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
            body,
        });
        self.objects.insert(key, object.clone());
        self.log.push(Change { kind, object, publicity });
        version
    }

    pub(super) fn delete(
        &mut self,
        resource: &str,
        namespace: &str,
        name: &str,
        publicity: Publicity,
    ) -> Option<u64> {
        let key = (resource.to_owned(), namespace.to_owned(), name.to_owned());
        let last = self.objects.remove(&key)?;
        let version = self.advance();
        // A DELETED event carries the last state, at the deletion's resourceVersion.
        let object = Arc::new(Object { version, ..(*last).clone() });
        self.log.push(Change { kind: ChangeKind::Deleted, object, publicity });
        Some(version)
    }

    /// Merges a part into an object's status; open watches hear of it. Of the part's metadata the version counts alone,
    /// and what leaves the status as it is makes no new version, as with kube-apiserver.
    pub(super) fn patch_status(&mut self, request: &PatchRequest) -> Result<Arc<Object>, PatchError> {
        let PatchRequest { of, namespace, name, part } = request;
        let key = (of.resource.clone(), namespace.clone(), name.clone());
        let last = self.objects.get(&key).cloned().ok_or(PatchError::Missing)?;
        let version = part.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        if version.is_some_and(|version| version != last.version.to_string()) {
            return Err(PatchError::Conflict);
        }
        let mut body = last.body.clone();
        if let Some(part) = part.get("status") {
            json_patch::merge(body.entry("status").or_insert_with(|| Value::Object(Map::new())), part);
        }
        Ok(self.rewrite(key, &last, body))
    }

    /// Does the operations of a JSON patch, all or none, to what an object has beside its metadata.
    pub(super) fn patch(&mut self, request: &PatchRequest) -> Result<Arc<Object>, PatchError> {
        let PatchRequest { of, namespace, name, part } = request;
        let key = (of.resource.clone(), namespace.clone(), name.clone());
        let last = self.objects.get(&key).cloned().ok_or(PatchError::Missing)?;
        let inapplicable = |error: &dyn std::error::Error| PatchError::Inapplicable(error.to_string());
        let operations: json_patch::Patch =
            serde_json::from_value(part.clone()).map_err(|error| inapplicable(&error))?;
        let mut body = Value::Object(last.body.clone());
        json_patch::patch(&mut body, &operations).map_err(|error| inapplicable(&error))?;
        let body = body.as_object().cloned().unwrap_or_default();
        Ok(self.rewrite(key, &last, body))
    }

    /// Gives an object another body, of which open watches hear; the same one makes no new version.
    fn rewrite(&mut self, key: Key, last: &Arc<Object>, body: Map<String, Value>) -> Arc<Object> {
        if body == last.body {
            return last.clone();
        }
        let object = Arc::new(Object { version: self.advance(), body, ..(**last).clone() });
        self.objects.insert(key, object.clone());
        let publicity = Publicity::Announced;
        self.log.push(Change { kind: ChangeKind::Modified, object: object.clone(), publicity });
        object
    }

    pub(super) fn install(&mut self, resource: Resource) {
        self.served.push(resource);
    }

    /// Stops serving this version of a kind, whose objects go with its last version.
    pub(super) fn uninstall(&mut self, resource: Resource) {
        self.served.retain(|served| *served != resource);
        let name = resource.name();
        if !self.served.iter().any(|served| served.name() == name) {
            let gone: Vec<_> = self.objects.keys().filter(|key| key.0 == name).cloned().collect();
            for (resource, namespace, name) in gone {
                self.delete(&resource, &namespace, &name, Publicity::Announced);
            }
        }
    }

    /// The kind in that version, if it is served.
    pub(super) fn served(&self, of: &Collection) -> Option<Resource> {
        let is_it = |served: &&Resource| served.version == of.version && served.name() == of.resource;
        self.served.iter().find(is_it).copied()
    }

    /// What is served of a group, or of one of its versions alone if one is given.
    pub(super) fn served_of(&self, group: &str, version: Option<&str>) -> Vec<Resource> {
        let is_it = |served: &&Resource| {
            served.group == group && version.is_none_or(|version| served.version == version)
        };
        self.served.iter().filter(is_it).copied().collect()
    }

    pub(super) fn withhold(&mut self, withhold: bool) {
        self.told = withhold.then(|| self.told.unwrap_or(self.version));
    }

    /// Takes a version of its own, so that even a watch that has seen everything is too old.
    pub(super) fn expire(&mut self) {
        self.oldest = self.advance();
        self.snapshots.clear();
        self.finish_watches();
        if let Some(told) = &mut self.told {
            *told = self.oldest;
        }
    }

    pub(super) fn open_connection(&mut self) -> u64 {
        self.newest_connection += 1;
        self.traffic.connections = self.newest_connection;
        self.newest_connection
    }

    pub(super) fn silence_connections(&mut self) {
        self.silent = self.newest_connection;
    }

    pub(super) fn open_watch(&mut self) -> u64 {
        self.newest_watch += 1;
        self.traffic.watches_open += 1;
        self.newest_watch
    }

    pub(super) fn close_watch(&mut self, number: u64) {
        if number > self.finished {
            self.traffic.watches_open -= 1;
        }
    }

    pub(super) fn drop_watches(&mut self) {
        self.dropped = self.newest_watch;
        self.finish_watches();
    }

    pub(super) fn freeze_watches(&mut self) {
        self.frozen = self.newest_watch;
    }

    /// The watches end at once, so that a test that then waits for an open watch waits for the client's next.
    fn finish_watches(&mut self) {
        self.finished = self.newest_watch;
        self.traffic.watches_open = 0;
    }

    pub(super) fn object(&self, resource: &str, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.objects.get(&(resource.to_owned(), namespace.to_owned(), name.to_owned())).cloned()
    }

    pub(super) fn page(&mut self, request: &ListRequest) -> Result<Page, Expired> {
        let (version, start) = match &request.continue_token {
            Some(token) => parse_token(token).ok_or(Expired)?,
            None => (self.version, 0),
        };
        let snapshot = (request.of.resource.clone(), version);
        let rest = if request.continue_token.is_some() {
            self.snapshots.get(&snapshot).ok_or(Expired)?.get(start..).ok_or(Expired)?.to_vec()
        } else {
            let is_in = |object: &&Arc<Object>| object.is_in(&request.of, request.selected.as_ref());
            self.objects.values().filter(is_in).cloned().collect()
        };
        let limit = request.limit.filter(|&limit| limit > 0).unwrap_or(rest.len());
        let objects: Vec<_> = rest.iter().take(limit).cloned().collect();
        let remaining = rest.len() - objects.len();
        let next = start + objects.len();
        if remaining > 0 && start == 0 {
            // Kept until it expires: another client may be half-way through the same version.
            self.snapshots.insert(snapshot, rest);
        }
        Ok(Page {
            version,
            objects,
            remaining,
            continue_token: (remaining > 0).then(|| format!("v{version}.{next}")),
        })
    }

    /// The first change after `seen` that a watch is told of.
    pub(super) fn change_after(
        &self,
        seen: u64,
        of: &Collection,
        selected: Option<&String>,
    ) -> Option<&Change> {
        let start = self.log.partition_point(|change| change.object.version <= seen);
        self.log
            .get(start..)?
            .iter()
            .take_while(|change| change.object.version <= self.told_version())
            .find(|change| change.publicity == Publicity::Announced && change.object.is_in(of, selected))
    }

    /// The version up to which watches may know everything that they will ever be told.
    pub(super) fn told_version(&self) -> u64 {
        self.told.unwrap_or(self.version)
    }

    pub(super) fn advance(&mut self) -> u64 {
        // A fresh API server is past its first versions as well, and 0 has a meaning of its own.
        self.version = self.version.max(1000) + 1;
        self.version
    }
}

/// `v<version>.<offset>`: opaque to clients, and safe in a query as it stands.
fn parse_token(token: &str) -> Option<(u64, usize)> {
    let (version, offset) = token.strip_prefix('v')?.split_once('.')?;
    Some((version.parse().ok()?, offset.parse().ok()?))
}
