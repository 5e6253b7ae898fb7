//! SHA-256 in hexadecimal digits, as signatures and idempotence compare it.

use aws_lc_rs::digest::{SHA256, digest};

/// The digest of some bytes, as 64 lower-case hexadecimal digits.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of no bytes, as FIPS 180-4 gives it, stands in every signature of a request without a body.
    #[test]
    fn digests_are_lower_case_digits() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b""), empty);
        assert_eq!(hex(&[0, 0xab, 0x0f]), "00ab0f");
    }
}
