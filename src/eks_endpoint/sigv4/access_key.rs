//! The access key of one run: an id that may be shown, and a secret that is shown once.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::eks_endpoint::random::{RandomnessError, random};

/// How AWS begins the ids of keys that have no session.
const PREFIX: &str = "AKIA";

/// The letters of an id: base 32, as AWS's.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Characters of an id after its prefix.
const ID_LENGTH: usize = 16;

/// Random bytes of a secret: 40 characters of base64, as AWS's.
const SECRET_BYTES: usize = 30;

/// An access key in the sense of AWS: an id and a secret.
#[derive(Clone)]
pub struct AccessKey {
    id: Box<str>,
    secret: Box<str>,
}

impl AccessKey {
    /// The key that these are.
    #[must_use]
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }

    /// A new key from the system's randomness, with the shape of AWS's, which some clients look at.
    pub fn random() -> Result<Self, RandomnessError> {
        let letters = random::<ID_LENGTH>()?;
        // 256 is a multiple of 32: every letter is as likely.
        let letters = letters.iter().filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()));
        let id: String = PREFIX.chars().chain(letters.map(|letter| char::from(*letter))).collect();
        Ok(Self::new(&id, &STANDARD.encode(random::<SECRET_BYTES>()?)))
    }

    /// The id, `AWS_ACCESS_KEY_ID`: 20 letters and digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret, `AWS_SECRET_ACCESS_KEY`: 40 characters.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_keys_have_the_shape_of_aws_s_and_are_new_each_time() {
        let [one, other] = [AccessKey::random().unwrap(), AccessKey::random().unwrap()];
        for key in [&one, &other] {
            let letters = key.id().strip_prefix("AKIA").unwrap();
            assert!(
                letters.len() == 16 && letters.bytes().all(|letter| LETTERS.contains(&letter)),
                "{key:?}"
            );
            assert_eq!(key.secret().len(), 40);
        }
        assert_ne!(one.id(), other.id());
        assert_ne!(one.secret(), other.secret());
    }

    #[test]
    fn debug_text_does_not_have_the_secret() {
        let text = format!("{:?}", AccessKey::new("AKIAEXAMPLE", "hidden"));
        assert!(text.contains("AKIAEXAMPLE") && !text.contains("hidden"), "{text}");
    }
}
