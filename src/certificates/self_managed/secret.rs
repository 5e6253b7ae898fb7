//! The Secret's form: each authority as PEM under keys of its own, so that what is wrong with one says nothing of the
//! others; and what could not be used, set aside. Keys of anybody else, such as `tls.crt`, stay as they are.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::authority::Authority;
use super::certificate::Certificate;
use super::error::AuthorityError;
use super::names::Names;
use super::state::{PREVIOUS as PREVIOUS_AUTHORITIES, Previous, State};

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
const NEXT_CERTIFICATE: &str = "next-ca.crt";
const NEXT_KEY: &str = "next-ca.key";
const PREVIOUS: &str = "previous-cas.json";

/// Before the name of a key whose value was set aside.
const ASIDE: &str = "set-aside.";
/// Why, and when.
const ASIDE_REASON: &str = "set-aside.reason";

/// Longest value that is set aside, in bytes: a Secret has 1 MiB in all. More is cut.
const LONGEST_ASIDE: usize = 64 << 10;

/// One of the parts that the Secret has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The authority that signs.
    Signing,
    /// The authority that will sign.
    Next,
    /// The authorities that signed.
    Previous,
}

impl Part {
    /// The part's keys in the Secret.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Signing => &[CERTIFICATE, KEY],
            Self::Next => &[NEXT_CERTIFICATE, NEXT_KEY],
            Self::Previous => &[PREVIOUS],
        }
    }

    /// The part in words.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Signing => "the signing authority",
            Self::Next => "the next authority",
            Self::Previous => "the list of previous authorities",
        }
    }
}

/// A part that could not be used: why, in a word for the metric, and in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Which part.
    pub part: Part,
    /// In a word.
    pub reason: &'static str,
    /// In words, which quote nothing of the Secret.
    pub why: String,
}

/// What the Secret says.
#[derive(Debug, Default)]
pub struct Stored {
    /// The authority that signs; `None` if there is none that can.
    pub signing: Option<Arc<Authority>>,
    /// The authority that will sign.
    pub next: Option<Arc<Authority>>,
    /// Those that signed.
    pub previous: Vec<Previous>,
    /// What is there and cannot be used.
    pub unusable: Vec<Unusable>,
}

/// A previous authority as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    certificate: String,
    trusted_until: Timestamp,
}

/// Reads the Secret's own parts, as they are at this time.
#[must_use]
pub fn read(secret: &Value, names: &Names, now: i64) -> Stored {
    let text = |key: &str| -> Option<String> {
        let value = secret.get("data")?.get(key)?.as_str()?;
        // What is no base64 or no text is not empty: it is there, and cannot be used.
        let bytes = STANDARD.decode(value).unwrap_or_else(|_| vec![0xff]);
        Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|text| !text.is_empty())
    };
    let authority = |certificate: &str, key: &str| match (text(certificate), text(key)) {
        (None, None) => None,
        (certificate, key) => {
            let (certificate, key) = (certificate.unwrap_or_default(), key.unwrap_or_default());
            Some(Authority::read(&certificate, &key, names, now))
        }
    };
    let mut stored = Stored::default();
    let mut unusable = |part, error: &AuthorityError| {
        stored.unusable.push(Unusable { part, reason: error.reason(), why: error.to_string() });
    };
    match authority(CERTIFICATE, KEY) {
        None => {}
        Some(Ok(signing)) => stored.signing = Some(signing),
        Some(Err(error)) => unusable(Part::Signing, &error),
    }
    match authority(NEXT_CERTIFICATE, NEXT_KEY) {
        None => {}
        Some(Ok(next)) => stored.next = Some(next),
        Some(Err(error)) => unusable(Part::Next, &error),
    }
    match text(PREVIOUS).map(|text| previous(&text)) {
        None => {}
        Some(Some(mut previous)) => {
            previous.sort_by_key(|previous| std::cmp::Reverse(previous.until));
            previous.truncate(PREVIOUS_AUTHORITIES);
            stored.previous = previous;
        }
        Some(None) => {
            let why = "it cannot be read".to_owned();
            stored.unusable.push(Unusable { part: Part::Previous, reason: "corrupt", why });
        }
    }
    stored
}

