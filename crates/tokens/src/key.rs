//! One key of a set: read from its public members, verified with, named as Kubernetes names it, and written anew.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};

use super::algorithm::Algorithm;
use super::base64url;
use super::json::{Fault, Members};

/// Bytes of a key's id. Kubernetes makes 43, EKS 40; others choose, and whoever logs one wants a line.
pub const MAX_KID: usize = 256;

/// Bits of an RSA modulus: fewer can be broken, and more would let a key cost its verifier any time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// RSA's public exponents, of which those that are odd count: 1 would make a signature of any message, and Go,
/// in which the API server is written, knows none above.
const RSA_EXPONENTS: std::ops::RangeInclusive<u32> = 3..=0x7fff_ffff;

/// A public key that verifies tokens.
#[derive(Debug, Clone)]
pub struct JsonWebKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: ParsedPublicKey,
    spki: Vec<u8>,
    numbers: Numbers,
}

/// The numbers that a key is, as its JWK has them.
#[derive(Debug, Clone)]
enum Numbers {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { curve: &'static str, x: Vec<u8>, y: Vec<u8> },
}

/// Why a key of a set is left out. That is a key that is for something else, or a mistake of whoever wrote the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The key is not a JSON object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A member of the key stands twice.
    #[error("a member of it stands twice")]
    Duplicate,
    /// A member is of another type, not base64url without padding, or missing.
    #[error("its member {0:?} is missing or not of the right form")]
    Member(&'static str),
    /// Its id is longer than [`MAX_KID`].
    #[error("its id is longer than {MAX_KID} bytes")]
    LongKid,
    /// It is neither RSA nor EC.
    #[error("it is neither an RSA key nor one of an elliptic curve")]
    KeyType,
    /// It is for encryption, or to sign with.
    #[error("it is not for verifying signatures")]
    Use,
    /// Its `alg` is another than tokens are signed with by keys of its type.
    #[error("it is for an algorithm that API servers do not sign tokens with")]
    Algorithm,
    /// Its curve is another than P-256, P-384 and P-521.
    #[error("it is of another curve than P-256, P-384 and P-521")]
    Curve,
    /// It has other than 2048 to 8192 bits.
    #[error("it has fewer than 2048 bits, or more than 8192")]
    Size,
    /// Its exponent is even, 1, or above 2³¹ - 1.
    #[error("its exponent is even, 1, or greater than 2147483647")]
    Exponent,
    /// Its modulus is even.
    #[error("its modulus is even")]
    Modulus,
    /// Its coordinates are not of the curve's length, or not on the curve.
    #[error("it is not a point of its curve")]
    Point,
}

impl JsonWebKey {
    /// Reads a key (RFC 7517, 7518) by its public members; private ones are not read.
    pub(crate) fn parse(json: &str) -> Result<Self, Unusable> {
        let members = Members::parse(json.as_bytes())?;
        let kid = members.read::<String>("kid")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(Unusable::LongKid);
        }
        if !is_for_verifying(&members)? {
            return Err(Unusable::Use);
        }
        let key = match required::<String>(&members, "kty")?.as_str() {
            "RSA" => rsa(number(&members, "n")?, number(&members, "e")?)?,
            "EC" => {
                let curve = curve(&required::<String>(&members, "crv")?)?;
                ec(curve, bytes(&members, "x")?, bytes(&members, "y")?)?
            }
            _ => return Err(Unusable::KeyType),
        };
        match members.read::<String>("alg")? {
            Some(name) if name != key.algorithm.as_str() => Err(Unusable::Algorithm),
            _ => Ok(Self { kid, ..key }),
        }
    }

