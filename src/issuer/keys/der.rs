//! The public key in what a block of PEM holds. Each function gives `None` for bytes that are not what they should be,
//! and `Some(Err)` for a key that cannot sign a ServiceAccount's tokens.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair,
};
use tokens::JsonWebKey;
use tokens::key::Unusable;
use x509_parser::der_parser::ber::BerObject;
use x509_parser::der_parser::der::parse_der;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

type Read = Option<Result<JsonWebKey, Unusable>>;

/// How elliptic curves are named in DER (RFC 5480, 2.1.1.1), and in a JWK.
const CURVES: [(&str, &str, &EcdsaSigningAlgorithm); 3] = [
    ("1.2.840.10045.3.1.7", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
    ("1.3.132.0.34", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
    ("1.3.132.0.35", "P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
];

/// The algorithm of an RSA key (RFC 8017, A.1), and of one of an elliptic curve (RFC 5480, 2.1.1).
const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";

/// `SubjectPublicKeyInfo` of RFC 5280.
pub(super) fn public_key(der: &[u8]) -> Read {
    let (_, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
    of_info(&info)
}

/// The key of a certificate, of which nothing else counts, as for the API server.
pub(super) fn certificate(der: &[u8]) -> Read {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    of_info(certificate.public_key())
}

/// `RSAPublicKey` of RFC 8017, A.1.1.
pub(super) fn rsa_public_key(der: &[u8]) -> Read {
    let (_, key) = RSAPublicKey::from_der(der).ok()?;
    Some(JsonWebKey::rsa(key.modulus, key.exponent))
}

/// `RSAPrivateKey` of RFC 8017, A.1.2: after its version, the public key's two numbers.
pub(super) fn rsa_private_key(der: &[u8]) -> Read {
    let (_, object) = parse_der(der).ok()?;
    match object.as_sequence().ok()?.as_slice() {
        [_, modulus, exponent, _, ..] => {
            Some(JsonWebKey::rsa(modulus.as_slice().ok()?, exponent.as_slice().ok()?))
        }
        _ => None,
    }
}

/// `OneAsymmetricKey` of RFC 5958, in which a private key of any kind is wrapped: PKCS #8.
pub(super) fn private_key(der: &[u8]) -> Read {
    let (_, object) = parse_der(der).ok()?;
    let [_, algorithm, inner, ..] = object.as_sequence().ok()?.as_slice() else { return None };
    let parts = algorithm.as_sequence().ok()?;
    match oid(parts.first()?)?.as_str() {
        RSA => rsa_private_key(inner.as_slice().ok()?),
        EC => {
            let curve = oid(parts.get(1)?);
            let is_known = CURVES.iter().any(|(oid, ..)| Some(*oid) == curve.as_deref());
            if is_known { ec_private_key(der) } else { Some(Err(Unusable::Curve)) }
        }
        _ => Some(Err(Unusable::KeyType)),
    }
}

/// `ECPrivateKey` of RFC 5915, alone or wrapped. The public key may be missing there, and is computed.
pub(super) fn ec_private_key(der: &[u8]) -> Read {
    let (_, object) = parse_der(der).ok()?;
    object.as_sequence().ok()?;
    let pair = CURVES.iter().find_map(|(_, curve, algorithm)| {
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?;
        Some((curve, pair))
    });
    Some(match pair {
        Some((curve, pair)) => JsonWebKey::ec(curve, pair.public_key().as_ref()),
        None => Err(Unusable::Curve),
    })
}

fn of_info(info: &SubjectPublicKeyInfo<'_>) -> Read {
    // RSASSA-PSS has the same key under another name, and no API server signs with it.
    let algorithm = info.algorithm.algorithm.to_id_string();
    if algorithm != RSA && algorithm != EC {
        return Some(Err(Unusable::KeyType));
    }
    Some(match info.parsed().ok()? {
        PublicKey::RSA(key) => JsonWebKey::rsa(key.modulus, key.exponent),
        PublicKey::EC(point) => {
            let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
            match CURVES.iter().find(|(oid, ..)| *oid == curve) {
                Some((_, curve, _)) => JsonWebKey::ec(curve, point.data()),
                None => Err(Unusable::Curve),
            }
        }
        _ => Err(Unusable::KeyType),
    })
}

fn oid(object: &BerObject<'_>) -> Option<String> {
    Some(object.as_oid().ok()?.to_id_string())
}
