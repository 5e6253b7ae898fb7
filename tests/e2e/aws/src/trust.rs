//! Roles and their trust policies, in the shape that IAM takes: `{"ROLE ARN": {"Statement": …}}`.
//!
//! What is not understood here (another operator, another condition key's form) makes the file invalid: a
//! condition that is skipped would trust a wrong identity.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Deserialize;

use crate::refusal::Refusal;

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// All roles there are.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Roles(HashMap<String, TrustPolicy>);

/// Who may assume one role.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TrustPolicy {
    #[serde(rename = "Version")]
    _version: Option<String>,
    statement: Few<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    principal: Principal,
    action: Few<String>,
    #[serde(default)]
    condition: BTreeMap<Operator, BTreeMap<String, Few<String>>>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// Whom a statement trusts. Services and accounts are skipped: they come with no token.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Principal {
    federated: Option<Few<String>>,
}

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
enum Few<T> {
    One(T),
    Many(Vec<T>),
}

/// Who asks: a verified identity.
#[derive(Debug)]
pub struct Identity<'a> {
    /// The provider's ARN in the role's account.
    pub provider_arn: &'a str,
    /// The provider as condition keys name it.
    pub provider: &'a str,
    /// The token's `sub`.
    pub subject: &'a str,
    /// The token's audience.
    pub audience: &'a str,
}

impl Roles {
    /// Reads the file anew, for a mounted ConfigMap changes.
    pub fn read(path: &Path) -> Result<Self, Refusal> {
        let failed = |error: &dyn std::fmt::Display| {
            Refusal::Internal(format!("failed to read roles {}: {error}", path.display()))
        };
        let text = std::fs::read(path).map_err(|error| failed(&error))?;
        serde_json::from_slice(&text).map_err(|error| failed(&error))
    }

    /// Whether the role exists and trusts the identity; which of the two is not told.
    pub fn authorize(&self, role: &str, identity: &Identity<'_>) -> Result<(), Refusal> {
        let policy = self.0.get(role).ok_or(Refusal::AccessDenied)?;
        let holds = |effect| {
            let mut statements = policy.statement.iter();
            statements.any(|statement| statement.effect == effect && statement.applies(identity))
        };
        if holds(Effect::Allow) && !holds(Effect::Deny) { Ok(()) } else { Err(Refusal::AccessDenied) }
    }
}

impl Statement {
    fn applies(&self, identity: &Identity<'_>) -> bool {
        let Some(providers) = &self.principal.federated else { return false };
        providers.iter().any(|provider| provider == identity.provider_arn)
            && self.action.iter().any(|action| like(action, ACTION))
            && self.condition.iter().all(|(operator, keys)| {
                keys.iter().all(|(key, values)| operator.holds(identity.value(key), values))
            })
    }
}

impl Identity<'_> {
    /// `PROVIDER:sub` and `PROVIDER:aud` are what a token of a cluster brings.
    fn value(&self, key: &str) -> Option<&str> {
        match key.strip_prefix(self.provider)? {
            ":sub" => Some(self.subject),
            ":aud" => Some(self.audience),
            _ => None,
        }
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
    fn iter(&self) -> impl Iterator<Item = &T> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
        .iter()
    }
}

/// IAM's wildcards: `*` for any characters, `?` for one.
fn like(pattern: &str, text: &str) -> bool {
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
    use serde_json::{Value, json};

    const ROLE: &str = "arn:aws:iam::111122223333:role/checkout";
    const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/id.example";

    fn statement(condition: &Value) -> Value {
        json!({
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": ACTION,
            "Condition": condition,
        })
    }

    fn allows(statements: &Value) -> bool {
        let roles: Roles =
            serde_json::from_value(json!({ROLE: {"Version": "2012-10-17", "Statement": statements}}))
                .unwrap();
        let identity = Identity {
            provider_arn: PROVIDER,
            provider: "id.example",
            subject: "system:serviceaccount:shop:checkout",
            audience: "sts.amazonaws.com",
        };
        roles.authorize(ROLE, &identity).is_ok()
    }

    #[test]
    fn asks_every_condition() {
        for (condition, allowed) in [
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
        ] {
            assert_eq!(allows(&statement(&condition)), allowed, "{condition}");
        }
    }

    #[test]
    fn asks_principal_action_and_effect() {
        let good = statement(&json!({}));
        let with = |key: &str, value: Value| {
            let mut changed = good.clone();
            changed[key] = value;
            changed
        };
        assert!(allows(&json!([good])));
        assert!(allows(&with("Action", json!(["sts:TagSession", "sts:*"]))));
        assert!(!allows(&with("Action", json!("sts:AssumeRole"))));
        assert!(!allows(&with("Principal", json!({"Federated": PROVIDER.replace("1111", "9999")}))));
        assert!(!allows(&with("Principal", json!({"Service": "pods.eks.amazonaws.com"}))));
        assert!(!allows(&json!([good, with("Effect", json!("Deny"))])));
        assert!(!allows(&json!([])));
    }

    #[test]
    fn refuses_a_role_that_is_not_there() {
        let roles: Roles = serde_json::from_value(json!({})).unwrap();
        let nobody = Identity { provider_arn: "", provider: "", subject: "", audience: "" };
        assert_eq!(roles.authorize(ROLE, &nobody), Err(Refusal::AccessDenied));
    }

    #[test]
    fn refuses_a_file_with_a_condition_that_it_would_pass_over() {
        let policy =
            json!({ROLE: {"Statement": statement(&json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))}});
        assert!(serde_json::from_value::<Roles>(policy).is_err());
    }
}
