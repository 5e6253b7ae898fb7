//! What a token says of itself. Its signature is for AWS to verify; nothing here quotes the token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// What a token says.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Claims {
    /// For whom it is.
    #[serde(rename = "aud")]
    audience: Audience,
    /// Whose it is: `system:serviceaccount:NAMESPACE:ACCOUNT`.
    #[serde(rename = "sub")]
    pub(super) subject: String,
    /// When it expires, in seconds since 1970.
    #[serde(rename = "exp")]
    pub(super) expiry: i64,
}

/// One audience or several: RFC 7519, section 4.1.3.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Why a file's text is no token of Kubernetes. AWS would refuse it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ClaimsError {
    /// The file is empty.
    #[error("it is empty")]
    Empty,
    /// It has not the form of a token.
    #[error("it does not have the three parts of a JSON web token")]
    Parts,
    /// The middle part is not base64.
    #[error("its payload is not base64")]
    Base64,
    /// The payload is not what a token of Kubernetes says.
    #[error("its payload does not have the audience, subject and expiry that a ServiceAccount's token has")]
    Payload,
}

impl Claims {
    /// Reads a token's payload.
    pub(super) fn of_token(token: &[u8]) -> Result<Self, ClaimsError> {
        let token = token.trim_ascii();
        if token.is_empty() {
            return Err(ClaimsError::Empty);
        }
        let mut parts = token.split(|byte| *byte == b'.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ClaimsError::Parts);
        };
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| ClaimsError::Base64)?;
        // serde's own words would quote what it found.
        serde_json::from_slice(&payload).map_err(|_| ClaimsError::Payload)
    }

    /// The audiences that the token has.
    pub(super) fn audiences(&self) -> &[String] {
        match &self.audience {
            Audience::One(audience) => std::slice::from_ref(audience),
            Audience::Several(audiences) => audiences,
        }
    }

    /// The namespace and the name of the ServiceAccount, if the subject is one.
    pub(super) fn account(&self) -> Option<(&str, &str)> {
        self.subject.strip_prefix("system:serviceaccount:")?.split_once(':')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> Vec<u8> {
        format!("e30.{}.c2ln\n", URL_SAFE_NO_PAD.encode(payload)).into_bytes()
    }

    #[test]
    fn payload_is_read_with_one_audience_or_several() {
        for (audience, expected) in [(r#""a""#, &["a"][..]), (r#"["a","b"]"#, &["a", "b"])] {
            let text =
                format!(r#"{{"aud":{audience},"exp":5,"sub":"system:serviceaccount:shop:orders","x":1}}"#);
            let claims = Claims::of_token(&token(&text)).unwrap();
            assert_eq!(claims.audiences(), expected);
            assert_eq!((claims.account(), claims.expiry), (Some(("shop", "orders")), 5));
        }
    }

    #[test]
    fn what_is_no_token_is_told_from_one() {
        for (text, error) in [
            (b" \n".to_vec(), ClaimsError::Empty),
            (b"secret".to_vec(), ClaimsError::Parts),
            (b"a.b.c.d".to_vec(), ClaimsError::Parts),
            (b"a.+.c".to_vec(), ClaimsError::Base64),
            (token("secret"), ClaimsError::Payload),
            (token(r#"{"aud":"a","sub":"s"}"#), ClaimsError::Payload),
        ] {
            assert_eq!(Claims::of_token(&text), Err(error));
        }
    }
}
