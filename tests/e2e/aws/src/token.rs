//! A projected ServiceAccount token: parsed, then verified. Pure; what may not be believed yet has a
//! type of its own.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;

/// How far the issuer's clock may be ahead.
const LEEWAY_SECONDS: i64 = 300;

/// A signature's key: modulus and exponent, big endian.
pub type Key = RsaPublicKeyComponents<Vec<u8>>;

/// A token in its form, whose signature nobody looked at.
#[derive(Debug)]
pub struct Unverified<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    key_id: String,
    claims: Claims,
}

/// What the token says.
#[derive(Debug, Deserialize)]
pub struct Claims {
    iss: String,
    /// `system:serviceaccount:NAMESPACE:NAME`.
    pub sub: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    iat: f64,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Option<Kubernetes>,
}

/// What Kubernetes says of itself in a token.
#[derive(Debug, Deserialize)]
struct Kubernetes {
    namespace: String,
    serviceaccount: Named,
    /// Absent in a token that is bound to no pod.
    pod: Option<PodName>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct PodName {
    name: String,
    uid: String,
}

/// The pod that a token is bound to.
#[derive(Debug, PartialEq, Eq)]
pub struct Pod<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its ServiceAccount's name.
    pub service_account: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its UID.
    pub uid: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart. What makes it invalid is told without quoting it.
    pub fn parse(token: &'a str) -> Result<Self, Refusal> {
        let malformed = || invalid("The ID Token provided is not a valid JWT");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let Header { alg, kid } = decode(header).ok_or_else(malformed)?;
        // `none` and HMAC with the public key as its secret are the classic forgeries.
        if alg != "RS256" {
            return Err(invalid("The ID Token's signature algorithm is not supported"));
        }
        Ok(Self {
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?,
            key_id: kid.ok_or_else(|| invalid("The ID Token's header names no key"))?,
            claims: decode(claims).ok_or_else(|| invalid("Missing a required claim"))?,
        })
    }

    /// The key that the token claims to be signed with.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The issuer that the token claims, to find whose keys to ask for.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// The claims, if the key signed them.
    pub fn verify(self, key: &Key) -> Result<Claims, Refusal> {
        key.verify(&RSA_PKCS1_2048_8192_SHA256, self.signed.as_bytes(), &self.signature)
            .map_err(|_| invalid("Token signature invalid"))?;
        Ok(self.claims)
    }
}

impl Claims {
    /// Whether the token is valid at a time, in seconds since the epoch.
    pub fn check_times(&self, now: i64) -> Result<(), Refusal> {
        let expiration = seconds(self.exp);
        if now >= expiration {
            return Err(Refusal::ExpiredToken { now, expiration });
        }
        let begins = seconds(self.iat).max(self.nbf.map_or(i64::MIN, seconds));
        if begins > now + LEEWAY_SECONDS {
            return Err(Refusal::RejectedClaim("The token is not valid yet".to_owned()));
        }
        Ok(())
    }

    /// Whom the token is for.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        match &self.aud {
            Audience::One(audience) => std::slice::from_ref(audience),
            Audience::Many(audiences) => audiences,
        }
        .iter()
        .map(String::as_str)
    }

    /// Whose token it is, if it is a pod's.
    pub fn pod(&self) -> Result<Pod<'_>, Refusal> {
        match &self.kubernetes {
            Some(Kubernetes { namespace, serviceaccount, pod: Some(PodName { name, uid }) }) => {
                Ok(Pod { namespace, service_account: &serviceaccount.name, name, uid })
            }
            _ => Err(invalid("The token is bound to no pod")),
        }
    }
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn invalid(message: &str) -> Refusal {
    Refusal::InvalidIdentityToken(message.to_owned())
}

/// A `NumericDate`; what is beyond the range is at its end.
#[allow(clippy::cast_possible_truncation, reason = "`as` saturates, and a fraction of a second is no matter")]
fn seconds(date: f64) -> i64 {
    date as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    const HEADER: &str = r#"{"alg":"RS256","kid":"one"}"#;
    const CLAIMS: &str = r#"{"iss":"https://id.example","sub":"s","aud":"a","exp":1000,"nbf":500,"iat":500}"#;

    fn claims(text: &str) -> Claims {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn refuses_what_is_not_signed_with_rs256_by_a_named_key() {
        assert!(Unverified::parse(&token(HEADER, CLAIMS)).is_ok());
        for header in [
            r#"{"alg":"none","kid":"one"}"#,
            r#"{"alg":"HS256","kid":"one"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"kid":"one"}"#,
            "text",
        ] {
            let refusal = Unverified::parse(&token(header, CLAIMS)).unwrap_err();
            assert_eq!(refusal.code(), "InvalidIdentityToken", "{header}");
        }
    }

    #[test]
    fn refuses_what_is_no_token() {
        for text in ["", "one", "one.two", "a.b.c", &format!("{}\n", token(HEADER, CLAIMS))] {
            assert_eq!(Unverified::parse(text).unwrap_err().code(), "InvalidIdentityToken", "{text}");
        }
        for missing in ["iss", "sub", "aud", "exp", "iat"] {
            let text = token(HEADER, &CLAIMS.replace(&format!("\"{missing}\""), "\"other\""));
            assert_eq!(Unverified::parse(&text).unwrap_err().code(), "InvalidIdentityToken", "{missing}");
        }
    }

    #[test]
    fn is_valid_from_its_beginning_to_its_end() {
        let code = |now| claims(CLAIMS).check_times(now).map_or_else(|refusal| refusal.code(), |()| "");
        assert_eq!(code(999), "");
        assert_eq!(code(1000), "ExpiredTokenException");
        assert_eq!(code(200), "");
        assert_eq!(code(199), "IDPRejectedClaim");
        let late = claims(&CLAIMS.replace("\"nbf\":500", "\"nbf\":900"));
        assert_eq!(late.check_times(550).unwrap_err().code(), "IDPRejectedClaim");
    }

    #[test]
    fn reads_one_audience_and_several() {
        assert_eq!(claims(CLAIMS).audiences().collect::<Vec<_>>(), ["a"]);
        let several = claims(&CLAIMS.replace("\"a\"", "[\"a\",\"b\"]"));
        assert_eq!(several.audiences().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn knows_the_pod_that_a_token_is_bound_to() {
        let bound = |kubernetes: &str| {
            claims(&CLAIMS.replace("\"iat\":500", &format!("\"iat\":500,\"kubernetes.io\":{kubernetes}")))
        };
        let whole =
            r#"{"namespace":"shop","pod":{"name":"p","uid":"u"},"serviceaccount":{"name":"a","uid":"v"}}"#;
        assert_eq!(
            bound(whole).pod().unwrap(),
            Pod { namespace: "shop", service_account: "a", name: "p", uid: "u" }
        );
        let unbound = bound(r#"{"namespace":"shop","serviceaccount":{"name":"a","uid":"v"}}"#);
        for claims in [unbound, claims(CLAIMS)] {
            assert_eq!(claims.pod().unwrap_err().code(), "InvalidIdentityToken");
        }
    }
}
