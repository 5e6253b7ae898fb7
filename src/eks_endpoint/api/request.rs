//! Which calls were made already. `clientRequestToken` and what it came with are remembered with the association: an SDK
//! whose answer was lost sends the same again, maybe to another endpoint.

use crate::eks_endpoint::body::TOKEN_LENGTH;

/// The annotations, in which each call is a line: `TOKEN HASH`.
pub(super) const CREATE_REQUEST: &str = "pod-identity-webhook.dev/create-request";
pub(super) const UPDATE_REQUEST: &str = "pod-identity-webhook.dev/update-request";

/// Calls that are remembered, the last ones: several clients change an association, and each tries the same call a few
/// times within a minute or two.
const REMEMBERED: usize = 8;

/// Digits of a hash.
const HASH_LENGTH: usize = 64;

/// What makes a call the same as another one.
pub(super) struct Request<'a> {
    token: Option<&'a str>,
    hash: String,
}

impl<'a> Request<'a> {
    pub(super) fn new(token: Option<&'a str>, hash: String) -> Self {
        Self { token, hash }
    }

    /// What is written with the association, after what is noted there.
    pub(super) fn notes(&self, key: &'static str, noted: Option<&str>) -> Vec<(&'static str, String)> {
        let Some(token) = self.token else { return Vec::new() };
        let before: Vec<_> = pairs(noted).take(REMEMBERED - 1).collect();
        let before = before.iter().rev().map(|(token, hash)| format!("{token} {hash}\n"));
        vec![(key, before.chain([format!("{token} {}", self.hash)]).collect())]
    }

    /// Whether this is a call that is noted: `None` if those are others, `false` if one has the same token alone.
    pub(super) fn is_repeated(&self, noted: Option<&str>) -> Option<bool> {
        let (_, hash) = self.token.and_then(|own| pairs(noted).find(|(token, _)| *token == own))?;
        Some(hash == self.hash)
    }
}

/// The calls that are noted, the last one first. An annotation is anybody's to write: what is no call is left out.
fn pairs(noted: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    let pairs = noted.unwrap_or_default().lines().rev().filter_map(|line| line.split_once(' '));
    pairs.filter(|(token, hash)| token.len() <= TOKEN_LENGTH && hash.len() == HASH_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(token: &'static str, digit: &str) -> Request<'static> {
        Request::new(Some(token), digit.repeat(HASH_LENGTH))
    }

    #[test]
    fn the_last_calls_are_remembered_and_no_more() {
        let tokens = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let noted = tokens.into_iter().fold(String::from("nonsense\nmore of it\n"), |noted, token| {
            request(token, "1").notes(UPDATE_REQUEST, Some(&noted)).remove(0).1
        });
        assert_eq!(noted.lines().count(), REMEMBERED);
        assert_eq!(request("a", "1").is_repeated(Some(&noted)), None);
        for token in &tokens[1..] {
            assert_eq!(request(token, "1").is_repeated(Some(&noted)), Some(true));
            assert_eq!(request(token, "2").is_repeated(Some(&noted)), Some(false));
        }
        assert_eq!(Request::new(None, "1".repeat(HASH_LENGTH)).is_repeated(Some(&noted)), None);
    }

    #[test]
    fn what_an_earlier_version_has_noted_is_read() {
        let noted = format!("t {}", "1".repeat(HASH_LENGTH));
        assert_eq!(request("t", "1").is_repeated(Some(&noted)), Some(true));
    }
}
