//! The variables of a container that the webhook sets or judges, and how a container's `env` is read.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use super::super::json::{Elements, Fold, Judge, Object, Text, skip};

/// A set of the variables in [`mod@env`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EnvNames(u32);

impl EnvNames {
    /// The set with the one variable of that name, or the empty one: names that do not matter to the webhook
    /// are ignored.
    #[must_use]
    pub fn of(name: &str) -> Self {
        // The first bytes are enough to reject most names of a pod.
        let may_matter = match name.as_bytes() {
            [b'A', b'W', b'S', b'_', ..] => true,
            [b'H' | b'h' | b'N' | b'n', ..] => name.ends_with("PROXY") || name.ends_with("proxy"),
            _ => false,
        };
        if !may_matter {
            return Self(0);
        }
        env::ALL.iter().position(|&known| known == name).map_or(Self(0), |bit| Self(1 << bit))
    }

    /// Whether no variable is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the variable is in the set; `false` for names that are not among [`mod@env`]'s.
    #[must_use]
    pub fn contains(self, name: &str) -> bool {
        // Most containers have none, and looking for the name takes longer.
        self.0 != 0 && self.0 & Self::of(name).0 != 0
    }

    fn insert(&mut self, names: Self) {
        self.0 |= names.0;
    }

    fn remove(&mut self, names: Self) {
        self.0 &= !names.0;
    }

    /// Whether the one variable in the set is among those whose values are kept.
    fn is_judged(self) -> bool {
        self.0 < 1 << env::JUDGED
    }
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// The text itself.
    Text(Cow<'a, str>),
    /// What cannot be seen: `valueFrom`, or a reference to other variables, `$(NAME)`.
    Unseen,
}

impl<'a> Value<'a> {
    /// The text, if it can be seen.
    #[must_use]
    pub fn text(&self) -> Option<&Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unseen => None,
        }
    }

    fn is_empty(&self) -> bool {
        self.text().is_some_and(|text| text.is_empty())
    }
}

/// A container's `env`: which variables it sets, and the values of those that are judged by them.
pub(super) struct Env<'f, 'de> {
    pub(super) set: &'f mut EnvNames,
    pub(super) filled: &'f mut EnvNames,
    /// The values of all containers so far.
    pub(super) values: &'f mut Vec<(EnvNames, Value<'de>)>,
    /// Where those of this container begin.
    pub(super) first: usize,
}

impl<'de> Elements<'de> for Env<'_, 'de> {
    const WHAT: &'static str = "a list of variables";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut variable = VariableFold { name: None, value: Value::Text(Cow::Borrowed("")) };
        let more = seq.next_element_seed(Object(&mut variable))?.is_some();
        match variable {
            VariableFold { name: Some(name), value } if !name.is_empty() => self.assign(name, value),
            VariableFold { .. } => {}
        }
        Ok(more)
    }
}

impl<'de> Env<'_, 'de> {
    /// The last one of a name counts, as in the container.
    fn assign(&mut self, name: EnvNames, value: Value<'de>) {
        self.set.insert(name);
        if value.is_empty() {
            self.filled.remove(name);
        } else {
            self.filled.insert(name);
        }
        if name.is_judged() {
            let own = self.values.get_mut(self.first..).unwrap_or_default();
            match own.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => self.values.push((name, value)),
            }
        }
    }
}

struct VariableFold<'de> {
    name: Option<EnvNames>,
    value: Value<'de>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum VariableField {
    Name,
    Value,
    ValueFrom,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for VariableFold<'de> {
    const WHAT: &'static str = "a variable";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        // Go's encoder writes the name first; if it has not come yet, the value may matter.
        let matters = self.name.is_none_or(|name| name != EnvNames(0));
        match map.next_key()? {
            None => return Ok(false),
            Some(VariableField::Name) => self.name = Some(map.next_value_seed(Judge::by(EnvNames::of))?),
            Some(VariableField::Value) if matters => {
                let value = value(map.next_value()?)?;
                // `valueFrom` may have come before it, for there is one of the two.
                if !value.is_empty() {
                    self.value = value;
                }
            }
            Some(VariableField::ValueFrom) if matters => {
                let raw: &RawValue = map.next_value()?;
                if raw.get() != "null" {
                    self.value = Value::Unseen;
                }
            }
            Some(_) => skip(map)?,
        }
        Ok(true)
    }
}

/// A value as it is written. In a manifest it may be anything: a number without quotes is the API server's to
/// refuse.
fn value<E: Error>(raw: &RawValue) -> Result<Value<'_>, E> {
    let json = raw.get();
    if json == "null" {
        return Ok(Value::Text(Cow::Borrowed("")));
    }
    if !json.starts_with('"') {
        return Ok(Value::Unseen);
    }
    let text = Text.deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(E::custom)?;
    Ok(if text.contains("$(") { Value::Unseen } else { Value::Text(text) })
}

