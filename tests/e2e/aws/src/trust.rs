//! Roles and their trust policies, in the shape that IAM takes: `{"ROLE ARN": {"Statement": …}}`.
//!
//! What is not understood here (a principal's other form, another operator) makes the file invalid: what is
//! skipped would trust a wrong identity.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use crate::condition::{Conditions, Few, like};
use crate::refusal::Refusal;
use crate::role::RoleArn;

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
    principal: Trusted,
    action: Few<String>,
    #[serde(default)]
    condition: Conditions,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// Whom a statement trusts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Trusted {
    federated: Option<Few<String>>,
    service: Option<Few<String>>,
    #[serde(rename = "AWS")]
    aws: Option<Few<AwsPrincipal>>,
}

/// A role, or an account: its root's ARN, or its number alone.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
enum AwsPrincipal {
    Role(RoleArn),
    Account(String),
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A session, by a signed request.
    AssumeRole,
    /// A session, by a token.
    AssumeRoleWithWebIdentity,
    /// A session that has tags.
    TagSession,
}

/// Who asks, and what conditions may look at.
#[derive(Debug)]
pub struct Asker<'a> {
    /// Who asks.
    pub principal: Principal<'a>,
    /// Condition keys and their values.
    pub values: HashMap<String, String>,
}

/// Who asks.
#[derive(Debug)]
pub enum Principal<'a> {
    /// A token of this provider, by its ARN in the role's account.
    Provider(&'a str),
    /// A session of this role.
    Role(&'a RoleArn),
    /// A service of AWS's, by its name.
    Service(&'a str),
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

    /// Whether the role exists and lets this asker do that; which of the two fails is not told.
    #[must_use]
    pub fn allow(&self, role: &RoleArn, action: Action, asker: &Asker<'_>) -> bool {
        let Some(policy) = self.0.get(role.as_str()) else { return false };
        let holds = |effect| {
            let mut statements = policy.statement.iter();
            statements.any(|statement| statement.effect == effect && statement.applies(action, asker))
        };
        holds(Effect::Allow) && !holds(Effect::Deny)
    }
}

impl Statement {
    fn applies(&self, action: Action, asker: &Asker<'_>) -> bool {
        self.principal.names(&asker.principal)
            && self.action.iter().any(|pattern| like(pattern, action.as_str()))
            && self.condition.hold(&asker.values)
    }
}

impl Trusted {
    fn names(&self, principal: &Principal<'_>) -> bool {
        let Self { federated, service, aws } = self;
        match principal {
            Principal::Provider(arn) => federated.iter().flat_map(Few::iter).any(|named| named == arn),
            Principal::Service(name) => service.iter().flat_map(Few::iter).any(|named| named == name),
            Principal::Role(role) => aws.iter().flat_map(Few::iter).any(|named| match named {
                AwsPrincipal::Role(named) => named == *role,
                AwsPrincipal::Account(number) => number == role.account(),
            }),
        }
    }
}

impl TryFrom<String> for AwsPrincipal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Ok(role) = text.parse() {
            return Ok(Self::Role(role));
        }
        let root = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
        let account = root.unwrap_or(&text);
        if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Account(account.to_owned()));
        }
        Err(format!("neither a role nor an account: {text}"))
    }
}

impl Action {
    /// As policies name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AssumeRole => "sts:AssumeRole",
            Self::AssumeRoleWithWebIdentity => "sts:AssumeRoleWithWebIdentity",
            Self::TagSession => "sts:TagSession",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ROLE: &str = "arn:aws:iam::111122223333:role/checkout";
    const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/id.example";
    const CALLER: &str = "arn:aws:iam::444455556666:role/team/caller";

    fn statement(principal: &Value, action: &Value) -> Value {
        json!({"Effect": "Allow", "Principal": principal, "Action": action})
    }

    fn allows(statements: &Value, action: Action, principal: Principal<'_>) -> bool {
        let roles: Roles =
            serde_json::from_value(json!({ROLE: {"Version": "2012-10-17", "Statement": statements}}))
                .unwrap();
        let values = [("id.example:sub".to_owned(), "system:serviceaccount:shop:checkout".to_owned())].into();
        roles.allow(&ROLE.parse().unwrap(), action, &Asker { principal, values })
    }

