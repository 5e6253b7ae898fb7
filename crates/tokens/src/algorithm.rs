//! The four algorithms that an API server signs tokens with.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};

/// How a token is signed, and the one way in which a key verifies.
///
/// These are what kube-apiserver signs with, and what it takes from an external signer: an RSA key is for RS256
/// alone, an EC key for its curve's (`pkg/serviceaccount/jwt.go`). So a key's type says the algorithm, and a
/// token cannot choose another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5, with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
}

impl Algorithm {
    /// The name in `alg` of a token's header and of a key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    /// Names have upper and lower case (RFC 7515, 4.1.1).
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256, Self::Es384, Self::Es512].into_iter().find(|known| known.as_str() == name)
    }

    /// Of ECDSA, the form that a JWS has: both numbers at their full length, one after the other (RFC 7518, 3.4).
    pub(crate) fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Es256 => &ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &ECDSA_P384_SHA384_FIXED,
            Self::Es512 => &ECDSA_P521_SHA512_FIXED,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
