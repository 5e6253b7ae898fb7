//! The kinds of objects that the fake serves.

/// A kind of objects, in one of its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub kind: &'static str,
}

/// Served from the start.
pub const SERVICE_ACCOUNTS: Resource =
    Resource { group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount" };

/// Served from the start.
pub const CONFIG_MAPS: Resource =
    Resource { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap" };

impl Resource {
    /// The same in all versions, as a `CustomResourceDefinition` is named: `PLURAL.GROUP`.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.group, self.plural)
    }

    /// `GROUP/VERSION`, the core group's version alone.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// `PLURAL.GROUP`, of the core group the plural alone.
pub(super) fn name(group: &str, plural: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}
