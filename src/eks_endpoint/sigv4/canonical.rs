//! The canonical request: what both sides digest. Each part is what section "Create a canonical request" of AWS's
//! IAM User Guide makes of it for every service but S3.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::authorization::SignedHeaders;
use super::request::SignedRequest;
use crate::eks_endpoint::error::{ErrorName, Quoted, ServiceError};

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same, in a path.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The canonical request, with the digest of the body that arrived.
pub(super) fn request(
    request: &SignedRequest<'_>,
    signed: &SignedHeaders<'_>,
    payload_hash: &str,
) -> Result<Vec<u8>, ServiceError> {
    let SignedRequest { method, path, query, headers, body: _ } = *request;
    let mut canonical = Vec::with_capacity(1024);
    let mut line = |text: &str| {
        canonical.extend_from_slice(text.as_bytes());
        canonical.push(b'\n');
    };
    line(method.as_str());
    line(&encoded_path(path));
    line(&sorted_query(query.unwrap_or_default()));
    for name in signed.names() {
        let mut values = headers.get_all(name).iter();
        let Some(first) = values.next() else {
            let message = format!("The header '{}' is signed and was not sent.", Quoted(name));
            return Err(ErrorName::InvalidSignature.error(message));
        };
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(b':');
        push_folded(&mut canonical, first);
        for value in values {
            canonical.push(b',');
            push_folded(&mut canonical, value);
        }
        canonical.push(b'\n');
    }
    canonical.push(b'\n');
    canonical.extend_from_slice(signed.as_str().as_bytes());
    canonical.push(b'\n');
    canonical.extend_from_slice(payload_hash.as_bytes());
    Ok(canonical)
}

/// The path as it was sent, encoded once more: `%3A` becomes `%253A`. Neither decoded nor normalised first, because
/// what is signed must name the same resource as what is read.
fn encoded_path(path: &str) -> String {
    let path = if path.is_empty() { "/" } else { path };
    percent_encode(path.as_bytes(), RESERVED_IN_PATH).to_string()
}

/// The query's pairs, encoded as strictly as can be and sorted. A `+` is a plus, here and where the query is read.
fn sorted_query(query: &str) -> String {
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (strict(name), strict(value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Decoded, and encoded again.
fn strict(text: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    percent_encode(&decoded, RESERVED).to_string()
}

/// A header's value without spaces around it, and with one in place of several.
fn push_folded(canonical: &mut Vec<u8>, value: &HeaderValue) {
    let words = value.as_bytes().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            canonical.push(b' ');
        }
        canonical.extend_from_slice(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_encoded_once_more_and_never_normalised() {
        for (sent, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("/tags/arn%3Aaws", "/tags/arn%253Aaws"),
            ("/tags/arn:aws", "/tags/arn%3Aaws"),
            ("//a/../b/./", "//a/../b/./"),
            ("/-._~aZ9", "/-._~aZ9"),
            ("/é +", "/%C3%A9%20%2B"),
        ] {
            assert_eq!(encoded_path(sent), canonical);
        }
    }

    #[test]
    fn query_is_encoded_strictly_and_sorted_by_name_then_value() {
        for (sent, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=10&a", "a=&a=10&a=2"),
            ("a=b=c&x=%2f%7e", "a=b%3Dc&x=%2F~"),
            ("a=1+2&b=%20", "a=1%2B2&b=%20"),
            ("&&a=1&", "a=1"),
            // In the order of what is written: `%` is before letters and digits.
            ("a=1&%C3%A9=2&A=3", "%C3%A9=2&A=3&a=1"),
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("a=%zz&b=%", "a=%25zz&b=%25"),
        ] {
            assert_eq!(sorted_query(sent), canonical, "{sent}");
        }
    }

    #[test]
    fn value_has_one_space_where_several_were_and_none_around_it() {
        for (sent, canonical) in [("  a   b  c ", "a b c"), ("", ""), ("   ", ""), ("\"a   b\"", "\"a b\"")] {
            let mut folded = Vec::new();
            push_folded(&mut folded, &HeaderValue::from_str(sent).unwrap());
            assert_eq!(folded, canonical.as_bytes());
        }
    }
}
