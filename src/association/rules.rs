//! The rules that an association keeps to: those of the definition's schema, for whoever wants to know before the API
//! server is asked, or reads files that it has not seen. The limits are EKS's and STS's own.

use std::collections::BTreeMap;
use std::fmt;

use injection::name::{AccountName, is_label, is_subdomain};
use injection::role::{self, RoleArnError};
use serde_json::Value;

use super::spec::Spec;
use crate::aws::ClusterName;

/// Tags of one association at most (EKS's `TagMap`).
pub const MOST_TAGS: usize = 50;

/// Characters of a tag's key and value at most.
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// Characters of a role's ARN at most: what STS takes (`AssumeRole`).
const LONGEST_ROLE_ARN: usize = 2048;

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
    match target_role_arn.as_deref() {
        None => {}
        Some("") => {
            return refuse("targetRoleArn", "is empty: leave the field out if the pods use roleArn itself");
        }
        Some(arn) => check_role("targetRoleArn", arn)?,
    }
    if let Some(policy) = policy {
        check_policy(policy, *disable_session_tags == Some(true))?;
    }
    check_tags(tags)?;
    match cluster_name.as_deref() {
        Some("") => {
            refuse("clusterName", "is empty: leave the field out if the association counts on any cluster")
        }
        Some(name) if ClusterName::new(name).is_none() => refuse(
            "clusterName",
            "is not the name of an EKS cluster: expected 1 to 100 letters, digits, - and _ of which the first is a letter \
             or a digit",
        ),
        _ => Ok(()),
    }
}

fn check_role(field: &'static str, arn: &str) -> Result<(), Violation> {
    let expected = "expected arn:PARTITION:iam::ACCOUNT:role/NAME";
    if arn.chars().count() > LONGEST_ROLE_ARN {
        return refuse(field, format_args!("has more than {LONGEST_ROLE_ARN} characters"));
    }
    match role::check(arn) {
        Ok(()) => Ok(()),
        Err(RoleArnError::Account) => {
            refuse(field, format_args!("has an account that is not 12 digits: {expected}"))
        }
        Err(RoleArnError::Name | RoleArnError::Path) => refuse(
            field,
            "has a role name or a path that IAM does not allow: a name is 1 to 64 letters, digits and _+=,.@- and the \
             path before it at most 512 ASCII characters without spaces",
        ),
        Err(error @ RoleArnError::Character(_)) => {
            refuse(field, format_args!("is not the ARN of an IAM role: {error}"))
        }
        Err(_) => refuse(
            field,
            format_args!(
                "is not the ARN of an IAM role: {expected}, where PARTITION is aws, aws-cn, aws-us-gov or the like"
            ),
        ),
    }
}

fn check_policy(policy: &str, has_no_session_tags: bool) -> Result<(), Violation> {
    if policy.is_empty() {
        return refuse("policy", "is empty: leave the field out if the pods may do all that the role may");
    }
    if policy.chars().count() > LONGEST_POLICY {
        return refuse("policy", format_args!("has more than {LONGEST_POLICY} characters"));
    }
    if !has_no_session_tags {
        return refuse(
            "policy",
            "needs disableSessionTags to be true: a session has either tags or a policy",
        );
    }
    // The definition sees braces alone. IAM takes no blanks before the first one.
    match serde_json::from_str(policy) {
        Ok(Value::Object(_)) if policy.starts_with('{') => Ok(()),
        _ => refuse(
            "policy",
            "is not a JSON object: expected a text that begins with { and ends with }, without blanks before it",
        ),
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
                format_args!("has a key that is empty or too long: a key has 1 to {LONGEST_KEY} characters"),
            );
        }
        if value.chars().count() > LONGEST_VALUE {
            return refuse("tags", format_args!("has a value with more than {LONGEST_VALUE} characters"));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return refuse(
                "tags",
                "has a key that begins with aws: which AWS keeps for its own tags, in small letters and capitals",
            );
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
        let starts = |text: String, start: &str| assert!(text.starts_with(start), "{text}");
        let shape =
            "roleArn is not the ARN of an IAM role: expected arn:PARTITION:iam::ACCOUNT:role/NAME, where";
        starts(refused(|spec| spec.role_arn.clear()), shape);
        starts(refused(|spec| spec.role_arn = ROLE.replace("role", "user")), shape);
        starts(
            refused(|spec| spec.role_arn = ROLE.replace('9', "")),
            "roleArn has an account that is not 12 digits",
        );
        starts(
            refused(|spec| spec.role_arn.push('!')),
            "roleArn has a role name or a path that IAM does not allow",
        );
        starts(
            refused(|spec| spec.role_arn.push('\u{a0}')),
            "roleArn is not the ARN of an IAM role: it has the character U+00A0",
        );
        let target = |arn: &str| refused(|spec| spec.target_role_arn = Some(arn.to_owned()));
        starts(target("app"), "targetRoleArn is not the ARN of an IAM role");
        starts(target(""), "targetRoleArn is empty");
        let with = |policy: &str| {
            refused(|spec| (spec.policy, spec.disable_session_tags) = (Some(policy.to_owned()), Some(true)))
        };
        for policy in ["[]", "{", " {}", "null"] {
            starts(with(policy), "policy is not a JSON object");
        }
        starts(with(""), "policy is empty");
        assert_eq!(with(&format!("{{{}}}", " ".repeat(2047))), "policy has more than 2048 characters");
        for tags in [None, Some(false)] {
            let alone =
                |spec: &mut Spec| (spec.policy, spec.disable_session_tags) = (Some("{}".to_owned()), tags);
            starts(refused(alone), "policy needs disableSessionTags to be true");
        }
        let tags =
            |key: &str, value: &str| refused(|spec| drop(spec.tags.insert(key.to_owned(), value.to_owned())));
        starts(tags("", "v"), "tags has a key that is empty or too long");
        starts(tags(&"k".repeat(129), "v"), "tags has a key that is empty or too long");
        assert_eq!(tags("k", &"v".repeat(257)), "tags has a value with more than 256 characters");
        starts(tags("AWS:x", "v"), "tags has a key that begins with aws:");
        let many = (0..51).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(refused(|spec| spec.tags = many), "tags has more than 50 tags");
        starts(
            refused(|spec| spec.cluster_name = Some("-".to_owned())),
            "clusterName is not the name of an EKS",
        );
        starts(refused(|spec| spec.cluster_name = Some(String::new())), "clusterName is empty");
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
