//! Public keys of the files that Kubernetes takes for ServiceAccount keys: PEM in, keys out.
//!
//! The labels are those of `k8s.io/client-go/util/keyutil`. Of a private key only the public part is looked at, and no
//! error quotes what a file holds. This is pure: whoever calls it reads the file and names it.

mod der;
mod pem;
#[cfg(test)]
mod tests;

use tokens::JsonWebKey;
use tokens::key::Unusable;

use pem::Block;

/// Largest file of keys that is read, in bytes: a hundred keys of 8192 bits, private ones, have less.
pub(super) const LARGEST: u64 = 1 << 20;

/// Why a file of keys cannot be used. Each says what to do, for the file is the user's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyFileError {
    /// There is no PEM in the file.
    #[error("it has no PEM, which begins with '-----BEGIN'; {0}")]
    NotPem(&'static str),
    /// There is PEM, and none of it is a key.
    #[error("it has no key: expected PUBLIC KEY, a private key or CERTIFICATE, and it has {0}")]
    NoKey(String),
    /// A block has no end.
    #[error("the {label} of line {line} has no line '-----END {label}-----'")]
    Unended { label: String, line: usize },
    /// What a block holds is not base64.
    #[error("the {label} of line {line} is not base64")]
    NotBase64 { label: String, line: usize },
    /// A private key is encrypted.
    #[error(
        "the private key of line {0} is encrypted: only the public key is needed, which 'openssl pkey -in FILE -pubout' makes of it"
    )]
    Encrypted(usize),
    /// The key is in a form of OpenSSH.
    #[error(
        "the key of line {0} is in OpenSSH's own form; 'ssh-keygen -f FILE -e -m PKCS8' prints its public key in PEM"
    )]
    OpenSsh(usize),
    /// What a block holds is not what its label says.
    #[error("the {label} of line {line} holds something else than its label says, or is damaged")]
    Malformed { label: String, line: usize },
    /// The key cannot sign a ServiceAccount's tokens.
    #[error("the key of line {line} cannot be used: {reason}")]
    Unusable { line: usize, reason: Unusable },
}

/// The keys of a file, in its order, each under the id that Kubernetes gives it.
///
/// # Errors
/// The file has no key, or one that cannot be used: no key is left out in silence.
pub(super) fn read(file: &[u8]) -> Result<Vec<JsonWebKey>, KeyFileError> {
    let text = String::from_utf8_lossy(file);
    let blocks = pem::blocks(&text)?;
    let mut keys = Vec::new();
    for block in &blocks {
        keys.extend(key(block)?);
    }
    if !keys.is_empty() {
        return Ok(keys);
    }
    Err(match blocks.as_slice() {
        [] => KeyFileError::NotPem(instead(file)),
        blocks => {
            let labels: Vec<_> = blocks.iter().map(|block| block.label).collect();
            KeyFileError::NoKey(labels.join(", "))
        }
    })
}

/// The key of a block; `None` if it is something that stands beside keys, such as a curve's parameters.
fn key(block: &Block<'_>) -> Result<Option<JsonWebKey>, KeyFileError> {
    let &Block { label, line, is_encrypted, ref der } = block;
    if is_encrypted || label == "ENCRYPTED PRIVATE KEY" {
        return Err(KeyFileError::Encrypted(line));
    }
    let key = match label {
        "PUBLIC KEY" => der::public_key(der),
        "RSA PUBLIC KEY" => der::rsa_public_key(der),
        "CERTIFICATE" => der::certificate(der),
        "PRIVATE KEY" => der::private_key(der),
        "RSA PRIVATE KEY" => der::rsa_private_key(der),
        "EC PRIVATE KEY" => der::ec_private_key(der),
        "OPENSSH PRIVATE KEY" => return Err(KeyFileError::OpenSsh(line)),
        _ => return Ok(None),
    };
    match key {
        Some(Ok(key)) => Ok(Some(key)),
        Some(Err(reason)) => Err(KeyFileError::Unusable { line, reason }),
        None => Err(KeyFileError::Malformed { label: label.to_owned(), line }),
    }
}

/// What to do about a file that is not PEM.
fn instead(file: &[u8]) -> &'static str {
    match file.trim_ascii_start() {
        [] => "it is empty",
        [b'{' | b'[', ..] => {
            "it looks like JSON: keys that are published already are taken from where they are"
        }
        [b's', b's', b'h', b'-', ..] | [b'e', b'c', b'd', b's', b'a', ..] => {
            "it looks like OpenSSH's: 'ssh-keygen -f FILE -e -m PKCS8' prints its public key in PEM"
        }
        // A sequence: how keys and certificates begin in DER.
        [0x30, ..] => {
            "it looks like DER: 'openssl pkey -pubin -inform DER -in FILE' makes PEM of a public key"
        }
        _ => "is it the right file?",
    }
}
