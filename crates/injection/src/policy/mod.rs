//! The role policy: which roles the pods of which accounts may use. [`super::decide()`] checks every
//! role that would be injected against it.

mod role_glob;

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use super::name::{AccountName, NameGlob};

pub use role_glob::{RoleGlob, RoleGlobError};

/// Which accounts may use which roles. A role that no rule allows is forbidden: a policy without rules
/// allows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolePolicy {
    rules: Vec<Rule>,
}

/// A rule: these accounts may use these roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The accounts' namespaces: one of these has to match.
    pub namespaces: Vec<NameGlob>,
    /// The accounts' names, one of which has to match; `None` matches any.
    pub service_accounts: Option<Vec<NameGlob>>,
    /// The roles that the accounts may use.
    pub roles: Vec<RoleGlob>,
}

/// What is done about a role that the policy does not allow: `--role-policy-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyMode {
    /// The pod is refused.
    Enforce,
    /// The pod gets the role, and its creator a warning.
    Warn,
}

impl PolicyMode {
    /// Every value, the default first.
    pub const ALL: [Self; 2] = [Self::Enforce, Self::Warn];

    /// The flag's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
        }
    }
}

/// The policy in force while one pod is decided on.
#[derive(Debug, Clone, Copy)]
pub struct ActivePolicy<'a> {
    /// What is allowed.
    pub policy: &'a RolePolicy,
    /// What is done about a role that is not allowed.
    pub mode: PolicyMode,
    /// The policy's file, for people.
    pub file: &'a str,
}

/// What a policy says of an account and a role. Rules are counted from 0, as in `rules[0]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// This rule allows it, the first of those that do.
    Allowed {
        /// Index of the rule.
        rule: usize,
    },
    /// No rule allows it.
    Forbidden(Forbidden),
}

/// Why a role is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forbidden {
    /// No rule names the account.
    Unnamed,
    /// Rules name the account, but none of these allows the role.
    OtherRoles {
        /// Indices of these rules, at least one.
        rules: Vec<usize>,
    },
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::OtherRoles { rules } = self else {
            return f.write_str("no rule names the ServiceAccount");
        };
        // A line must not list hundreds of rules.
        let told: Vec<_> = rules.iter().take(5).map(|rule| format!("rules[{rule}]")).collect();
        let rest = if rules.len() > told.len() { ", …" } else { "" };
        let name = if rules.len() == 1 { "names" } else { "name" };
        write!(f, "{}{rest} {name} the ServiceAccount but not this role", told.join(", "))
    }
}

impl RolePolicy {
    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the policy says of an account and a role's ARN.
    #[must_use]
    pub fn judge(&self, account: AccountName<'_>, role_arn: &str) -> Ruling {
        let mut others = Vec::new();
        for (index, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.names(account)) {
            if rule.roles.iter().any(|glob| glob.matches(role_arn)) {
                return Ruling::Allowed { rule: index };
            }
            others.push(index);
        }
        Ruling::Forbidden(if others.is_empty() {
            Forbidden::Unnamed
        } else {
            Forbidden::OtherRoles { rules: others }
        })
    }
}

impl FromIterator<Rule> for RolePolicy {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self { rules: rules.into_iter().collect() }
    }
}

impl Rule {
    fn names(&self, account: AccountName<'_>) -> bool {
        let has = |globs: &[NameGlob], name| globs.iter().any(|glob| glob.matches(name));
        has(&self.namespaces, account.namespace)
            && self.service_accounts.as_deref().is_none_or(|globs| has(globs, account.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Namespaces, accounts and roles of a rule.
    type Globs<'a> = (&'a [&'a str], Option<&'a [&'a str]>, &'a [&'a str]);

    fn policy(rules: &[Globs<'_>]) -> RolePolicy {
        let rule = |(namespaces, accounts, roles): &Globs<'_>| Rule {
            namespaces: namespaces.iter().map(|text| NameGlob::of_namespaces(text).unwrap()).collect(),
            service_accounts: accounts
                .map(|globs| globs.iter().map(|text| NameGlob::of_service_accounts(text).unwrap()).collect()),
            roles: roles.iter().map(|text| RoleGlob::new(text).unwrap()).collect(),
        };
        rules.iter().map(rule).collect()
    }

    fn role(name: &str) -> String {
        format!("arn:aws:iam::123456789012:role/{name}")
    }

    #[test]
    fn what_any_rule_allows_is_allowed_and_nothing_else() {
        let policy = policy(&[
            (&["shop", "shop-*"], None, &["arn:aws:iam::123456789012:role/shop/*"]),
            (&["*"], Some(&["logs", "logs-*"]), &["arn:*:role/logs"]),
            (&["shop"], Some(&["orders"]), &["arn:aws:iam::123456789012:role/orders"]),
        ]);
        let others = |rules: &[usize]| Ruling::Forbidden(Forbidden::OtherRoles { rules: rules.to_vec() });
        for (namespace, account, name, ruling) in [
            ("shop", "anyone", "shop/a", Ruling::Allowed { rule: 0 }),
            ("shop-eu", "anyone", "shop/a/b", Ruling::Allowed { rule: 0 }),
            ("shop", "orders", "orders", Ruling::Allowed { rule: 2 }),
            ("bank", "logs-2", "logs", Ruling::Allowed { rule: 1 }),
            ("shop", "logs", "logs", Ruling::Allowed { rule: 1 }),
            ("shop", "cart", "orders", others(&[0])),
            ("shop", "orders", "bank", others(&[0, 2])),
            ("bank", "logs", "shop/a", others(&[1])),
            ("bank", "orders", "orders", Ruling::Forbidden(Forbidden::Unnamed)),
            ("shopping", "anyone", "shop/a", Ruling::Forbidden(Forbidden::Unnamed)),
        ] {
            let account = AccountName::new(namespace, account);
            assert_eq!(policy.judge(account, &role(name)), ruling, "{account} {name}");
        }
    }

    #[test]
    fn rules_that_name_the_account_are_told_of_in_a_line() {
        let told = |rules: &[usize]| Forbidden::OtherRoles { rules: rules.to_vec() }.to_string();
        assert_eq!(told(&[7]), "rules[7] names the ServiceAccount but not this role");
        assert_eq!(told(&[0, 2]), "rules[0], rules[2] name the ServiceAccount but not this role");
        let many: Vec<_> = (0..1000).collect();
        let few =
            "rules[0], rules[1], rules[2], rules[3], rules[4], … name the ServiceAccount but not this role";
        assert_eq!(told(&many), few);
    }

    #[test]
    fn without_rules_nothing_is_allowed() {
        let ruling = RolePolicy::default().judge(AccountName::new("shop", "orders"), &role("orders"));
        assert_eq!(ruling, Ruling::Forbidden(Forbidden::Unnamed));
    }
}
