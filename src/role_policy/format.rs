//! The format of a role policy, in YAML or JSON:
//!
//! ```yaml
//! rules:
//!   - namespaces: [shop, shop-*]
//!     serviceAccounts: [orders]   # all where it is left out
//!     roles: ["arn:aws:iam::123456789012:role/shop/*"]
//! ```
//!
//! No member is ignored: a policy with a misspelt one would not be what it seems.

use injection::name::NameGlob;
use injection::policy::{RoleGlob, RoleGlobError, RolePolicy, Rule};
use injection::text::Line;
use manifests::{Marked, MarkedValue};

/// Why bytes are not a policy, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The bytes are not UTF-8.
    #[error("not UTF-8 after {0} bytes")]
    NotUtf8(usize),
    /// The text is neither YAML nor JSON, or only the first part of a document; the parser says where.
    #[error("{0}")]
    Syntax(String),
    /// A value is not of the shape that a policy has there.
    #[error("line {line}, {path}: {mistake}")]
    Value {
        /// The value's line, from 1.
        line: usize,
        /// The value's path in the policy, such as `rules[1].roles[0]`.
        path: String,
        /// What is wrong with the value.
        mistake: Mistake,
    },
    /// The file is empty, or holds only comments.
    #[error("it is empty; a policy that allows no role is written rules: []")]
    Nothing,
}

/// What is wrong with a value of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// The value is of another type.
    #[error("expected {expected}, found {found}")]
    Type {
        /// The type that it should have.
        expected: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// A policy has no member of this name.
    #[error("no such field; the fields are {0}")]
    Field(&'static str),
    /// A member that must be there is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The list is empty, so it would match nothing.
    #[error("the list is empty")]
    Empty,
    /// The pattern can match no namespace's name.
    #[error("no namespace has such a name; the only wildcard is *")]
    Namespace,
    /// The pattern can match no ServiceAccount's name.
    #[error("no ServiceAccount has such a name; the only wildcard is *")]
    ServiceAccount,
    /// The pattern can match no role's ARN.
    #[error("{0}")]
    Role(#[from] RoleGlobError),
}

/// Reads a policy.
pub fn parse(bytes: &[u8]) -> Result<RolePolicy, PolicyError> {
    let text = std::str::from_utf8(bytes).map_err(|error| PolicyError::NotUtf8(error.valid_up_to()))?;
    let document = manifests::document(text).map_err(|error| PolicyError::Syntax(brief(&error)))?;
    let root = Node { path: String::new(), value: document.as_ref().ok_or(PolicyError::Nothing)? };
    let [rules] = root.members(["rules"], "rules")?;
    let rules = rules.ok_or_else(|| root.error(Mistake::Missing("rules")))?;
    rules.items("a list of rules")?.iter().map(rule).collect()
}

fn rule(place: &Node<'_>) -> Result<Rule, PolicyError> {
    let fields = ["namespaces", "serviceAccounts", "roles"];
    let [namespaces, accounts, roles] = place.members(fields, "namespaces, serviceAccounts and roles")?;
    let namespaces = namespaces.ok_or_else(|| place.error(Mistake::Missing("namespaces")))?;
    let roles = roles.ok_or_else(|| place.error(Mistake::Missing("roles")))?;
    let namespace = |text: &str| NameGlob::of_namespaces(text).ok_or(Mistake::Namespace);
    let account = |text: &str| NameGlob::of_service_accounts(text).ok_or(Mistake::ServiceAccount);
    Ok(Rule {
        namespaces: namespaces.globs(namespace)?,
        service_accounts: accounts.map(|accounts| accounts.globs(account)).transpose()?,
        roles: roles.globs(|text| RoleGlob::new(text).map_err(Mistake::Role))?,
    })
}

/// A value and where it stands.
struct Node<'a> {
    path: String,
    value: &'a Marked,
}

impl<'a> Node<'a> {
    /// The members of a mapping that may have no others; `listed` is their names, for a message.
    fn members<const N: usize>(
        &self,
        names: [&str; N],
        listed: &'static str,
    ) -> Result<[Option<Node<'a>>; N], PolicyError> {
        let MarkedValue::Mapping(members) = &self.value.value else {
            return Err(self.is_no("a mapping"));
        };
        let member = |name: &str, value| Node { path: self.below(name), value };
        if let Some((name, value)) = members.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            return Err(member(&Line::new(name, LONGEST).to_string(), value).error(Mistake::Field(listed)));
        }
        // The parser has refused names that stand twice.
        Ok(names.map(|name| {
            members.iter().find(|(known, _)| known == name).map(|(_, value)| member(name, value))
        }))
    }

    fn items(&self, expected: &'static str) -> Result<Vec<Node<'a>>, PolicyError> {
        let MarkedValue::List(items) = &self.value.value else {
            return Err(self.is_no(expected));
        };
        let item = |(index, value)| Node { path: format!("{}[{index}]", self.path), value };
        Ok(items.iter().enumerate().map(item).collect())
    }

    fn globs<T>(&self, read: impl Fn(&str) -> Result<T, Mistake>) -> Result<Vec<T>, PolicyError> {
        let items = self.items("a list of strings")?;
        if items.is_empty() {
            return Err(self.error(Mistake::Empty));
        }
        let glob = |item: &Node<'_>| match &item.value.value {
            MarkedValue::Text(text) => read(text).map_err(|mistake| item.error(mistake)),
            _ => Err(item.is_no("a string")),
        };
        items.iter().map(glob).collect()
    }

    fn below(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn is_no(&self, expected: &'static str) -> PolicyError {
        let found = match self.value.value {
            MarkedValue::Text(_) => "a string",
            MarkedValue::List(_) => "a list",
            MarkedValue::Mapping(_) => "a mapping",
            MarkedValue::Other(name) => name,
        };
        self.error(Mistake::Type { expected, found })
    }

    fn error(&self, mistake: Mistake) -> PolicyError {
        let path = if self.path.is_empty() { "the policy".to_owned() } else { self.path.clone() };
        PolicyError::Value { line: self.value.line, path, mistake }
    }
}

/// The longest text of the file that a message quotes, in characters.
const LONGEST: usize = 160;

/// The parser's words, cut because they may quote the text.
fn brief(error: &manifests::Error) -> String {
    Line::new(&error.to_string(), LONGEST).to_string()
}

#[cfg(test)]
mod tests;
