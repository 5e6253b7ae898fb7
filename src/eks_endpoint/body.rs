//! What the bodies of calls say. Members that are not known are ignored and `null` is as good as absent, as with
//! AWS. Only what must be so for the rest to work is checked: that a member is there, its type, and the names that
//! become an object's in Kubernetes.

use std::collections::BTreeMap;

use injection::AccountName;
use serde_json::{Map, Value, json};

use super::error::{ErrorName, ServiceError};
use super::hash::sha256_hex;

/// Largest body, in bytes. Every character may be written as a pair of escapes, which are 12 bytes: fifty tags of 128 and
/// 256 characters, two roles and a policy of 2,048 each are 304,128 bytes, and the rest has a few thousand. Whoever reads
/// the request keeps to it; the work for a body grows with its size alone.
pub const BODY_LIMIT: usize = 512 << 10;

/// Characters of a `clientRequestToken`, which is kept with the association. EKS's model says no limit; SDKs send
/// the 36 of a UUID.
pub(super) const TOKEN_LENGTH: usize = 128;

/// The body of `CreatePodIdentityAssociation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateInput {
    /// The pods' namespace: a name that Kubernetes takes.
    pub namespace: String,
    /// The pods' ServiceAccount: a name that Kubernetes takes.
    pub service_account: String,
    /// The role. Not checked.
    pub role_arn: String,
    /// Names this call, also when it is sent again: printable ASCII, not empty.
    pub client_request_token: Option<String>,
    /// Tags. Not checked.
    pub tags: BTreeMap<String, String>,
    /// Whether sessions are without tags.
    pub disable_session_tags: Option<bool>,
    /// The role that is assumed with the first one, of any account. Not checked: one that is empty is there, and not
    /// possible. A script whose variable is not set must not give pods more than was meant.
    pub target_role_arn: Option<String>,
    /// The sessions' policy. As the target role.
    pub policy: Option<String>,
}

/// The body of `UpdatePodIdentityAssociation`: what is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateInput {
    /// The role. Not checked.
    pub role_arn: Option<String>,
    /// As in [`CreateInput`].
    pub client_request_token: Option<String>,
    /// Whether sessions are without tags.
    pub disable_session_tags: Option<bool>,
    /// The role that is assumed with the first one.
    pub target_role_arn: Edit,
    /// The sessions' policy.
    pub policy: Edit,
}

/// What an update does to a member that an association may be without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// It stays as it is: the update does not name it.
    Keep,
    /// It goes: the update gives it as an empty text.
    Remove,
    /// It becomes this. Not checked, but not empty.
    Set(String),
}

/// The body of `TagResource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagInput {
    /// Tags to add or to change. Not checked.
    pub tags: BTreeMap<String, String>,
}

impl CreateInput {
    /// Reads a body of at most [`BODY_LIMIT`] bytes.
    ///
    /// # Errors
    /// The error to answer with, which names the member that it is about.
    pub fn read(body: &[u8]) -> Result<Self, ServiceError> {
        let mut members = Members::read(body, ErrorName::InvalidParameter)?;
        let namespace = members.required_text("namespace")?;
        let service_account = members.required_text("serviceAccount")?;
        if !AccountName::new(&namespace, "a").is_possible() {
            return Err(members.refused("namespace", "is not a name that a Kubernetes namespace can have"));
        }
        if !AccountName::new("a", &service_account).is_possible() {
            let problem = "is not a name that a Kubernetes ServiceAccount can have";
            return Err(members.refused("serviceAccount", problem));
        }
        Ok(Self {
            namespace,
            service_account,
            role_arn: members.required_text("roleArn")?,
            client_request_token: members.client_request_token()?,
            tags: members.tags()?.unwrap_or_default(),
            disable_session_tags: members.boolean("disableSessionTags")?,
            target_role_arn: members.text("targetRoleArn")?,
            policy: members.text("policy")?,
        })
    }

    /// What is asked for, as 64 hexadecimal digits: the same for the same input under any `clientRequestToken`, and
    /// in every version, because it is kept with the association.
    #[must_use]
    pub fn hash(&self) -> String {
        let Self {
            namespace,
            service_account,
            role_arn,
            client_request_token: _,
            tags,
            disable_session_tags,
            target_role_arn,
            policy,
        } = self;
        // In alphabetical order, which is the one that a map without an order of its own would give it too.
        let canonical = json!({
            "disableSessionTags": disable_session_tags,
            "namespace": namespace,
            "operation": "CreatePodIdentityAssociation",
            "policy": policy,
            "roleArn": role_arn,
            "serviceAccount": service_account,
            "tags": tags,
            "targetRoleArn": target_role_arn,
        });
        sha256_hex(canonical.to_string().as_bytes())
    }
}

