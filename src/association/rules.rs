//! The rules that an association keeps to: those of the definition's schema, for whoever wants to know before the API
//! server is asked, or reads files that it has not seen. The limits are EKS's and STS's own.

use std::collections::BTreeMap;
use std::fmt;

use injection::name::{AccountName, is_label, is_subdomain};
use injection::role;
use serde_json::Value;

use super::spec::Spec;
use crate::aws::ClusterName;

/// Tags of one association at most (EKS's `TagMap`).
pub const MOST_TAGS: usize = 50;

/// Characters of a tag's key and value at most.
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// Characters of a role's ARN: STS takes 20 to 2,048 (`AssumeRole`).
const ROLE_ARN: std::ops::RangeInclusive<usize> = 20..=2048;

/// Characters of a session policy: what STS has room for.
const LONGEST_POLICY: usize = 2048;

/// A rule that is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct Violation {
    /// The member of `spec`, as AWS has it.
    pub field: &'static str,
    /// What is wrong with it, and what is expected; goes on after the field.
    pub why: String,
}

fn refuse(field: &'static str, why: impl fmt::Display) -> Result<(), Violation> {
    Err(Violation { field, why: why.to_string() })
}

/// Checks an association of this account; the error is the first rule that is not kept.
///
/// # Errors
/// A member has a value that the API server would refuse too.
pub fn check(account: AccountName<'_>, spec: &Spec) -> Result<(), Violation> {
    // The account is part of the object's path: nothing else may stand there.
    if !is_label(account.namespace) {
        return refuse("namespace", "is not the name of a namespace");
    }
    if !is_subdomain(account.name) {
        return refuse("serviceAccount", "is not the name of a ServiceAccount");
    }
    let Spec { role_arn, target_role_arn, disable_session_tags, policy, tags, cluster_name } = spec;
    check_role("roleArn", role_arn)?;
    target_role_arn.iter().try_for_each(|arn| check_role("targetRoleArn", arn))?;
    if let Some(policy) = policy {
        check_policy(policy, *disable_session_tags == Some(true))?;
    }
    check_tags(tags)?;
    match cluster_name {
        Some(name) if ClusterName::new(name).is_none() => {
            refuse("clusterName", "is not a cluster's name: expected 1 to 100 letters, digits, - and _")
        }
        _ => Ok(()),
    }
}

fn check_role(field: &'static str, arn: &str) -> Result<(), Violation> {
    if arn.is_empty() {
        return refuse(field, "is missing");
    }
    let expected = "expected arn:PARTITION:iam::ACCOUNT:role/NAME";
    if let Err(error) = role::check(arn) {
        return refuse(field, format_args!("is not the ARN of an IAM role: {error}; {expected}"));
    }
    if !ROLE_ARN.contains(&arn.len()) {
        return refuse(field, "has less than 20 or more than 2,048 characters");
    }
    Ok(())
}

fn check_policy(policy: &str, has_no_session_tags: bool) -> Result<(), Violation> {
    if !has_no_session_tags {
        return refuse("policy", "is only possible with disableSessionTags: true");
    }
    if policy.chars().count() > LONGEST_POLICY {
        return refuse("policy", format_args!("has more than {LONGEST_POLICY} characters"));
    }
    match serde_json::from_str(policy) {
        Ok(Value::Object(_)) => Ok(()),
        _ => refuse("policy", "is not a JSON object"),
    }
}

/// Checks the tags of an association.
///
/// # Errors
/// There are too many, or one of them is not possible.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Violation> {
    if tags.len() > MOST_TAGS {
        return refuse("tags", format_args!("has more than {MOST_TAGS} tags"));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > LONGEST_KEY {
            return refuse(
                "tags",
                format_args!("has a key without a character or with more than {LONGEST_KEY}"),
            );
        }
        if value.chars().count() > LONGEST_VALUE {
            return refuse("tags", format_args!("has a value with more than {LONGEST_VALUE} characters"));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return refuse("tags", "has a key that begins with aws:, which is reserved for AWS");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/app";

    fn spec() -> Spec {
        Spec { role_arn: ROLE.to_owned(), ..Spec::default() }
    }

    fn refused(change: impl FnOnce(&mut Spec)) -> String {
        let mut spec = spec();
        change(&mut spec);
        check(AccountName::new("shop", "orders"), &spec)
            .map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn what_eks_takes_is_taken() {
        assert_eq!(refused(|_| {}), "");
        assert_eq!(refused(|spec| spec.target_role_arn = Some(ROLE.replace(":1", ":2"))), "");
        let policy = format!("{{{}}}", " ".repeat(2046));
        assert_eq!(refused(|spec| (spec.policy, spec.disable_session_tags) = (Some(policy), Some(true))), "");
        let tags = (0..50).map(|n| (format!("{n:0128}"), "v".repeat(256))).collect();
        assert_eq!(refused(|spec| spec.tags = tags), "");
        assert_eq!(refused(|spec| spec.cluster_name = Some("prod".to_owned())), "");
    }

    #[test]
    fn what_eks_refuses_is_refused_by_its_field() {
        assert_eq!(refused(|spec| spec.role_arn.clear()), "roleArn is missing");
        let user = refused(|spec| spec.role_arn = ROLE.replace("role", "user"));
        assert!(
            user.starts_with("roleArn is not the ARN of an IAM role: its resource is not role/NAME"),
            "{user}"
        );
        let target = refused(|spec| spec.target_role_arn = Some("app".to_owned()));
        assert!(target.starts_with("targetRoleArn is not the ARN of an IAM role"), "{target}");
        let with = |policy: &str| {
            refused(|spec| (spec.policy, spec.disable_session_tags) = (Some(policy.to_owned()), Some(true)))
        };
        assert_eq!(with("[]"), "policy is not a JSON object");
        assert_eq!(with("{"), "policy is not a JSON object");
        assert_eq!(with(&format!("{{{}}}", " ".repeat(2047))), "policy has more than 2048 characters");
        for tags in [None, Some(false)] {
            let alone =
                refused(|spec| (spec.policy, spec.disable_session_tags) = (Some("{}".to_owned()), tags));
            assert_eq!(alone, "policy is only possible with disableSessionTags: true");
        }
        let tags =
            |key: &str, value: &str| refused(|spec| drop(spec.tags.insert(key.to_owned(), value.to_owned())));
        assert_eq!(tags("", "v"), "tags has a key without a character or with more than 128");
        assert_eq!(tags(&"k".repeat(129), "v"), "tags has a key without a character or with more than 128");
        assert_eq!(tags("k", &"v".repeat(257)), "tags has a value with more than 256 characters");
        assert_eq!(tags("AWS:x", "v"), "tags has a key that begins with aws:, which is reserved for AWS");
        let many = (0..51).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(refused(|spec| spec.tags = many), "tags has more than 50 tags");
        let cluster = refused(|spec| spec.cluster_name = Some("-".to_owned()));
        assert!(cluster.starts_with("clusterName is not a cluster's name"), "{cluster}");
    }

    #[test]
    fn an_account_has_a_name_that_kubernetes_takes() {
        for (namespace, name) in [("", "a"), ("a.b", "a"), ("A", "a"), ("../a", "a")] {
            let error = check(AccountName::new(namespace, name), &spec()).unwrap_err();
            assert_eq!(error.to_string(), "namespace is not the name of a namespace");
        }
        for name in ["", "A", "a/b", "a b", ".."] {
            let error = check(AccountName::new("shop", name), &spec()).unwrap_err();
            assert_eq!(error.to_string(), "serviceAccount is not the name of a ServiceAccount");
        }
    }
}
