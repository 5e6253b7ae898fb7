//! The set of keys that an issuer publishes (RFC 7517, 5): `/openid/v1/jwks` of an API server.

use std::fmt;

use serde_json::value::RawValue;

use super::algorithm::Algorithm;
use super::json::Members;
use super::key::{JsonWebKey, Unusable};

/// Bytes of a set. The largest that STS takes, 200 keys, has a third of it even if each has 8192 bits.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Keys of a set. STS takes 100 of each type; an API server has one for each of its files.
pub const MAX_KEYS: usize = 1000;

/// The keys that can verify tokens, and which were left out.
#[derive(Debug, Clone)]
pub struct JsonWebKeySet {
    keys: Vec<JsonWebKey>,
    left_out: Vec<LeftOut>,
}

/// A key that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its place in the set, counted from 0.
    pub index: usize,
    /// Its id, if it has one of at most [`MAX_KID`](super::key::MAX_KID) bytes.
    pub kid: Option<String>,
    /// Why it is not used.
    pub reason: Unusable,
}

/// Why a set cannot be used. The caller keeps the keys that it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// The set has more than [`MAX_BYTES`].
    #[error("the key set is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// The set is not a JSON object whose names stand once and that has a list `keys`.
    #[error("the key set is not a JSON object with a list \"keys\"")]
    NotAKeySet,
    /// The set has more than [`MAX_KEYS`].
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// The set has no key that can verify tokens.
    #[error("the key set has no key that can verify a token{}", because(.0))]
    NoUsableKey(Vec<LeftOut>),
}

impl JsonWebKeySet {
    /// Reads a set. Keys that cannot verify tokens are left out.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let members = Members::parse(json).map_err(|_| KeySetError::NotAKeySet)?;
        let listed = members.read::<Vec<&RawValue>>("keys").map_err(|_| KeySetError::NotAKeySet)?;
        let listed = listed.ok_or(KeySetError::NotAKeySet)?;
        if listed.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut set = Self { keys: Vec::new(), left_out: Vec::new() };
        for (index, json) in listed.into_iter().map(RawValue::get).enumerate() {
            match JsonWebKey::parse(json) {
                Ok(key) => set.keys.push(key),
                Err(reason) => set.left_out.push(LeftOut { index, kid: kid(json, reason), reason }),
            }
        }
        if set.keys.is_empty() { Err(KeySetError::NoUsableKey(set.left_out)) } else { Ok(set) }
    }

    /// The keys that can verify tokens, in the set's order.
    #[must_use]
    pub fn keys(&self) -> &[JsonWebKey] {
        &self.keys
    }

    /// The keys that are not used, in the set's order.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Keys of this id, whatever their algorithm: nothing forbids that several have one.
    pub(crate) fn named<'s>(&'s self, kid: &'s str) -> impl Iterator<Item = &'s JsonWebKey> {
        self.keys.iter().filter(move |key| key.kid() == Some(kid))
    }

    /// Keys of this algorithm, whatever their id.
    pub(crate) fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &JsonWebKey> {
        self.keys.iter().filter(move |key| key.algorithm() == algorithm)
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "key {} of the set", self.index + 1)?;
        if let Some(kid) = &self.kid {
            write!(formatter, " ({kid:?})")?;
        }
        write!(formatter, " is left out: {}", self.reason)
    }
}

/// The id of a key that is left out, for people to find it by.
fn kid(json: &str, reason: Unusable) -> Option<String> {
    let members = Members::parse(json.as_bytes()).ok().filter(|_| reason != Unusable::LongKid)?;
    members.read("kid").ok().flatten()
}

/// The first key's reason: a set has one key more often than not.
fn because(left_out: &[LeftOut]) -> String {
    match left_out {
        [] => String::new(),
        [first] => format!(": {first}"),
        [first, others @ ..] => format!(": {first}, and {} more", others.len()),
    }
}