impl UpdateInput {
    /// Reads a body of at most [`BODY_LIMIT`] bytes.
    ///
    /// # Errors
    /// The error to answer with, which names the member that it is about.
    pub fn read(body: &[u8]) -> Result<Self, ServiceError> {
        let mut members = Members::read(body, ErrorName::InvalidParameter)?;
        Ok(Self {
            role_arn: members.text("roleArn")?,
            client_request_token: members.client_request_token()?,
            disable_session_tags: members.boolean("disableSessionTags")?,
            target_role_arn: members.edit("targetRoleArn")?,
            policy: members.edit("policy")?,
        })
    }

    /// What is asked for, as [`CreateInput::hash`].
    #[must_use]
    pub fn hash(&self) -> String {
        let Self { role_arn, client_request_token: _, disable_session_tags, target_role_arn, policy } = self;
        let canonical = json!({
            "disableSessionTags": disable_session_tags,
            "operation": "UpdatePodIdentityAssociation",
            "policy": policy.as_sent(),
            "roleArn": role_arn,
            "targetRoleArn": target_role_arn.as_sent(),
        });
        sha256_hex(canonical.to_string().as_bytes())
    }
}

impl Edit {
    fn as_sent(&self) -> Option<&str> {
        match self {
            Self::Keep => None,
            Self::Remove => Some(""),
            Self::Set(text) => Some(text),
        }
    }
}

impl TagInput {
    /// Reads a body of at most [`BODY_LIMIT`] bytes.
    ///
    /// # Errors
    /// The error to answer with, which names the member that it is about.
    pub fn read(body: &[u8]) -> Result<Self, ServiceError> {
        let mut members = Members::read(body, ErrorName::BadRequest)?;
        let tags = members.tags()?;
        Ok(Self { tags: tags.ok_or_else(|| members.refused("tags", "is required"))? })
    }
}

/// The members of a body that are not read yet.
struct Members {
    left: Map<String, Value>,
    refusal: ErrorName,
}

impl Members {
    /// Reads a body; errors about it have the name `refusal`. A body that is empty has no members.
    fn read(body: &[u8], refusal: ErrorName) -> Result<Self, ServiceError> {
        if body.is_empty() {
            return Ok(Self { left: Map::new(), refusal });
        }
        // serde's own words would quote what it found.
        let left = serde_json::from_slice(body);
        let left = left.map_err(|_| refusal.error("The request's body is not a JSON object."))?;
        Ok(Self { left, refusal })
    }

    fn refused(&self, name: &str, problem: &str) -> ServiceError {
        self.refusal.error(format!("The member {name} {problem}."))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.left.swap_remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, ServiceError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.refused(name, "must be a string")),
        }
    }

    fn required_text(&mut self, name: &str) -> Result<String, ServiceError> {
        self.text(name)?.ok_or_else(|| self.refused(name, "is required"))
    }

    fn edit(&mut self, name: &str) -> Result<Edit, ServiceError> {
        Ok(match self.text(name)? {
            None => Edit::Keep,
            Some(text) if text.is_empty() => Edit::Remove,
            Some(text) => Edit::Set(text),
        })
    }

    fn boolean(&mut self, name: &str) -> Result<Option<bool>, ServiceError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.refused(name, "must be true or false")),
        }
    }

    fn tags(&mut self) -> Result<Option<BTreeMap<String, String>>, ServiceError> {
        let refused = |members: &Self| Err(members.refused("tags", "must be an object of strings"));
        let Some(value) = self.take("tags") else { return Ok(None) };
        let Value::Object(tags) = value else { return refused(self) };
        let mut read = BTreeMap::new();
        for (key, value) in tags {
            let Value::String(value) = value else { return refused(self) };
            read.insert(key, value);
        }
        Ok(Some(read))
    }

    fn client_request_token(&mut self) -> Result<Option<String>, ServiceError> {
        let name = "clientRequestToken";
        let token = self.text(name)?.filter(|token| !token.is_empty());
        let fits =
            |token: &String| token.len() <= TOKEN_LENGTH && token.bytes().all(|c| c.is_ascii_graphic());
        if token.as_ref().is_none_or(fits) {
            return Ok(token);
        }
        Err(self.refused(name, &format!("must be at most {TOKEN_LENGTH} printable ASCII characters")))
    }
}

#[cfg(test)]
mod tests;
