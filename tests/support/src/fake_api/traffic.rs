//! What clients asked of the fake, for tests to assert on and to wait for.

use serde_json::Value;

/// The requests seen, in order of arrival, and what is under way now.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// Every page asked for.
    pub lists: Vec<ListRequest>,
    /// Every watch asked for.
    pub watches: Vec<WatchRequest>,
    /// Every GET of an object.
    pub gets: Vec<GetRequest>,
    /// Every PATCH of an object's status, or of a node, also those that were refused.
    pub patches: Vec<PatchRequest>,
    /// Groups (`GROUP`) and their versions (`GROUP/VERSION`) whose resources were asked for.
    pub discoveries: Vec<String>,
    /// How often the Service `kubernetes` was asked for.
    pub services: usize,
    /// Paths of what was asked of the tokens that the API server signs.
    pub documents: Vec<String>,
    /// How many tokens were reviewed.
    pub reviews: usize,
    /// Method and URI of everything that was refused: unknown paths (404), selectors (400) and the like.
    pub others: Vec<String>,
    /// Watches streaming now, frozen ones included, dropped and expired ones not.
    pub watches_open: usize,
    /// Events told to watches, counted once for each watch.
    pub told: usize,
    /// GETs being answered now, held and hanging ones included.
    pub gets_running: usize,
    /// The most GETs that were running at once.
    pub gets_running_max: usize,
    /// TCP connections open now.
    pub connections_open: usize,
    /// TCP connections since the start.
    pub connections: u64,
    /// MiB that were sent of answers that do not end.
    pub flooded: usize,
}

impl Traffic {
    /// How often this account was asked for.
    #[must_use]
    pub fn gets_of(&self, namespace: &str, name: &str) -> usize {
        self.gets.iter().filter(|get| get.namespace == namespace && get.name == name).count()
    }

    /// How often the object of this name, or its status, was to be patched.
    #[must_use]
    pub fn patches_of(&self, namespace: &str, name: &str) -> usize {
        self.patches.iter().filter(|patch| patch.namespace == namespace && patch.name == name).count()
    }

    pub(super) fn forget_requests(&mut self) {
        self.lists.clear();
        self.watches.clear();
        self.gets.clear();
        self.patches.clear();
        self.discoveries.clear();
        self.services = 0;
        self.documents.clear();
        self.reviews = 0;
        self.others.clear();
        self.gets_running_max = self.gets_running;
    }
}

/// The objects of a kind, all or those of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// `PLURAL.GROUP`, of the core group the plural alone.
    pub resource: String,
    /// The version's name.
    pub version: String,
    /// `None` for all namespaces, or of objects that are in none.
    pub namespace: Option<String>,
}

/// The query of one page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// What is asked for.
    pub of: Collection,
    /// The name that a field selector chooses.
    pub selected: Option<String>,
    /// Whether `PartialObjectMetadataList` was asked for.
    pub metadata_only: bool,
    /// `limit`, absent or 0 for no limit.
    pub limit: Option<usize>,
    /// `continue`, on every page but the first.
    pub continue_token: Option<String>,
    /// `resourceVersion`, as sent.
    pub resource_version: Option<String>,
    /// The whole query, undecoded.
    pub query: String,
}

/// The query of one watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRequest {
    /// What is asked for.
    pub of: Collection,
    /// The name that a field selector chooses.
    pub selected: Option<String>,
    /// Whether `PartialObjectMetadata` was asked for.
    pub metadata_only: bool,
    /// `resourceVersion`: events later than this are wanted.
    pub resource_version: u64,
    /// `timeoutSeconds`.
    pub timeout_seconds: Option<u64>,
    /// `allowWatchBookmarks`.
    pub bookmarks: bool,
    /// The whole query, undecoded.
    pub query: String,
}

/// One GET of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetRequest {
    /// The object's kind.
    pub collection: Collection,
    /// Whether `PartialObjectMetadata` was asked for.
    pub metadata_only: bool,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// `resourceVersion`, as sent: 0 would allow the API server a stale answer.
    pub resource_version: Option<String>,
}

/// One PATCH of an object's status, or of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchRequest {
    /// The object's kind.
    pub of: Collection,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// What is to be merged into the object; of a node, the operations.
    pub part: Value,
}