/// The names of the variables, as every AWS SDK knows them.
pub mod env {
    /// Which STS endpoint SDKs use: `regional` or `legacy`.
    pub const STS_REGIONAL_ENDPOINTS: &str = "AWS_STS_REGIONAL_ENDPOINTS";
    /// The region, for the CLI and older SDKs.
    pub const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
    /// The region.
    pub const REGION: &str = "AWS_REGION";
    /// IRSA: the role to assume.
    pub const ROLE_ARN: &str = "AWS_ROLE_ARN";
    /// IRSA: the file that holds the projected token.
    pub const WEB_IDENTITY_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
    /// Pod Identity: where the agent answers.
    pub const CREDENTIALS_FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    /// Pod Identity: the file that holds the projected token.
    pub const AUTHORIZATION_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    /// Pod Identity: the family of the address where EC2's instance metadata is looked for. Version 2
    /// of the SDK for Java accepted an agent at an IPv6 address only with it, until about 2.50.
    pub const METADATA_ENDPOINT_MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
    /// The access key, which takes precedence over all other credentials. Charts may leave it empty: then it
    /// does not count.
    pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
    /// ECS: where its agent answers, as a path; SDKs look at it before [`CREDENTIALS_FULL_URI`].
    pub const CREDENTIALS_RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    /// The token for the agent itself, where no file holds it.
    pub const AUTHORIZATION_TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
    /// The file with keys.
    pub const SHARED_CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";
    /// The profile in the files, `default` unless it is set.
    pub const PROFILE: &str = "AWS_PROFILE";
    /// The profile, to some SDKs.
    pub const DEFAULT_PROFILE: &str = "AWS_DEFAULT_PROFILE";
    /// The access key, to the SDK for Go alone.
    pub const ACCESS_KEY: &str = "AWS_ACCESS_KEY";
    /// The address of all of AWS' services, STS too.
    pub const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
    /// The file with profiles: they may name keys, a role, or only a region.
    pub const CONFIG_FILE: &str = "AWS_CONFIG_FILE";
    /// The proxy of `http://` addresses; read in lower case too.
    pub const HTTP_PROXY: &str = "HTTP_PROXY";
    /// [`HTTP_PROXY`] in lower case.
    pub const HTTP_PROXY_LOWER: &str = "http_proxy";
    /// The proxy of `https://` addresses; read in lower case too.
    pub const HTTPS_PROXY: &str = "HTTPS_PROXY";
    /// [`HTTPS_PROXY`] in lower case.
    pub const HTTPS_PROXY_LOWER: &str = "https_proxy";
    /// The hosts that are called without a proxy; read in lower case too.
    pub const NO_PROXY: &str = "NO_PROXY";
    /// [`NO_PROXY`] in lower case.
    pub const NO_PROXY_LOWER: &str = "no_proxy";

    /// How many of [`ALL`], from the first, are judged by their values, which are kept.
    pub(super) const JUDGED: usize = 9;

    pub(super) const ALL: [&str; 23] = [
        ROLE_ARN,
        WEB_IDENTITY_TOKEN_FILE,
        CREDENTIALS_FULL_URI,
        AUTHORIZATION_TOKEN_FILE,
        SHARED_CREDENTIALS_FILE,
        PROFILE,
        CONFIG_FILE,
        NO_PROXY,
        NO_PROXY_LOWER,
        STS_REGIONAL_ENDPOINTS,
        DEFAULT_REGION,
        REGION,
        METADATA_ENDPOINT_MODE,
        ACCESS_KEY_ID,
        CREDENTIALS_RELATIVE_URI,
        AUTHORIZATION_TOKEN,
        DEFAULT_PROFILE,
        ACCESS_KEY,
        ENDPOINT_URL,
        HTTP_PROXY,
        HTTP_PROXY_LOWER,
        HTTPS_PROXY,
        HTTPS_PROXY_LOWER,
    ];
}

#[cfg(test)]
mod tests {
    use super::super::super::annotation::Prefix;
    use super::super::Pod;
    use super::*;

    #[test]
    fn the_last_value_counts_and_an_empty_one_is_none() {
        let value = |env: &str, name: &str| {
            let json = format!("{{\"spec\":{{\"containers\":[{{\"env\":[{env}]}}]}}}}");
            let pod = Pod::decode(&json, &Prefix::new("eks.amazonaws.com").unwrap()).unwrap();
            let container = &pod.containers[0];
            let value =
                pod.value(container, name).map(|value| value.text().map_or("?", |text| text).to_owned());
            (container.env_names.contains(name), container.filled.contains(name), value)
        };
        let text = |text: &str| Some(text.to_owned());
        for (env, expected) in [
            (r#"{"name":"AWS_PROFILE","value":"a\"b"}"#, (true, true, text("a\"b"))),
            (r#"{"value":"a","name":"AWS_PROFILE"}"#, (true, true, text("a"))),
            (r#"{"name":"AWS_PROFILE"}"#, (true, false, text(""))),
            (r#"{"name":"AWS_PROFILE","value":null,"valueFrom":null}"#, (true, false, text(""))),
            (r#"{"name":"AWS_PROFILE","valueFrom":{}}"#, (true, true, text("?"))),
            (r#"{"valueFrom":{},"value":"","name":"AWS_PROFILE"}"#, (true, true, text("?"))),
            (r#"{"name":"AWS_PROFILE","value":"x$(Y)"}"#, (true, true, text("?"))),
            (r#"{"name":"AWS_PROFILE","value":1}"#, (true, true, text("?"))),
            (r#"{"name":"AWS_PROFILE","value":"a"},{"name":"AWS_PROFILE"}"#, (true, false, text(""))),
            (r#"{"name":"AWS_PROFILE"},{"name":"AWS_PROFILE","value":"a"}"#, (true, true, text("a"))),
            (r#"{"name":"aws_profile","value":"a"}"#, (false, false, None)),
        ] {
            assert_eq!(value(env, env::PROFILE), expected, "{env}");
        }
        let key = r#"{"name":"AWS_ACCESS_KEY_ID","value":"a"}"#;
        assert_eq!(value(key, env::ACCESS_KEY_ID), (true, true, None));
    }
}
