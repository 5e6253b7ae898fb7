//! PEM (RFC 7468): several blocks in a file, and whatever text stands between them.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::KeyFileError;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// What stands between two of PEM's lines.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    /// Where it begins, counted from 1.
    pub(super) line: usize,
    /// Whether its headers say that it is encrypted (RFC 1421, 4.6.1.1), as openssl writes RSA keys.
    pub(super) is_encrypted: bool,
    pub(super) der: Vec<u8>,
}

/// The blocks of a text.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>, KeyFileError> {
    let mut lines = text.lines().map(str::trim).zip(1..);
    let mut blocks = Vec::new();
    while let Some((begin, line)) = lines.next() {
        let Some(label) = begin.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(DASHES)) else {
            continue;
        };
        let mut base64 = String::new();
        let mut is_encrypted = false;
        loop {
            let Some((inner, _)) = lines.next().filter(|(inner, _)| !inner.starts_with(BEGIN)) else {
                return Err(KeyFileError::Unended { label: label.to_owned(), line });
            };
            if inner.strip_prefix(END).and_then(|rest| rest.strip_suffix(DASHES)) == Some(label) {
                break;
            }
            match inner.split_once(':') {
                Some((name, value)) => is_encrypted |= name == "Proc-Type" && value.contains("ENCRYPTED"),
                None => base64.push_str(inner),
            }
        }
        // What is encrypted is not read.
        let der = if is_encrypted { Some(Vec::new()) } else { decode(&base64) };
        let der = der.ok_or_else(|| KeyFileError::NotBase64 { label: label.to_owned(), line })?;
        blocks.push(Block { label, line, is_encrypted, der });
    }
    Ok(blocks)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let padding = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&STANDARD, padding).decode(text).ok()
}
