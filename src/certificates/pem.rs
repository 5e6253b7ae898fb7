//! How certificates are written: RFC 7468.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A certificate as PEM, with lines of 64 characters.
pub(super) fn to_pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
