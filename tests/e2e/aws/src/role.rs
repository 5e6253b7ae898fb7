//! Names of roles, and what follows from them.

use std::str::FromStr;

use aws_lc_rs::digest;
use serde::Deserialize;

use crate::refusal::Refusal;

/// `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RoleArn {
    text: String,
    partition: String,
    account: String,
    name: String,
}

impl RoleArn {
    /// The ARN as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account's number.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The ARN of a session; a role's path is not part of it.
    #[must_use]
    pub fn session(&self, name: &str) -> String {
        format!("arn:{}:sts::{}:assumed-role/{}/{name}", self.partition, self.account, self.name)
    }

    /// The ARN that the issuer has as a provider of the role's account.
    #[must_use]
    pub fn provider(&self, issuer_without_scheme: &str) -> String {
        format!("arn:{}:iam::{}:oidc-provider/{issuer_without_scheme}", self.partition, self.account)
    }

    /// The ARN of something that EKS has in the role's account.
    #[must_use]
    pub fn eks(&self, region: &str, resource: &str) -> String {
        format!("arn:{}:eks:{region}:{}:{resource}", self.partition, self.account)
    }

    /// The role's unique id: the same for the same ARN.
    #[must_use]
    pub fn unique_id(&self) -> String {
        let digest = digest::digest(&digest::SHA256, self.text.as_bytes());
        format!("AROA{}", base32(digest.as_ref()).chars().take(17).collect::<String>())
    }
}

impl FromStr for RoleArn {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let invalid = || Refusal::Validation("Request ARN is invalid".to_owned());
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or_else(invalid);
        let (arn, partition, service, region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let name = resource.strip_prefix("role/").and_then(|path| path.rsplit('/').next());
        match name {
            Some(name)
                if arn == "arn"
                    && !partition.is_empty()
                    && service == "iam"
                    && region.is_empty()
                    && is_account
                    && !name.is_empty() =>
            {
                Ok(Self {
                    text: text.to_owned(),
                    partition: partition.to_owned(),
                    account: account.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err(invalid()),
        }
    }
}

impl TryFrom<String> for RoleArn {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        text.parse()
    }
}

/// One letter or digit a byte, of the alphabet in which AWS writes ids.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: [char; 32] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T',
        'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
    ];
    bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_leaves_the_path_out_and_keeps_the_partition() {
        let role: RoleArn = "arn:aws-cn:iam::111122223333:role/team/shop/checkout".parse().unwrap();
        assert_eq!(role.session("one"), "arn:aws-cn:sts::111122223333:assumed-role/checkout/one");
        assert_eq!(role.provider("id.example/x"), "arn:aws-cn:iam::111122223333:oidc-provider/id.example/x");
        assert_eq!(
            role.eks("cn-north-1", "cluster/one"),
            "arn:aws-cn:eks:cn-north-1:111122223333:cluster/one"
        );
    }

    #[test]
    fn unique_id_is_the_same_for_the_same_role() {
        let role: RoleArn = "arn:aws:iam::111122223333:role/checkout".parse().unwrap();
        assert_eq!(role.unique_id(), role.clone().unique_id());
        assert_eq!(role.unique_id().len(), 21);
    }

    #[test]
    fn refuses_what_is_no_role() {
        for text in [
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::11112222333:role/checkout",
            "arn:aws:iam:eu-west-1:111122223333:role/checkout",
            "arn:aws:sts::111122223333:assumed-role/checkout/x",
        ] {
            assert!(text.parse::<RoleArn>().is_err(), "{text}");
        }
    }
}
