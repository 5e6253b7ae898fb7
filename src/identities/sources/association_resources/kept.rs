//! What is kept of a resource while it is read: the members that any kind's association is made of. The rest
//! is skipped: as a tree in memory, an object takes many times the space of its text.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Bytes of one text. The longest possible one, an association's ARN, is shorter; a text that is cut here names nothing.
const LONGEST_TEXT: usize = 512;

/// Bytes of a session policy, which has 2,048 characters at most; of one that is longer so many are kept that it is seen.
const LONGEST_POLICY: usize = 4 * 2049;

/// Bytes of a role's ARN, of which the path and the name alone have up to 576.
const LONGEST_ROLE: usize = 1024;

/// Conditions that are kept of one resource; controllers write a handful.
const MOST_CONDITIONS: usize = 64;

/// An object of any kind, reduced to the members that are read.
#[derive(Debug)]
pub(super) struct Kept(pub(super) Value);

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Keep(&OBJECT).deserialize(deserializer).map(Self)
    }
}

/// What is kept of a value.
enum Shape {
    /// A text; of another value only its type is kept.
    Text,
    /// The ARN of a role, likewise.
    Role,
    /// A session policy, likewise.
    Policy,
    /// An object's members of these names.
    Members(&'static [(&'static str, Shape)]),
    /// An array of values of this shape.
    Items(&'static Shape),
}

const WANTED: Shape = Shape::Members(&[
    ("namespace", Shape::Text),
    ("serviceAccount", Shape::Text),
    ("clusterName", Shape::Text),
    ("roleArn", Shape::Role),
    ("targetRoleArn", Shape::Role),
    ("policy", Shape::Policy),
    ("disableSessionTags", Shape::Text),
]);

static OBJECT: Shape = Shape::Members(&[
    ("metadata", Shape::Members(&[("namespace", Shape::Text), ("name", Shape::Text), ("uid", Shape::Text)])),
    (
        "spec",
        Shape::Members(&[
            ("namespace", Shape::Text),
            ("serviceAccount", Shape::Text),
            ("clusterName", Shape::Text),
            ("roleArn", Shape::Role),
            ("targetRoleArn", Shape::Role),
            ("roleARN", Shape::Role),
            ("targetRoleARN", Shape::Role),
            ("policy", Shape::Policy),
            ("disableSessionTags", Shape::Text),
            ("forProvider", WANTED),
            ("initProvider", WANTED),
        ]),
    ),
    (
        "status",
        Shape::Members(&[
            ("associationID", Shape::Text),
            ("associationARN", Shape::Text),
            ("externalID", Shape::Text),
            ("ackResourceMetadata", Shape::Members(&[("arn", Shape::Text)])),
            (
                "atProvider",
                Shape::Members(&[
                    ("namespace", Shape::Text),
                    ("serviceAccount", Shape::Text),
                    ("clusterName", Shape::Text),
                    ("associationId", Shape::Text),
                    ("associationArn", Shape::Text),
                    ("externalId", Shape::Text),
                    ("roleArn", Shape::Role),
                    ("targetRoleArn", Shape::Role),
                    ("policy", Shape::Policy),
                    ("disableSessionTags", Shape::Text),
                ]),
            ),
            ("conditions", Shape::Items(&Shape::Members(&[("type", Shape::Text), ("status", Shape::Text)]))),
        ]),
    ),
]);

struct Keep(&'static Shape);

impl<'de> DeserializeSeed<'de> for Keep {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keep {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        let longest = match self.0 {
            Shape::Role => LONGEST_ROLE,
            Shape::Policy => LONGEST_POLICY,
            Shape::Text | Shape::Members(_) | Shape::Items(_) => LONGEST_TEXT,
        };
        Ok(text.get(..text.floor_char_boundary(longest)).unwrap_or_default().into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        if let Shape::Items(shape) = self.0 {
            while items.len() < MOST_CONDITIONS {
                let Some(item) = seq.next_element_seed(Keep(shape))? else { return Ok(items.into()) };
                items.push(item);
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let shapes: &[_] = if let Shape::Members(shapes) = self.0 { shapes } else { &[] };
        let mut members = Map::new();
        while let Some(name) = map.next_key_seed(injection::json::Text)? {
            match shapes.iter().find(|(known, _)| *known == name) {
                Some((known, shape)) => {
                    members.insert((*known).to_owned(), map.next_value_seed(Keep(shape))?);
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(members.into())
    }
}
