//! Why a pod is refused: a policy that its operator asked for, never trouble of our own.

use super::annotation::{Prefix, ROLE_ARN};
use super::grant::RoleSource;
use super::role::RoleArnError;
use super::warning::{Brief, Quoted};

/// Why a pod is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The role that it would get is none by its ARN: `--role-arn-validation=enforce`.
    RoleArn {
        /// As it would be injected.
        role_arn: String,
        /// What is wrong with it.
        error: RoleArnError,
        /// Where it was written.
        source: RoleSource,
    },
}

impl Denial {
    /// What whoever makes the pod is told: what is wrong, where, and what to do. `account` is the
    /// name of the pod's ServiceAccount.
    #[must_use]
    pub fn message(&self, prefix: &Prefix, namespace: &str, account: &str) -> String {
        let Self::RoleArn { role_arn, error, source } = self;
        let (role_arn, namespace, account) = (Quoted(role_arn), Brief(namespace), Brief(account));
        let place = match source {
            RoleSource::Annotation => {
                format!("annotation {}/{ROLE_ARN} of ServiceAccount {namespace}/{account}", prefix.as_str())
            }
            RoleSource::ConfigMap => {
                format!("RoleARN for {namespace}/{account} in ConfigMap pod-identity-webhook")
            }
        };
        format!("{place}: {role_arn} is no role's ARN: {error}; make it arn:PARTITION:iam::ACCOUNT:role/NAME")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(source: RoleSource) -> String {
        let denial = Denial::RoleArn { role_arn: "a\nb\"".to_owned(), error: RoleArnError::NotAnArn, source };
        denial.message(&Prefix::new("iam.example.com").unwrap(), "shop", "orders")
    }

    #[test]
    fn names_the_place_where_the_role_is_written_in_one_line() {
        let rest = r#": "a\nb\"" is no role's ARN: it does not begin with 'arn:'; make it arn:PARTITION:iam::ACCOUNT:role/NAME"#;
        assert_eq!(
            message(RoleSource::Annotation),
            format!("annotation iam.example.com/role-arn of ServiceAccount shop/orders{rest}")
        );
        assert_eq!(
            message(RoleSource::ConfigMap),
            format!("RoleARN for shop/orders in ConfigMap pod-identity-webhook{rest}")
        );
    }
}
