//! Makes the key and writes its two files: both are there whole, or neither is.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokens::kid_of_spki;
use x509_parser::der_parser::der::parse_der;

use super::args::KeyKind;

/// Only its owner reads a private key; the public one is for everybody.
const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;

/// Letters of the id in a file's name: enough to tell a cluster's keys apart.
const LETTERS: usize = 8;

/// A key as files hold it.
pub(super) struct KeyPair {
    pub(super) kid: String,
    private: String,
    public: String,
}

/// Where the files are.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) private: PathBuf,
    pub(super) public: PathBuf,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyPairError {
    #[error("failed to make a key")]
    Make,
    #[error("failed to make the folder {}: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("failed to write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl KeyPair {
    /// A new key.
    ///
    /// # Errors
    /// The system has no randomness.
    pub(super) fn new(kind: KeyKind) -> Result<Self, KeyPairError> {
        let made = match kind {
            KeyKind::Rsa2048 => rsa(KeySize::Rsa2048),
            KeyKind::Rsa4096 => rsa(KeySize::Rsa4096),
            KeyKind::EcP256 => ec(),
        };
        made.ok().flatten().ok_or(KeyPairError::Make)
    }

    fn of(spki: &[u8], label: &str, private: &[u8]) -> Self {
        Self { kid: kid_of_spki(spki), private: pem(label, private), public: pem("PUBLIC KEY", spki) }
    }

    /// The name of its files, without an end.
    pub(super) fn name(&self) -> String {
        format!("sa-{}", self.kid.chars().take(LETTERS).collect::<String>())
    }

    /// Writes both files into the folder, which is made if there is none.
    ///
    /// # Errors
    /// A file or the folder cannot be written, or is there: then neither file is left.
    pub(super) fn write(&self, folder: &Path) -> Result<Files, KeyPairError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| KeyPairError::Folder { path: folder.to_owned(), source })?;
        let [private, public] = ["key", "pub"].map(|end| folder.join(format!("{}.{end}", self.name())));
        write(&private, &self.private, PRIVATE)?;
        if let Err(error) = write(&public, &self.public, PUBLIC) {
            drop(fs::remove_file(&private));
            return Err(error);
        }
        Ok(Files { private, public })
    }
}

/// The private key as RFC 8017, A.1.2 has it, which is what PKCS #8 holds.
fn rsa(size: KeySize) -> Result<Option<KeyPair>, Unspecified> {
    let pair = RsaKeyPair::generate(size)?;
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
    let wrapped: Pkcs8V1Der<'_> = pair.as_der()?;
    let parsed = parse_der(wrapped.as_ref()).ok();
    let fields = parsed.as_ref().and_then(|(_, object)| object.as_sequence().ok());
    let private = fields.and_then(|fields| fields.get(2)?.as_slice().ok());
    Ok(private.map(|private| KeyPair::of(spki.as_ref(), "RSA PRIVATE KEY", private)))
}

/// The private key as RFC 5915 has it: an API server that verifies by a file does not look into PKCS #8 of a curve.
fn ec() -> Result<Option<KeyPair>, Unspecified> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
    let private: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der()?;
    Ok(Some(KeyPair::of(spki.as_ref(), "EC PRIVATE KEY", private.as_ref())))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), KeyPairError> {
    let failed = |source| KeyPairError::Write { path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|source| {
        drop(fs::remove_file(path));
        failed(source)
    })
}

/// PEM (RFC 7468): lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut lines = base64.as_str();
    let mut text = format!("-----BEGIN {label}-----\n");
    while !lines.is_empty() {
        let (line, rest) = lines.split_at(lines.len().min(64));
        text.push_str(line);
        text.push('\n');
        lines = rest;
    }
    text + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::keys;

    #[test]
    fn both_files_hold_the_key_of_the_id() {
        for kind in [KeyKind::Rsa2048, KeyKind::Rsa4096, KeyKind::EcP256] {
            let pair = KeyPair::new(kind).unwrap();
            for file in [&pair.private, &pair.public] {
                let read = keys::read(file.as_bytes()).unwrap();
                assert_eq!(read.iter().map(|key| key.kid()).collect::<Vec<_>>(), [Some(pair.kid.as_str())]);
                assert!(file.lines().all(|line| line.len() <= 64));
            }
        }
    }

    #[test]
    fn no_file_is_written_over_and_no_half_of_a_key_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let pair = KeyPair::new(KeyKind::EcP256).unwrap();
        let public = folder.path().join(format!("{}.pub", pair.name()));
        fs::write(&public, "another's").unwrap();
        let error = pair.write(folder.path()).unwrap_err();
        assert!(error.to_string().contains("sa-") && error.to_string().contains("File exists"), "{error}");
        assert_eq!(fs::read_to_string(&public).unwrap(), "another's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
