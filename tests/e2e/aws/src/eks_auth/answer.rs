//! The JSON of a successful call, in the order of EKS Auth's model.

use serde_json::{Value, json};

use super::{AUDIENCE, PodAssumed};

impl PodAssumed {
    /// The response's body.
    #[must_use]
    pub fn json(&self) -> Value {
        let Self { namespace, service_account, association_arn, association, tags: _, issued } = self;
        json!({
            "subject": {"namespace": namespace, "serviceAccount": service_account},
            "audience": AUDIENCE,
            "podIdentityAssociation": {
                "associationArn": association_arn,
                "associationId": association.association_id,
            },
            "assumedRoleUser": {"arn": issued.caller.arn, "assumeRoleId": issued.caller.user_id},
            "credentials": {
                "sessionToken": issued.credentials.session_token,
                "secretAccessKey": issued.credentials.secret_access_key,
                "accessKeyId": issued.credentials.access_key_id,
                "expiration": issued.expiration,
            },
        })
    }
}
