//! The file of associations: a list of `{"namespace", "serviceAccount", "roleArn", "associationId"}`.

use std::path::Path;

use serde::Deserialize;

use super::refused::Refused;
use crate::refusal::Refusal;
use crate::role::RoleArn;
use crate::token::Pod;

/// All associations of all clusters: the cluster's name is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Associations(Vec<Association>);

/// Which role the pods of a ServiceAccount get.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Association {
    namespace: String,
    service_account: String,
    role_arn: RoleArn,
    /// `a-` and letters and digits.
    pub association_id: String,
}

impl Associations {
    /// Reads the file anew, for a mounted ConfigMap changes.
    pub fn read(path: Option<&Path>) -> Result<Self, Refusal> {
        let Some(path) = path else { return Ok(Self::default()) };
        let failed = |error: &dyn std::fmt::Display| {
            Refusal::Internal(format!("failed to read associations {}: {error}", path.display()))
        };
        let text = std::fs::read(path).map_err(|error| failed(&error))?;
        serde_json::from_slice(&text).map_err(|error| failed(&error))
    }

    /// The association of a pod's ServiceAccount.
    pub fn find(self, pod: &Pod<'_>) -> Result<Association, Refused> {
        let is_of = |association: &Association| {
            association.namespace == pod.namespace && association.service_account == pod.service_account
        };
        self.0.into_iter().find(is_of).ok_or_else(|| Refused::NoAssociation {
            namespace: pod.namespace.to_owned(),
            service_account: pod.service_account.to_owned(),
        })
    }
}

impl Association {
    /// The role.
    #[must_use]
    pub fn role(&self) -> &RoleArn {
        &self.role_arn
    }
}
