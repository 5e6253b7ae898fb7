//! What an answer gives a pod, read from its patch.

use serde_json::{Value, json};

use super::client::Answer;

/// How the pod gets its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The webhook gives it none.
    None,
    /// Through IRSA, with this role.
    Role(String),
    /// Through EKS Pod Identity, with a token of this many seconds.
    Association(u64),
}

impl Credentials {
    /// Reads a review's answer.
    ///
    /// # Panics If it is not a review's answer, or gives a pod both methods.
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        assert_eq!(answer.json()["response"]["allowed"], json!(true));
        let Some(patch) = answer.patch() else { return Self::None };
        let credentials = Self::of_patch(&patch);
        assert_ne!(credentials, Self::None, "a patch without credentials");
        credentials
    }

    /// Reads a patch.
    ///
    /// # Panics
    /// If it gives a pod both methods.
    pub fn of_patch(patch: &Value) -> Self {
        let mut found = Vec::new();
        collect(patch, &mut found);
        let value = |name: &str| found.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let role = value("AWS_ROLE_ARN").map(|role| Self::Role(role.as_str().unwrap().to_owned()));
        let association = value("AWS_CONTAINER_CREDENTIALS_FULL_URI")
            .map(|_| Self::Association(value("expirationSeconds").unwrap().as_u64().unwrap()));
        match (role, association) {
            (Some(credentials), None) | (None, Some(credentials)) => credentials,
            (None, None) => Self::None,
            both => panic!("both methods in {patch}: {both:?}"),
        }
    }
}

/// Variables by name, and the lifetimes of tokens, wherever in the patch they are.
fn collect(value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, found)),
        Value::Object(members) => {
            if let (Some(Value::String(name)), Some(value)) = (members.get("name"), members.get("value")) {
                found.push((name.clone(), value.clone()));
            }
            if let Some(seconds) = members.get("expirationSeconds") {
                found.push(("expirationSeconds".to_owned(), seconds.clone()));
            }
            members.values().for_each(|member| collect(member, found));
        }
        _ => {}
    }
}
