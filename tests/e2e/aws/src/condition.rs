//! Conditions of a trust policy, as IAM judges them. Pure.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// Operators, each with condition keys and the values of which one has to match: all of it must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Conditions(BTreeMap<Operator, BTreeMap<String, Few<String>>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[allow(clippy::enum_variant_names, reason = "IAM's own names")]
enum Operator {
    StringEquals,
    StringNotEquals,
    StringLike,
    StringNotLike,
}

/// One value or several: IAM writes a single one without a list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Few<T> {
    One(T),
    Many(Vec<T>),
}

impl Conditions {
    /// Whether all of them hold for what a call brings.
    pub(crate) fn hold(&self, actual: &HashMap<String, String>) -> bool {
        self.0.iter().all(|(operator, keys)| {
            keys.iter().all(|(key, values)| operator.holds(actual.get(key).map(String::as_str), values))
        })
    }
}

impl Operator {
    /// A key that is absent matches nothing, so the negated operators hold.
    fn holds(self, actual: Option<&str>, values: &Few<String>) -> bool {
        let any = |matches: fn(&str, &str) -> bool| {
            actual.is_some_and(|actual| values.iter().any(|value| matches(value, actual)))
        };
        match self {
            Self::StringEquals => any(|value, actual| value == actual),
            Self::StringNotEquals => !any(|value, actual| value == actual),
            Self::StringLike => any(like),
            Self::StringNotLike => !any(like),
        }
    }
}

impl<T> Few<T> {
    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
        .iter()
    }
}

/// IAM's wildcards: `*` for any characters, `?` for one.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let (mut patterns, mut texts) = (pattern.chars(), text.chars());
    match (patterns.next(), texts.next()) {
        (None, None) => true,
        (Some('*'), next) => {
            like(patterns.as_str(), text) || (next.is_some() && like(pattern, texts.as_str()))
        }
        (Some(wanted), Some(next)) => {
            (wanted == '?' || wanted == next) && like(patterns.as_str(), texts.as_str())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn asks_every_condition() {
        let actual = HashMap::from(
            [
                ("id.example:sub", "system:serviceaccount:shop:checkout"),
                ("id.example:aud", "sts.amazonaws.com"),
                ("sts:ExternalId", "eu-west-1/111122223333/one/shop/checkout"),
                ("aws:RequestTag/kubernetes-namespace", "shop"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        for (conditions, holds) in [
            (json!({}), true),
            (json!({"StringEquals": {"id.example:sub": "system:serviceaccount:shop:checkout"}}), true),
            (json!({"StringEquals": {"id.example:sub": "system:serviceaccount:shop:other"}}), false),
            (json!({"StringEquals": {"id.example:sub": "system:serviceaccount:*"}}), false),
            (json!({"StringEquals": {"id.example:aud": ["other", "sts.amazonaws.com"]}}), true),
            (json!({"StringEquals": {"id.example:aud": "other"}}), false),
            (json!({"StringEquals": {"other.example:aud": "sts.amazonaws.com"}}), false),
            (json!({"StringLike": {"id.example:sub": "system:serviceaccount:shop:*"}}), true),
            (json!({"StringLike": {"id.example:sub": "system:serviceaccount:*:check???"}}), true),
            (json!({"StringLike": {"id.example:sub": "system:serviceaccount:shop"}}), false),
            (json!({"StringNotEquals": {"id.example:sub": "system:serviceaccount:shop:checkout"}}), false),
            (json!({"StringNotLike": {"id.example:sub": "*:other"}}), true),
            (
                json!({
                    "StringEquals": {"id.example:aud": "sts.amazonaws.com"},
                    "StringLike": {"id.example:sub": "system:serviceaccount:other:*"},
                }),
                false,
            ),
            (json!({"StringEquals": {"sts:ExternalId": "eu-west-1/111122223333/one/shop/checkout"}}), true),
            (json!({"StringEquals": {"sts:ExternalId": "eu-west-1/111122223333/one/shop/other"}}), false),
            (json!({"StringLike": {"sts:ExternalId": "eu-west-1/*/shop/*"}}), true),
            (json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop"}}), true),
            (json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "other"}}), false),
            (json!({"StringLike": {"aws:RequestTag/kubernetes-pod-name": "*"}}), false),
        ] {
            let judged: Conditions = serde_json::from_value(conditions.clone()).unwrap();
            assert_eq!(judged.hold(&actual), holds, "{conditions}");
        }
    }
}