    #[test]
    fn asks_action_condition_and_effect() {
        let good = statement(&json!({"Federated": PROVIDER}), &json!("sts:AssumeRoleWithWebIdentity"));
        let with = |key: &str, value: Value| {
            let mut changed = good.clone();
            changed[key] = value;
            changed
        };
        let allows = |statements: &Value| {
            allows(statements, Action::AssumeRoleWithWebIdentity, Principal::Provider(PROVIDER))
        };
        assert!(allows(&json!([good])));
        assert!(allows(&with("Action", json!(["sts:TagSession", "sts:*"]))));
        assert!(!allows(&with("Action", json!("sts:AssumeRole"))));
        assert!(allows(&with("Condition", json!({"StringLike": {"id.example:sub": "*:checkout"}}))));
        assert!(!allows(&with("Condition", json!({"StringLike": {"id.example:sub": "*:other"}}))));
        assert!(!allows(&json!([good, with("Effect", json!("Deny"))])));
        assert!(!allows(&json!([])));
    }

    #[test]
    fn asks_the_principal() {
        let caller: RoleArn = CALLER.parse().unwrap();
        let pods = "pods.eks.amazonaws.com";
        for (trusted, provider, role, service) in [
            (json!({"Federated": PROVIDER}), true, false, false),
            (json!({"Federated": PROVIDER.replace("1111", "9999")}), false, false, false),
            (json!({"Service": pods}), false, false, true),
            (json!({"Service": ["ec2.amazonaws.com", pods]}), false, false, true),
            (json!({"Service": "ec2.amazonaws.com"}), false, false, false),
            (json!({"AWS": CALLER}), false, true, false),
            (json!({"AWS": [ROLE, CALLER]}), false, true, false),
            (json!({"AWS": "arn:aws:iam::444455556666:role/caller"}), false, false, false),
            (json!({"AWS": "arn:aws:iam::444455556666:root"}), false, true, false),
            (json!({"AWS": "444455556666"}), false, true, false),
            (json!({"AWS": "arn:aws:iam::111122223333:root"}), false, false, false),
            (json!({"AWS": CALLER, "Federated": PROVIDER}), true, true, false),
        ] {
            let statement = statement(&trusted, &json!("sts:AssumeRole"));
            for (principal, allowed) in [
                (Principal::Provider(PROVIDER), provider),
                (Principal::Role(&caller), role),
                (Principal::Service(pods), service),
            ] {
                let told = format!("{trusted} {principal:?}");
                assert_eq!(allows(&statement, Action::AssumeRole, principal), allowed, "{told}");
            }
        }
    }

    #[test]
    fn refuses_a_role_that_is_not_there() {
        let roles: Roles = serde_json::from_value(json!({})).unwrap();
        let asker = Asker { principal: Principal::Provider(PROVIDER), values: HashMap::new() };
        assert!(!roles.allow(&ROLE.parse().unwrap(), Action::AssumeRoleWithWebIdentity, &asker));
    }

    #[test]
    fn refuses_a_file_with_what_it_would_pass_over() {
        let principal = json!({"AWS": CALLER});
        let with = |key: &str, value: Value| {
            let mut statement = statement(&principal, &json!("sts:*"));
            statement[key] = value;
            serde_json::from_value::<Roles>(json!({ROLE: {"Statement": statement}}))
        };
        assert!(with("Sid", json!("One")).is_ok());
        for (key, value) in [
            ("Condition", json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
            ("Principal", json!("*")),
            ("Principal", json!({"AWS": "*"})),
            ("Principal", json!({"AWS": "arn:aws:iam::444455556666:user/somebody"})),
            ("Principal", json!({"AWS": "44445555666"})),
            ("Principal", json!({"CanonicalUser": "x"})),
            ("NotPrincipal", json!({"AWS": CALLER})),
        ] {
            assert!(with(key, value.clone()).is_err(), "{key} {value}");
        }
    }
}
