//! The format of a role policy, in YAML or JSON:
//!
//! ```yaml
//! rules:
//!   - namespaces: [shop, shop-*]
//!     serviceAccounts: [orders]   # all where it is left out
//!     roles: ["arn:aws:iam::123456789012:role/shop/*"]
//! ```
//!
//! Nothing in it is passed over: what is misspelt would make the policy another one than it seems.

use injection::name::NameGlob;
use injection::policy::{RoleGlob, RoleGlobError, RolePolicy, Rule};
use injection::text::Line;
use manifests::{Marked, MarkedValue};

/// Why bytes are no policy, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Not text at all.
    #[error("not UTF-8 after {0} bytes")]
    NotUtf8(usize),
    /// Neither YAML nor JSON, or only the first part of it; with its place.
    #[error("{0}")]
    Syntax(String),
    /// A value of another shape than a policy has there.
    #[error("line {line}, {path}: {mistake}")]
    Value {
        /// From 1.
        line: usize,
        /// Where it stands in the policy, such as `rules[1].roles[0]`.
        path: String,
        /// What is wrong with it.
        mistake: Mistake,
    },
    /// Nothing but comments.
    #[error("it is empty; a policy that allows no role is written rules: []")]
    Nothing,
}

/// What is wrong with a value of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// Of another type.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A member that does not exist.
    #[error("no such field; the fields are {0}")]
    Field(&'static str),
    /// A member that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A list that would match nothing.
    #[error("the list is empty")]
    Empty,
    /// Not the name of any namespace, with or without wildcards.
    #[error("no namespace has such a name; the only wildcard is *")]
    Namespace,
    /// Not the name of any ServiceAccount.
    #[error("no ServiceAccount has such a name; the only wildcard is *")]
    ServiceAccount,
    /// Not the ARN of any role.
    #[error("{0}")]
    Role(#[from] RoleGlobError),
}

/// Reads a policy.
pub fn parse(bytes: &[u8]) -> Result<RolePolicy, FormatError> {
    let text = std::str::from_utf8(bytes).map_err(|error| FormatError::NotUtf8(error.valid_up_to()))?;
    let document = manifests::document(text).map_err(|error| FormatError::Syntax(brief(&error)))?;
    let root = Node { path: String::new(), value: document.as_ref().ok_or(FormatError::Nothing)? };
    let [rules] = root.members(["rules"], "rules")?;
    let rules = rules.ok_or_else(|| root.error(Mistake::Missing("rules")))?;
    rules.items("a list of rules")?.iter().map(rule).collect()
}

fn rule(place: &Node<'_>) -> Result<Rule, FormatError> {
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
    /// The members of the mapping that it is, which has no others; `listed` is their names for people.
    fn members<const N: usize>(
        &self,
        names: [&str; N],
        listed: &'static str,
    ) -> Result<[Option<Node<'a>>; N], FormatError> {
        let MarkedValue::Mapping(members) = &self.value.value else {
            return Err(self.is_no("a mapping"));
        };
        let member = |name: &str, value| Node { path: self.below(name), value };
        if let Some((name, value)) = members.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            return Err(member(&Line::new(name, LONGEST).to_string(), value).error(Mistake::Field(listed)));
        }
        // No name stands twice.
        Ok(names.map(|name| {
            members.iter().find(|(known, _)| known == name).map(|(_, value)| member(name, value))
        }))
    }

    fn items(&self, expected: &'static str) -> Result<Vec<Node<'a>>, FormatError> {
        let MarkedValue::List(items) = &self.value.value else {
            return Err(self.is_no(expected));
        };
        let item = |(index, value)| Node { path: format!("{}[{index}]", self.path), value };
        Ok(items.iter().enumerate().map(item).collect())
    }

    fn globs<T>(&self, read: impl Fn(&str) -> Result<T, Mistake>) -> Result<Vec<T>, FormatError> {
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

    fn is_no(&self, expected: &'static str) -> FormatError {
        let found = match self.value.value {
            MarkedValue::Text(_) => "a string",
            MarkedValue::List(_) => "a list",
            MarkedValue::Mapping(_) => "a mapping",
            MarkedValue::Other(name) => name,
        };
        self.error(Mistake::Type { expected, found })
    }

    fn error(&self, mistake: Mistake) -> FormatError {
        let path = if self.path.is_empty() { "the policy".to_owned() } else { self.path.clone() };
        FormatError::Value { line: self.value.line, path, mistake }
    }
}

/// Longest text of the file that a line quotes, in characters.
const LONGEST: usize = 160;

/// The words of the parser, which may quote the text.
fn brief(error: &manifests::Error) -> String {
    Line::new(&error.to_string(), LONGEST).to_string()
}

#[cfg(test)]
mod tests;
