//! A token as a pod sends it: a JWS in compact form (RFC 7515, 7.1), read strictly, verified by the issuer's keys.

use std::fmt;

use super::algorithm::Algorithm;
use super::base64url;
use super::claims::Claims;
use super::json::{Fault, Members};
use super::key::JsonWebKey;
use super::key_set::JsonWebKeySet;

/// Bytes of a token: Kubernetes' have one to two thousand, and STS takes no more than 20,000.
pub const MAX_BYTES: usize = 16 * 1024;

/// Keys that one token is tried with. By an id there is one, unless keys share it; without an id, which anyone may
/// leave out, each key of the algorithm costs a verification.
pub const MAX_TRIED: usize = 16;

/// A token that is well-formed. Nothing in it is true before its signature is verified.
#[derive(Clone)]
pub struct Token<'a> {
    /// What is signed: header and claims as they were sent.
    signed: &'a str,
    algorithm: Algorithm,
    kid: Option<String>,
    claims: Claims,
    signature: Vec<u8>,
}

/// A token that a key of the issuer has signed. Whether it is for us, and still, its claims say.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'t, 's> {
    /// What the issuer says.
    pub claims: &'t Claims,
    /// The key that signed it.
    pub key: &'s JsonWebKey,
}

/// The three parts of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// How it is signed.
    Header,
    /// What it says.
    Claims,
    /// The signature of both.
    Signature,
}

/// Why a text is not a token. The answer is 400; the sender will send the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It has more than [`MAX_BYTES`].
    #[error("the token is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// It has more or less than three parts.
    #[error("the token does not have three parts with a dot between them")]
    Parts,
    /// A part is not base64url, or has padding, white space or bits left over.
    #[error("the token's {0} is not base64url without padding")]
    Base64(Part),
    /// A part is not a JSON object.
    #[error("the token's {0} is not a JSON object")]
    NotAnObject(Part),
    /// A name stands twice in one object.
    #[error("the token's {0} has a name twice")]
    Duplicate(Part),
    /// A member is of another type than in a ServiceAccount token.
    #[error("{1:?} in the token's {0} is not what it is in a ServiceAccount token")]
    Member(Part, &'static str),
    /// The header has no `alg`.
    #[error("the token's header does not say how it is signed")]
    NoAlgorithm,
    /// The header's `alg` is `none`.
    #[error("the token is not signed: its algorithm is \"none\"")]
    Unsigned,
    /// The header's `alg` is one of HMAC's, for which the public key would be the secret.
    #[error(
        "the token is signed with a shared secret (HS256, HS384 or HS512), not with a key of an API server"
    )]
    SharedSecret,
    /// The header's `alg` is another that API servers do not use.
    #[error("the token is signed with another algorithm than RS256, ES256, ES384 and ES512")]
    UnknownAlgorithm,
    /// The header's `typ` is another than `JWT`.
    #[error("the token is of another type than JWT")]
    Type,
    /// The header has `crit`: there are rules that must be known, and none is known here.
    #[error("the token demands an extension (\"crit\") that is not supported")]
    Critical,
}

/// Why a token is not the issuer's. The answer is a refusal, after [`UnknownKey`](Self::UnknownKey) only once the
/// keys have been fetched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No key has the token's id or, for a token without one, its algorithm. It may be newer than the set.
    #[error("the token's key is not one that the issuer publishes")]
    UnknownKey,
    /// The key of the token's id is for another algorithm than the header says.
    #[error("the token's header says {token}, but its key is for {key}")]
    WrongAlgorithm {
        /// What the header says.
        token: Algorithm,
        /// What the key is for.
        key: Algorithm,
    },
    /// More than [`MAX_TRIED`] keys may have signed it.
    #[error(
        "more than {MAX_TRIED} of the issuer's keys may have signed the token, and it does not say which"
    )]
    TooManyKeys,
    /// No key that may have signed it has.
    #[error("the token's signature is not the issuer's")]
    Forged,
}

