//! What an entry may say of credentials beside its account. EKS's own file says nothing of it, and its readers skip what
//! they do not know: whatever stands there is taken if it can be, and makes no file wrong.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::association::Terms;

/// What an entry says of credentials, as it was written.
#[derive(Debug, Default)]
pub(super) struct WrittenTerms {
    role_arn: Option<String>,
    target_role_arn: Option<String>,
    disable_session_tags: bool,
    policy: Option<String>,
    external_id: Option<String>,
}

/// A value of a member, if it is one that terms are made of.
pub(super) enum Written {
    Text(String),
    Bool(bool),
    Other,
}

impl WrittenTerms {
    /// Whether the member of this name is one of them, in any case, as the others.
    pub(super) fn has(name: &str) -> bool {
        ["roleArn", "targetRoleArn", "disableSessionTags", "policy", "externalId"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    }

    pub(super) fn set(&mut self, name: &str, value: Written) {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        if is("disableSessionTags") {
            self.disable_session_tags = matches!(value, Written::Bool(true));
            return;
        }
        let text = match value {
            Written::Text(text) => Some(text).filter(|text| !text.is_empty()),
            Written::Bool(_) | Written::Other => None,
        };
        if is("roleArn") {
            self.role_arn = text;
        } else if is("targetRoleArn") {
            self.target_role_arn = text;
        } else if is("policy") {
            self.policy = text;
        } else if is("externalId") {
            self.external_id = text;
        }
    }

    /// The terms, if there is a role.
    pub(super) fn terms(&self) -> Option<Arc<Terms>> {
        let boxed = |text: &Option<String>| text.as_deref().map(Into::into);
        Some(Arc::new(Terms {
            id: "".into(),
            role_arn: self.role_arn.as_deref()?.into(),
            target_role_arn: boxed(&self.target_role_arn),
            disable_session_tags: self.disable_session_tags,
            policy: boxed(&self.policy),
            external_id: boxed(&self.external_id),
        }))
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Written;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Written, E> {
        Ok(Written::Bool(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
        Ok(Written::Text(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Written, E> {
        Ok(Written::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Written, E> {
        Ok(Written::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Written, E> {
        Ok(Written::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Written, E> {
        Ok(Written::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Written, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Written::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Written::Other)
    }
}

#[cfg(test)]
mod tests {
    use injection::AccountName;

    use super::super::AssociationFile;

    fn terms(entry: &str) -> Option<(String, Option<String>, bool)> {
        let text = format!(r#"{{"identities":[{{"namespace":"shop","serviceAccount":"orders"{entry}}}]}}"#);
        let file = AssociationFile::parse(text.as_bytes()).unwrap();
        let associated = file.associations.get(AccountName::new("shop", "orders")).unwrap();
        let terms = associated.terms.as_ref()?;
        let target = terms.target_role_arn.as_deref().map(str::to_owned);
        Some((terms.role_arn.to_string(), target, terms.disable_session_tags))
    }

    #[test]
    fn an_entry_may_say_its_role() {
        assert_eq!(terms(""), None);
        assert_eq!(terms(r#","roleArn":"r""#), Some(("r".to_owned(), None, false)));
        assert_eq!(
            terms(r#","ROLEARN":"r","targetRoleArn":"t","disableSessionTags":true"#),
            Some(("r".to_owned(), Some("t".to_owned()), true))
        );
    }

    #[test]
    fn whatever_else_stands_there_makes_no_file_wrong() {
        for value in ["null", "1", "-1", "1.5", "true", "[1,[2]]", r#"{"a":{"b":1}}"#, r#""""#] {
            assert_eq!(terms(&format!(r#","roleArn":{value}"#)), None, "{value}");
        }
        // The last of two members of one name counts.
        assert_eq!(terms(r#","roleArn":"r","roleArn":7"#), None);
        assert_eq!(
            terms(r#","roleArn":"r","disableSessionTags":"true""#),
            Some(("r".to_owned(), None, false))
        );
    }
}