    /// The RSA key of this modulus and exponent, big-endian, under the id that Kubernetes gives it.
    ///
    /// # Errors
    /// API servers do not sign with such a key, or no verifier takes it.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Unusable> {
        rsa(without_zeros(modulus.to_vec()), without_zeros(exponent.to_vec())).map(Self::named)
    }

    /// The key of an elliptic curve, by its name in a JWK, that is this point (SEC 1, 2.3.3, uncompressed), under the id
    /// that Kubernetes gives it.
    ///
    /// # Errors
    /// API servers do not sign with keys of this curve, or it is no point of it.
    pub fn ec(curve_name: &str, point: &[u8]) -> Result<Self, Unusable> {
        let curve = curve(curve_name)?;
        let coordinates = point.strip_prefix(&[UNCOMPRESSED]).ok_or(Unusable::Point)?;
        let (x, y) = coordinates.split_at_checked(curve.length).ok_or(Unusable::Point)?;
        ec(curve, x.to_vec(), y.to_vec()).map(Self::named)
    }

    /// It under the id that it has, or under the one that Kubernetes gives it if it has none.
    #[must_use]
    pub fn named(self) -> Self {
        let kid = self.kid.filter(|kid| !kid.is_empty()).unwrap_or_else(|| kid_of_spki(&self.spki));
        Self { kid: Some(kid), ..self }
    }

    /// It as a JWK in one line: the public members alone, in an order that never changes.
    #[must_use]
    pub fn to_json(&self) -> String {
        // What is in the quotes needs no escapes but for the id, which others may have chosen.
        let kid = self.kid.as_deref().map(|kid| format!("\"kid\":{},", serde_json::Value::from(kid)));
        let (kid, alg) = (kid.unwrap_or_default(), self.algorithm);
        match &self.numbers {
            Numbers::Rsa { n, e } => {
                let (n, e) = (base64url::encode(n), base64url::encode(e));
                format!(r#"{{"use":"sig","kty":"RSA",{kid}"alg":"{alg}","n":"{n}","e":"{e}"}}"#)
            }
            Numbers::Ec { curve, x, y } => {
                let (x, y) = (base64url::encode(x), base64url::encode(y));
                format!(
                    r#"{{"use":"sig","kty":"EC",{kid}"alg":"{alg}","crv":"{curve}","x":"{x}","y":"{y}"}}"#
                )
            }
        }
    }

    /// Its id, which the header of a token repeats.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm that it verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// It as DER, `SubjectPublicKeyInfo` of RFC 5280: what stands in a PEM file of a public key.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

/// The id that Kubernetes gives to a public key: SHA-256 of its DER `SubjectPublicKeyInfo`, as base64url of 43
/// characters (`pkg/serviceaccount/jwt.go`, `keyIDFromPublicKey`).
#[must_use]
pub fn kid_of_spki(der: &[u8]) -> String {
    base64url::encode(digest(&SHA256, der).as_ref())
}

impl From<Fault> for Unusable {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotAnObject => Self::NotAnObject,
            Fault::Duplicate => Self::Duplicate,
            Fault::Member(name) => Self::Member(name),
        }
    }
}

/// A curve whose keys API servers sign with.
#[derive(Clone, Copy)]
struct Curve {
    name: &'static str,
    algorithm: Algorithm,
    /// Bytes of a coordinate.
    length: usize,
}

const CURVES: [Curve; 3] = [
    Curve { name: "P-256", algorithm: Algorithm::Es256, length: 32 },
    Curve { name: "P-384", algorithm: Algorithm::Es384, length: 48 },
    Curve { name: "P-521", algorithm: Algorithm::Es512, length: 66 },
];

fn curve(name: &str) -> Result<Curve, Unusable> {
    CURVES.into_iter().find(|curve| curve.name == name).ok_or(Unusable::Curve)
}

/// `use` and `key_ops` (RFC 7517, 4.2 and 4.3), either of which may be left out.
fn is_for_verifying(members: &Members<'_>) -> Result<bool, Fault> {
    let purpose = members.read::<String>("use")?;
    let operations = members.read::<Vec<String>>("key_ops")?;
    Ok(purpose.is_none_or(|purpose| purpose == "sig")
        && operations.is_none_or(|operations| operations.iter().any(|operation| operation == "verify")))
}

fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<JsonWebKey, Unusable> {
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        return Err(Unusable::Size);
    }
    let exponent = match *e.as_slice() {
        [.., last] if e.len() <= 4 && last % 2 == 1 => {
            e.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
        }
        _ => return Err(Unusable::Exponent),
    };
    if !RSA_EXPONENTS.contains(&exponent) {
        return Err(Unusable::Exponent);
    }
    let components = RsaPublicKeyComponents { n: n.as_slice(), e: e.as_slice() };
    let der = components.as_der().map_err(|_| Unusable::Modulus)?;
    let spki = der.as_ref().to_vec();
    // Of the components nothing is checked before they verify; of the DER everything is, at once.
    let key = ParsedPublicKey::new(Algorithm::Rs256.verification(), &spki).map_err(|_| Unusable::Modulus)?;
    Ok(JsonWebKey { kid: None, algorithm: Algorithm::Rs256, key, spki, numbers: Numbers::Rsa { n, e } })
}

fn ec(Curve { name, algorithm, length }: Curve, x: Vec<u8>, y: Vec<u8>) -> Result<JsonWebKey, Unusable> {
    // At their full length (RFC 7518, 6.2.1.2): the point is one after the other.
    if x.len() != length || y.len() != length {
        return Err(Unusable::Point);
    }
    let point = [&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat();
    let key = ParsedPublicKey::new(algorithm.verification(), point).map_err(|_| Unusable::Point)?;
    let spki = key.as_der().map_err(|_| Unusable::Point)?.as_ref().to_vec();
    Ok(JsonWebKey { kid: None, algorithm, key, spki, numbers: Numbers::Ec { curve: name, x, y } })
}

/// How a point begins that has both coordinates (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A positive number without zeros before it: RFC 7518 forbids them, and some libraries write one.
fn number(members: &Members<'_>, name: &'static str) -> Result<Vec<u8>, Unusable> {
    bytes(members, name).map(without_zeros)
}

fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

fn bytes(members: &Members<'_>, name: &'static str) -> Result<Vec<u8>, Unusable> {
    base64url::decode(&required::<String>(members, name)?).ok_or(Unusable::Member(name))
}

fn required<'a, T: serde::Deserialize<'a>>(members: &Members<'a>, name: &'static str) -> Result<T, Unusable> {
    members.read(name)?.ok_or(Unusable::Member(name))
}
