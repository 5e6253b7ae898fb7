//! The document under the ConfigMap's key:
//! `{"ns/sa":{"RoleARN":"…","Audience":"…","UseRegionalSTS":true,"TokenExpiration":0}}`.
//!
//! The text is read as Go reads it: names of members in any case, `null` as absent, the last of two members
//! of one name; everything else is skipped. But an entry at which Go would stop is the only one that is lost.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use injection::Grant;
use injection::excess::{self, TOLD};
use injection::go;
use injection::grant::{AskedLifetime, Preferences, RoleGrant, RoleSource};
use injection::json::{self, Fold, Object, Slot, Text};
use injection::text::{Quoted, cut};
use serde::de::{DeserializeSeed, MapAccess};
use serde_json::value::RawValue;

use super::pattern::Pattern;
use super::{Entries, Entry};
use crate::source::Complaint;

/// Why the value under the key is not a document of entries; the text quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigMapError {
    /// The value is YAML or JSON itself instead of a string that holds JSON.
    #[error("not a string: write it behind a |")]
    NoString,
    /// The value is not UTF-8: Kubernetes keeps such values under `binaryData`.
    #[error("not text: it is under binaryData")]
    Binary,
    /// The text is not JSON, or only the first part of a document.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// The text is JSON of another shape.
    #[error("not an object of entries at line {line} column {column}")]
    Shape {
        /// The line of the text, from 1.
        line: usize,
        /// The column of the line, from 1.
        column: usize,
    },
}

impl From<serde_json::Error> for ConfigMapError {
    fn from(error: serde_json::Error) -> Self {
        match json::expected(&error) {
            // `serde_json`'s own messages about syntax quote nothing of the text.
            None => Self::Syntax(error.to_string()),
            Some(_) => Self::Shape { line: error.line(), column: error.column() },
        }
    }
}

/// Why an entry cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum EntryError {
    #[error("not an object with RoleARN")]
    Shape,
    #[error("{0} is not a string")]
    Text(&'static str),
    #[error("UseRegionalSTS is neither true nor false")]
    RegionalSts,
    #[error("TokenExpiration is not a whole number of seconds")]
    Lifetime,
}

/// What a document says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ConfigMapDocument {
    /// The entries whose keys can be read.
    pub entries: Entries,
    /// The complaint about entries that cannot be used, if there are any.
    pub complaint: Option<Complaint>,
}

impl ConfigMapDocument {
    /// Reads a document; an empty or blank one has no entries.
    pub fn parse(document: &str) -> Result<Self, ConfigMapError> {
        if document.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let mut lines = Lines { document, line: 1, offset: 0 };
        let mut entries = BTreeMap::new();
        let mut complaint = Complaint::default();
        members(document, |key, value| {
            let line = lines.of(value);
            let place = EntryPlace { key: &key, line };
            let pattern = match Pattern::parse(&key) {
                Ok(pattern) => pattern,
                Err(error) => {
                    complaint.add(format_args!("{place}: {error}"));
                    return;
                }
            };
            let grant = grant(value).unwrap_or_else(|error| {
                complaint.add(format_args!("{place}: {error}"));
                None
            });
            let entry = Entry { key: (*key).into(), line, grant };
            if let Some((_, Entry { key, line: previous, .. })) = entries.insert(key, (pattern, entry)) {
                let place = EntryPlace { key: &key, line: previous };
                complaint.add(format_args!("{place}: stands again in line {line}"));
            }
        })?;
        // The entries are in the order of their keys, whatever the document's order is.
        Ok(Self { entries: entries.into_values().collect(), complaint: complaint.into_option() })
    }
}

/// What an entry grants, if anything.
fn grant(entry: &RawValue) -> Result<Option<Arc<Grant>>, EntryError> {
    let mut role_arn = None;
    let mut audience = None;
    let mut preferences = Preferences::default();
    let mut member = |name: &str, value: &RawValue| {
        match name {
            name if name.eq_ignore_ascii_case("RoleARN") => {
                role_arn = text(value, "RoleARN", excess::ROLE_ARN)?;
            }
            name if name.eq_ignore_ascii_case("Audience") => {
                audience = text(value, "Audience", excess::AUDIENCE)?;
            }
            name if name.eq_ignore_ascii_case("UseRegionalSTS") => {
                let regional_sts = serde_json::from_str(value.get());
                preferences.regional_sts = regional_sts.map_err(|_| EntryError::RegionalSts)?;
            }
            name if name.eq_ignore_ascii_case("TokenExpiration") => preferences.lifetime = lifetime(value)?,
            _ => {}
        }
        Ok(())
    };
    let mut read = Ok(());
    let slot = members(entry.get(), |name, value| {
        if read.is_ok() {
            read = member(&name, value);
        }
    });
    if !slot.is_ok_and(Slot::is_present) {
        return Err(EntryError::Shape);
    }
    read?;
    let role_arn = role_arn.map(|role_arn| {
        let source = RoleSource::ConfigMap;
        Arc::new(Grant::Role(RoleGrant { role_arn, source, audience, preferences }))
    });
    Ok(role_arn)
}

/// A string, cut where it is too long to be of use. An empty one counts as absent: no role, or the flag's
/// audience.
fn text(value: &RawValue, member: &'static str, characters: usize) -> Result<Option<Box<str>>, EntryError> {
    let text: Option<String> = serde_json::from_str(value.get()).map_err(|_| EntryError::Text(member))?;
    Ok(text.filter(|text| !text.is_empty()).map(|text| cut(&text, characters).into()))
}

/// A lifetime in seconds; 0 counts as absent.
fn lifetime(value: &RawValue) -> Result<Option<AskedLifetime>, EntryError> {
    let seconds = match value.get() {
        "null" => 0,
        number => go::decimal(number).ok_or(EntryError::Lifetime)?,
    };
    Ok((seconds != 0).then_some(AskedLifetime::Seconds(seconds)))
}

/// Passes the members of the object in `text` to `take`, with their values as written; `null` has none.
fn members<'a>(
    text: &'a str,
    take: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> Result<Slot, serde_json::Error> {
    let mut members = Members(take);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let slot = Object(&mut members).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(slot)
}

struct Members<F>(F);

impl<'a, F: FnMut(Cow<'a, str>, &'a RawValue)> Fold<'a> for Members<F> {
    const WHAT: &'static str = "an object";

    fn member<A: MapAccess<'a>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let Some(name) = map.next_key_seed(Text)? else {
            return Ok(false);
        };
        let value = map.next_value()?;
        (self.0)(name, value);
        Ok(true)
    }
}

/// Counts lines up to the values of a document, which are passed in their order.
struct Lines<'a> {
    document: &'a str,
    line: usize,
    offset: usize,
}

impl Lines<'_> {
    /// The line on which a value of the document begins, which must not stand before the previous value.
    fn of(&mut self, value: &RawValue) -> usize {
        // A raw value is a slice of the text that it was read from.
        let offset = value.get().as_ptr().addr().saturating_sub(self.document.as_ptr().addr());
        let passed = self.document.get(self.offset..offset).unwrap_or_default();
        self.line += passed.matches('\n').count();
        self.offset = offset;
        self.line
    }
}

/// Which entry is meant, in a line of the log.
struct EntryPlace<'a> {
    key: &'a str,
    line: usize,
}

impl fmt::Display for EntryPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in line {}", Quoted::new(self.key, TOLD), self.line)
    }
}

#[cfg(test)]
mod tests;