fn previous(text: &str) -> Option<Vec<Previous>> {
    let entries: Vec<Entry> = serde_json::from_str(text).ok()?;
    let previous = entries.into_iter().map(|Entry { certificate, trusted_until }| {
        let certificate = Certificate::of_pem(&certificate).ok()?;
        Some(Previous { certificate, until: trusted_until.as_second() })
    });
    previous.collect()
}

/// Announces a next authority in the Secret, which then takes over by itself. Returns whether there was none before.
///
/// # Errors
/// The Secret has no authority that signs: there is nothing to rotate.
pub fn announce(secret: &mut Value, next: Arc<Authority>, names: &Names, now: i64) -> Result<bool, Stored> {
    let stored = read(secret, names, now);
    match stored {
        Stored { signing: Some(signing), next: None, previous, unusable } => {
            let state = State { signing, next: Some(next), previous };
            write(secret, &state, &unusable, now);
            Ok(true)
        }
        Stored { signing: Some(_), next: Some(_), .. } => Ok(false),
        stored => Err(stored),
    }
}

/// Writes the state into the Secret, after what cannot be used was set aside under other keys.
pub fn write(secret: &mut Value, state: &State, unusable: &[Unusable], now: i64) {
    let Some(members) = secret.as_object_mut() else { return };
    let data = members.entry("data").or_insert_with(|| Value::Object(Map::new()));
    if !data.is_object() {
        *data = Value::Object(Map::new());
    }
    let Some(data) = data.as_object_mut() else { return };
    let encoded = |text: &str| Value::from(STANDARD.encode(text));
    let keys = unusable.iter().flat_map(|unusable| unusable.part.keys());
    for key in keys {
        let Some(value) = data.remove(*key) else { continue };
        let value =
            value.as_str().map(|text| cut(text, LONGEST_ASIDE / 3 * 4).to_owned()).unwrap_or_default();
        // Only what is base64 may stand in a Secret.
        let value = if STANDARD.decode(&value).is_ok() { value.into() } else { encoded(&value) };
        data.insert(format!("{ASIDE}{key}"), value);
    }
    if !unusable.is_empty() {
        let time = timestamp(now);
        let reasons = unusable.iter().map(|one| format!("{time}: {}: {}\n", one.part.what(), one.why));
        data.insert(ASIDE_REASON.to_owned(), encoded(&reasons.collect::<String>()));
    }
    let State { signing, next, previous } = state;
    let mut set = |key: &str, text: Option<String>| match text {
        Some(text) => drop(data.insert(key.to_owned(), encoded(&text))),
        None => drop(data.remove(key)),
    };
    set(CERTIFICATE, Some(signing.certificate().pem()));
    set(KEY, Some(signing.key_pem()));
    set(NEXT_CERTIFICATE, next.as_ref().map(|next| next.certificate().pem()));
    set(NEXT_KEY, next.as_ref().map(|next| next.key_pem()));
    let entries = previous.iter().map(|Previous { certificate, until }| Entry {
        certificate: certificate.pem(),
        trusted_until: timestamp(*until),
    });
    let entries: Vec<_> = entries.collect();
    let text = (!entries.is_empty()).then(|| serde_json::to_string(&entries).unwrap_or_default());
    set(PREVIOUS, text);
}

/// What was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The keys of the Secret that hold it.
    pub keys: Vec<String>,
    /// Why, and when, a line each.
    pub reasons: Vec<String>,
}

/// What was set aside in this Secret, if anything was.
#[must_use]
pub fn aside(secret: &Value) -> Option<Aside> {
    let data = secret.get("data")?.as_object()?;
    let keys = data.keys().filter(|key| key.starts_with(ASIDE) && *key != ASIDE_REASON);
    let keys: Vec<_> = keys.cloned().collect();
    let reason = data.get(ASIDE_REASON).and_then(Value::as_str).map(|text| STANDARD.decode(text));
    let reason = reason.and_then(Result::ok).unwrap_or_default();
    let reasons = String::from_utf8_lossy(&reason).lines().map(str::to_owned).collect();
    (!keys.is_empty()).then_some(Aside { keys, reasons })
}

/// A time as it is written for people.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// The longest beginning of this many bytes at most that has whole groups of base64.
fn cut(text: &str, length: usize) -> &str {
    let length = length / 4 * 4;
    text.get(..length).unwrap_or(text)
}
