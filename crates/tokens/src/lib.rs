//! ServiceAccount tokens, and the keys that sign them: the pure part. Text, keys and the time in, whose
//! token it is out.
//!
//! [`JsonWebKeySet::parse`] reads what the API server publishes, [`Token::parse`] what a pod sends,
//! [`Token::verify_signature`] holds one to the other, and only what it returns has claims to
//! [`check`](Claims::check). There is no clock, no I/O, no logging; errors never quote a token, which is a secret.
//!
//! Nothing here compares secrets: keys, signatures and claims are known to whoever sends them, so that no
//! comparison needs to take constant time.

mod algorithm;
mod base64url;
pub mod claims;
mod json;
pub mod key;
pub mod key_set;
pub mod token;

pub use algorithm::Algorithm;
pub use claims::{ClaimError, Claims, Expected, Subject};
pub use key::{JsonWebKey, kid_of_spki};
pub use key_set::{JsonWebKeySet, KeySetError};
pub use token::{ParseError, SignatureError, Token, Verified};
