//! One JSON object, its members by name. A name that stands twice is refused, as RFC 7515 and 7519 have it: two
//! readers would take two different values for the one that was signed.
//!
//! Members that nobody asks for are skipped, without recursion, whatever is in them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, each still text.
pub(crate) struct Members<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

/// What is wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not JSON, or not an object.
    NotAnObject,
    /// A name stands twice.
    Duplicate,
    /// The member of this name is of another type.
    Member(&'static str),
}

impl<'a> Members<'a> {
    /// Reads an object from bytes that are nothing else.
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, Fault> {
        let Object(members) = serde_json::from_slice(json).map_err(|_| Fault::NotAnObject)?;
        members.map(Self).ok_or(Fault::Duplicate)
    }

    /// The member of this name, if it is there.
    pub(crate) fn read<T: Deserialize<'a>>(&self, name: &'static str) -> Result<Option<T>, Fault> {
        let member = self.0.get(name).map(|raw| serde_json::from_str(raw.get()));
        member.transpose().map_err(|_| Fault::Member(name))
    }

    /// The object of this name, if it is there.
    pub(crate) fn object(&self, name: &'static str) -> Result<Option<Self>, Fault> {
        let object = self.0.get(name).map(|raw| Self::parse(raw.get().as_bytes()));
        object.transpose().map_err(|fault| match fault {
            Fault::Duplicate => Fault::Duplicate,
            Fault::NotAnObject | Fault::Member(_) => Fault::Member(name),
        })
    }

    /// Whether there is a member of this name, of any type.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// The members as they pass; `None` once a name stood twice.
struct Object<'a>(Option<BTreeMap<Cow<'a, str>, &'a RawValue>>);

/// A name, unescaped: `"is\u0073"` is `iss`.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                let mut is_unique = true;
                while let Some((Name(name), value)) = map.next_entry()? {
                    is_unique &= members.insert(name, value).is_none();
                }
                Ok(Object(is_unique.then_some(members)))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}
