//! The pair of variables by which SDKs find an identity, chosen as they choose.

use std::ffi::OsString;
use std::path::PathBuf;

const ROLE_ARN: &str = "AWS_ROLE_ARN";
const WEB_IDENTITY_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const AUTHORIZATION_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// Variables of credentials that SDKs prefer to any pair.
const PREFERRED: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// Reads one variable; one without a value is none.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// How the pod gets credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Method {
    /// IRSA, with this role.
    Irsa(String),
    /// EKS Pod Identity, from the agent at this URL.
    PodIdentity(String),
}

/// A whole pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) method: Method,
    pub(super) token_file: PathBuf,
}

/// Why there is no pair. The pod has no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PairError {
    /// There is none of the variables.
    #[error(
        "this pod has no AWS identity: none of {ROLE_ARN}, {WEB_IDENTITY_TOKEN_FILE}, {FULL_URI} and \
         {AUTHORIZATION_TOKEN_FILE} is set; give its ServiceAccount a role or an association, make sure that the webhook \
         serves, and make the pod anew: a pod gets its identity when it is created"
    )]
    None,
    /// One of a pair is missing.
    #[error(
        "this pod has half of an AWS identity: {there} is set and {missing} is not; take {there} out of the container's \
         own variables, so that the webhook sets both, or set {missing} too"
    )]
    Half { there: &'static str, missing: &'static str },
}

/// The pair that SDKs use.
pub(super) fn find(variables: Variables<'_>) -> Result<Pair, PairError> {
    let text = |name| variables(name).map(|value| value.to_string_lossy().into_owned());
    let path = |name| variables(name).map(PathBuf::from);
    let half = |there, missing| Err(PairError::Half { there, missing });
    let web = (text(ROLE_ARN), path(WEB_IDENTITY_TOKEN_FILE));
    let agent = (text(FULL_URI), path(AUTHORIZATION_TOKEN_FILE));
    match (web, agent) {
        ((Some(role), Some(token_file)), _) => Ok(Pair { method: Method::Irsa(role), token_file }),
        // Some SDKs fail on it, even where an agent would answer.
        ((None, Some(_)), _) => half(WEB_IDENTITY_TOKEN_FILE, ROLE_ARN),
        (_, (Some(uri), Some(token_file))) => Ok(Pair { method: Method::PodIdentity(uri), token_file }),
        ((Some(_), None), (None, None)) => half(ROLE_ARN, WEB_IDENTITY_TOKEN_FILE),
        (_, (Some(_), None)) => half(FULL_URI, AUTHORIZATION_TOKEN_FILE),
        (_, (None, Some(_))) => half(AUTHORIZATION_TOKEN_FILE, FULL_URI),
        ((None, None), (None, None)) => Err(PairError::None),
    }
}

/// What else is set that SDKs use instead of the pair.
pub(super) fn preferred(variables: Variables<'_>) -> Option<String> {
    let [id, secret] = PREFERRED;
    (variables(id).is_some() && variables(secret).is_some()).then(|| {
        format!("{id} and {secret} are set too: AWS SDKs use these keys, and not what is printed above")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(set: &[(&str, &str)]) -> Result<Pair, PairError> {
        find(&|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn web_identity_wins_and_half_of_it_stands_in_the_way_where_sdks_look_first() {
        let agent = [(FULL_URI, "http://a"), (AUTHORIZATION_TOKEN_FILE, "/a")];
        let both = [(ROLE_ARN, "r"), (WEB_IDENTITY_TOKEN_FILE, "/w"), agent[0], agent[1]];
        assert_eq!(found(&both).unwrap().method, Method::Irsa("r".to_owned()));
        assert_eq!(found(&agent).unwrap().method, Method::PodIdentity("http://a".to_owned()));
        let role_beside = [(ROLE_ARN, "r"), agent[0], agent[1]];
        assert_eq!(found(&role_beside).unwrap().token_file, PathBuf::from("/a"));
        let token_beside = [(WEB_IDENTITY_TOKEN_FILE, "/w"), agent[0], agent[1]];
        let half = PairError::Half { there: WEB_IDENTITY_TOKEN_FILE, missing: ROLE_ARN };
        assert_eq!(found(&token_beside), Err(half));
    }

    #[test]
    fn half_of_either_pair_is_named_with_what_is_missing() {
        for (there, missing) in [
            (ROLE_ARN, WEB_IDENTITY_TOKEN_FILE),
            (WEB_IDENTITY_TOKEN_FILE, ROLE_ARN),
            (FULL_URI, AUTHORIZATION_TOKEN_FILE),
            (AUTHORIZATION_TOKEN_FILE, FULL_URI),
        ] {
            assert_eq!(found(&[(there, "x")]), Err(PairError::Half { there, missing }));
        }
        assert_eq!(found(&[]), Err(PairError::None));
    }
}
