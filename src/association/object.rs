//! An association as the API server has it: what is read of the object, and the object itself, of which nothing is lost
//! when it is written back.

use injection::{AccountName, OwnedAccountName};
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::identifier::{AssociationArn, AssociationId, external_id};
use super::spec::Spec;
use crate::aws::ClusterName;

/// An association as the API server has it.
#[derive(Debug, Clone)]
pub struct Association {
    /// The account that it is for.
    pub account: OwnedAccountName,
    /// The object's UID, of which the ids are made.
    pub uid: String,
    /// What it says.
    pub spec: Spec,
    /// When the object was made.
    pub created: Timestamp,
    /// When anything but its status was last written.
    pub modified: Timestamp,
    /// The object as it came.
    pub(super) object: Value,
}

/// Why an object is no association that can be used. The text quotes nothing of the object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The object has no name, no namespace, no UID or no time.
    #[error("its metadata has no {0}")]
    Metadata(&'static str),
    /// A member is of another type than the definition has.
    #[error("its spec is not of the shape that the definition has")]
    Spec,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    namespace: String,
    name: String,
    uid: String,
    creation_timestamp: Option<Timestamp>,
    managed_fields: Vec<Manager>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Manager {
    time: Option<Timestamp>,
    subresource: String,
}

impl Association {
    /// Reads an object.
    ///
    /// # Errors
    /// The object is none that an API server with the definition would send.
    pub fn read(object: Value) -> Result<Self, ObjectError> {
        let metadata = object.get("metadata").map(Metadata::deserialize).transpose();
        let metadata = metadata.map_err(|_| ObjectError::Metadata("usable members"))?.unwrap_or_default();
        let Metadata { namespace, name, uid, creation_timestamp, managed_fields } = metadata;
        for (text, what) in [(&namespace, "namespace"), (&name, "name"), (&uid, "uid")] {
            if text.is_empty() {
                return Err(ObjectError::Metadata(what));
            }
        }
        let created = creation_timestamp.ok_or(ObjectError::Metadata("creationTimestamp"))?;
        let spec = object.get("spec").map(Spec::deserialize).transpose();
        let spec = spec.map_err(|_| ObjectError::Spec)?.unwrap_or_default();
        // Whoever writes the status says nothing new.
        let changes = managed_fields.iter().filter(|manager| manager.subresource.is_empty());
        let modified = changes.filter_map(|manager| manager.time).max().unwrap_or(created).max(created);
        let account = AccountName::new(&namespace, &name).into_owned();
        Ok(Self { account, uid, spec, created, modified, object })
    }

    /// The association's id.
    #[must_use]
    pub fn id(&self) -> AssociationId {
        AssociationId::of_uid(&self.uid)
    }

    /// The association's ARN, in a region and a cluster.
    #[must_use]
    pub fn arn(&self, region: &str, cluster: &ClusterName) -> AssociationArn {
        AssociationArn::of_role(&self.spec.role_arn, region, cluster.clone(), self.id())
    }

    /// The external id, if there is a target role.
    #[must_use]
    pub fn external_id(&self) -> Option<String> {
        self.spec.target_role_arn.as_ref().map(|_| external_id(&self.uid))
    }

    /// Whether it is for the cluster of this name.
    #[must_use]
    pub fn is_for(&self, cluster: &ClusterName) -> bool {
        self.spec.cluster_name.as_deref().is_none_or(|name| name == cluster.as_str())
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.object.get("metadata")?.get("annotations")?.get(key)?.as_str()
    }

    /// The object as it came.
    #[must_use]
    pub fn object(&self) -> &Value {
        &self.object
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "metadata": {
                "namespace": "shop", "name": "orders", "uid": "u-1",
                "creationTimestamp": "2026-01-02T03:04:05Z",
                "annotations": { "a": "b" },
                "managedFields": [
                    { "manager": "kubectl", "time": "2026-01-02T03:04:06Z" },
                    { "manager": "webhook", "time": "2026-01-02T03:04:09Z", "subresource": "status" },
                ],
            },
            "spec": { "roleArn": "arn:aws:iam::123456789012:role/app", "later": true },
        })
    }

    #[test]
    fn an_object_is_read_and_kept_whole() {
        let read = Association::read(object()).unwrap();
        assert_eq!(read.account.get(), AccountName::new("shop", "orders"));
        assert_eq!(read.spec.role_arn, "arn:aws:iam::123456789012:role/app");
        assert_eq!(read.annotation("a"), Some("b"));
        assert_eq!(read.object(), &object());
        assert_eq!(read.external_id(), None);
    }

    #[test]
    fn whoever_writes_the_status_changes_nothing() {
        let read = Association::read(object()).unwrap();
        assert_eq!((read.modified - read.created).get_seconds(), 1);
    }

    #[test]
    fn an_object_without_what_all_have_is_refused() {
        for (member, what) in [("namespace", "namespace"), ("name", "name"), ("uid", "uid")] {
            let mut object = object();
            object["metadata"][member] = json!("");
            assert_eq!(Association::read(object).unwrap_err(), ObjectError::Metadata(what));
        }
        let mut strange = object();
        strange["spec"]["tags"] = json!([1]);
        assert_eq!(Association::read(strange).unwrap_err(), ObjectError::Spec);
    }

    #[test]
    fn an_association_without_a_cluster_is_for_any() {
        let mut read = Association::read(object()).unwrap();
        let [prod, test] = ["prod", "test"].map(|name| ClusterName::new(name).unwrap());
        assert!(read.is_for(&prod));
        read.spec.cluster_name = Some("test".to_owned());
        assert!(!read.is_for(&prod) && read.is_for(&test));
    }
}
