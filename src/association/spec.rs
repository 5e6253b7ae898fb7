//! What an association says: the members of `spec`, with AWS's names.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// What an association says. The account that it is for is the object's own name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// ARN of the role that the account's pods get.
    pub role_arn: String,
    /// ARN of a second role, mostly of another AWS account, which is assumed with the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_role_arn: Option<String>,
    /// Whether the session has no tags of cluster, namespace and pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_session_tags: Option<bool>,
    /// Session policy: JSON that narrows what the role may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Tags of the association itself; they are not the session's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "nullable")]
    pub tags: BTreeMap<String, String>,
    /// The cluster that the association is for; `None`: whichever has the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
}

/// Templates write `null` where a value is not set, and the API server leaves it out.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_set_is_written() {
        let role_arn = "arn:aws:iam::123456789012:role/app".to_owned();
        let spec = Spec { role_arn, ..Spec::default() };
        let written = json!({ "roleArn": "arn:aws:iam::123456789012:role/app" });
        assert_eq!(serde_json::to_value(&spec).unwrap(), written);
        assert_eq!(serde_json::from_value::<Spec>(written).unwrap(), spec);
    }

    #[test]
    fn what_is_null_is_not_set_and_what_is_empty_is() {
        let written = json!({ "roleArn": "r", "targetRoleArn": "", "policy": null, "tags": null });
        let target_role_arn = Some(String::new());
        let spec = Spec { role_arn: "r".to_owned(), target_role_arn, ..Spec::default() };
        assert_eq!(serde_json::from_value::<Spec>(written).unwrap(), spec);
    }
}