impl<'a> Token<'a> {
    /// Reads a token; nothing is stripped from the text.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        if text.len() > MAX_BYTES {
            return Err(ParseError::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(ParseError::Parts)?;
        let (header, claims) = signed.split_once('.').ok_or(ParseError::Parts)?;
        if claims.contains('.') {
            return Err(ParseError::Parts);
        }
        let header = decode(Part::Header, header)?;
        let (algorithm, kid) = read_header(&object(Part::Header, &header)?)?;
        let claims = decode(Part::Claims, claims)?;
        let claims =
            Claims::read(&object(Part::Claims, &claims)?).map_err(|fault| at(Part::Claims, fault))?;
        let signature = decode(Part::Signature, signature)?;
        Ok(Self { signed, algorithm, kid, claims, signature })
    }

    /// Has the key that signed it verify it: the one of its id or, if it has none, one of its algorithm.
    ///
    /// ECDSA lets anyone make a second signature from one that is right, so that the text of a verified token
    /// is not the only one of its claims.
    pub fn verify_signature<'t, 's>(
        &'t self,
        keys: &'s JsonWebKeySet,
    ) -> Result<Verified<'t, 's>, SignatureError> {
        let candidates = self.candidates(keys)?;
        if candidates.len() > MAX_TRIED {
            return Err(SignatureError::TooManyKeys);
        }
        let signer =
            candidates.into_iter().find(|key| key.has_signed(self.signed.as_bytes(), &self.signature));
        Ok(Verified { claims: &self.claims, key: signer.ok_or(SignatureError::Forged)? })
    }

    fn candidates<'s>(&self, keys: &'s JsonWebKeySet) -> Result<Vec<&'s JsonWebKey>, SignatureError> {
        let fitting: Vec<_> = keys.of(self.algorithm).collect();
        let Some(kid) = &self.kid else {
            return if fitting.is_empty() { Err(SignatureError::UnknownKey) } else { Ok(fitting) };
        };
        let other = keys.named(kid).next().ok_or(SignatureError::UnknownKey)?.algorithm();
        let named: Vec<_> = fitting.into_iter().filter(|key| key.kid() == Some(kid)).collect();
        if named.is_empty() {
            return Err(SignatureError::WrongAlgorithm { token: self.algorithm, key: other });
        }
        Ok(named)
    }
}

/// Without its text: whoever has that has the pod's identity.
impl fmt::Debug for Token<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Header => "header",
            Self::Claims => "payload",
            Self::Signature => "signature",
        })
    }
}

fn decode(part: Part, text: &str) -> Result<Vec<u8>, ParseError> {
    base64url::decode(text).ok_or(ParseError::Base64(part))
}

fn object(part: Part, json: &[u8]) -> Result<Members<'_>, ParseError> {
    Members::parse(json).map_err(|fault| at(part, fault))
}

fn at(part: Part, fault: Fault) -> ParseError {
    match fault {
        Fault::NotAnObject => ParseError::NotAnObject(part),
        Fault::Duplicate => ParseError::Duplicate(part),
        Fault::Member(name) => ParseError::Member(part, name),
    }
}

/// `alg` and `kid`. Others that name keys (`jwk`, `jku`, `x5c`) are the sender's word, and never read.
fn read_header(members: &Members<'_>) -> Result<(Algorithm, Option<String>), ParseError> {
    let read = |name| members.read::<String>(name).map_err(|fault| at(Part::Header, fault));
    if members.has("crit") {
        return Err(ParseError::Critical);
    }
    if read("typ")?.is_some_and(|name| !name.eq_ignore_ascii_case("JWT")) {
        return Err(ParseError::Type);
    }
    let name = read("alg")?.ok_or(ParseError::NoAlgorithm)?;
    let algorithm = Algorithm::of(&name).ok_or(match name.as_str() {
        "none" => ParseError::Unsigned,
        "HS256" | "HS384" | "HS512" => ParseError::SharedSecret,
        _ => ParseError::UnknownAlgorithm,
    })?;
    Ok((algorithm, read("kid")?))
}
