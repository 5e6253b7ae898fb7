//! Roles by their ARNs, with IAM's wildcards: `*` for any run of characters, also an empty one and across
//! colons and slashes, `?` for one character.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::super::role::{self, RoleArnError};

/// Longest ARN of a role that STS takes, in characters.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
const LONGEST: usize = 2048;

/// The roles whose ARNs a text with wildcards matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGlob(Box<str>);

/// Why a glob can match no role's ARN. A policy with such a glob allows less than it seems to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoleGlobError {
    /// The glob is longer than any role's ARN.
    #[error("longer than any role's ARN")]
    TooLong,
    /// No role's ARN begins as the glob does before its first wildcard.
    #[error("matches no role's ARN: {0}")]
    Impossible(RoleArnError),
}

impl RoleGlob {
    /// Accepts a glob that begins, before its first wildcard, as a role's ARN could.
    pub fn new(text: &str) -> Result<Self, RoleGlobError> {
        if text.len() > LONGEST {
            return Err(RoleGlobError::TooLong);
        }
        check(text).map_err(RoleGlobError::Impossible)?;
        Ok(Self(text.into()))
    }

    /// Whether it matches an ARN; apart from the wildcards letters have to be equal.
    #[must_use]
    pub fn matches(&self, role_arn: &str) -> bool {
        // A longer text is not a role's ARN to AWS either; and this bounds the time that a comparison takes.
        role_arn.len() <= LONGEST && is_match(self.0.as_bytes(), role_arn.as_bytes())
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What separates a glob from every role's ARN: the part of one in which it goes wrong. Only what stands before the
/// first wildcard is judged, completed to an ARN as well as it can be: that is where mistakes are made.
fn check(text: &str) -> Result<(), RoleArnError> {
    const LEAST: [&str; 6] = ["arn", "aws", "iam", "", "000000000000", "role/x"];
    let Some(end) = text.find(['*', '?']) else {
        return role::check(text);
    };
    let start = text.get(..end).unwrap_or_default();
    let (whole, part) = start.rsplit_once(':').map_or((None, start), |(whole, part)| (Some(whole), part));
    let parts = start.splitn(LEAST.len(), ':').count();
    let least = LEAST.get(parts - 1).copied().unwrap_or_default();
    let rest = LEAST.get(parts..).unwrap_or_default().iter().map(|part| format!(":{part}"));
    // A longest name takes no more letters, an account no other; and partitions go on with a dash.
    let account = format!("{part:0<12}");
    let completed = if least.starts_with(part) {
        least
    } else if parts == 5 {
        &account
    } else {
        part
    };
    let (begin, rest) =
        (whole.map_or_else(String::new, |whole| format!("{whole}:")), rest.collect::<String>());
    let with = |more| role::check(&format!("{begin}{completed}{more}{rest}"));
    // The wildcard may stand for the rest of a name, or for a name behind a path.
    with("").or_else(|error| with("x").or_else(|_| with("/x")).map_err(|_| error))
}

/// Only the last `*` is ever tried again: it can take whatever an earlier one could.
fn is_match(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // The positions after the last star, and after what it has matched so far.
    let mut star = None;
    while let Some(letter) = text.get(from) {
        match glob.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, from));
            }
            Some(wanted) if *wanted == b'?' || wanted == letter => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((behind, taken)) = star else {
                    return false;
                };
                (at, from) = (behind, taken + 1);
                star = Some((behind, taken + 1));
            }
        }
    }
    glob.get(at..).unwrap_or_default().iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::Config;

    use super::*;

    fn is_match(glob: &str, text: &str) -> bool {
        super::is_match(glob.as_bytes(), text.as_bytes())
    }

    #[test]
    fn star_is_any_run_and_question_mark_is_one() {
        let arn = "arn:aws:iam::123456789012:role/team/app";
        for (glob, matches) in [
            (arn, true),
            ("*", true),
            ("arn:aws:iam::123456789012:role/*", true),
            ("arn:aws:iam::123456789012:role/team/*", true),
            ("arn:aws:iam::123456789012:role/team/app*", true),
            ("arn:aws:iam::123456789012:role/team/a?p", true),
            ("arn:aws:iam::????????????:role/team/app", true),
            // It may stand for colons too.
            ("arn:aws:iam:*:role/team/app", true),
            ("arn?aws?iam??????????????????????/app", false),
            ("arn:aws:iam::123456789012:*p", true),
            ("arn:*:role/team/app", true),
            ("arn:aws*/app", true),
            ("*app", true),
            ("arn:aws:iam::123456789012:role/team", false),
            ("arn:aws:iam::123456789012:role/team/app?", false),
            ("arn:aws:iam::123456789012:role/Team/app", false),
            ("arn:aws-cn:iam::123456789012:role/*", false),
            ("arn:aws:iam::*:role/app", false),
        ] {
            assert_eq!(RoleGlob::new(glob).unwrap().matches(arn), matches, "{glob}");
        }
        for (glob, text, matches) in [
            ("", "", true),
            ("**", "", true),
            ("?", "", false),
            ("a*b*c", "abbc", true),
            ("a*b*c", "acb", false),
            ("*ab*ab*", "ab", false),
            ("*ab?ab", "xabxab", true),
            ("a*?", "a", false),
        ] {
            assert_eq!(is_match(glob, text), matches, "{glob} {text}");
        }
    }

    #[test]
    fn glob_that_can_match_no_role_is_refused() {
        for (glob, error) in [
            ("", RoleArnError::NotAnArn),
            ("shop", RoleArnError::NotAnArn),
            ("shop-*", RoleArnError::NotAnArn),
            ("role/*", RoleArnError::NotAnArn),
            ("arm:*", RoleArnError::NotAnArn),
            ("arn", RoleArnError::Partition),
            ("arn:was:iam::123456789012:role/*", RoleArnError::Partition),
            ("arn:w*:iam::123456789012:role/x", RoleArnError::Partition),
            ("arn:aws:sts::*", RoleArnError::Service),
            ("arn:aws:s3*", RoleArnError::Service),
            ("arn:aws:iam:eu-west-1:*", RoleArnError::Region),
            ("arn:aws:iam::12345678901:role/shop-*", RoleArnError::Account),
            ("arn:aws:iam::a*:role/x", RoleArnError::Account),
            ("arn:aws:iam::1234567890123*", RoleArnError::Account),
            ("arn:aws:iam::123456789012:user/*", RoleArnError::Resource),
            ("arn:aws:iam::123456789012:role", RoleArnError::Resource),
            ("arn:aws:iam::123456789012:role/a *", RoleArnError::Name),
            ("arn:aws:iam::123456789012:role/\u{e9}*", RoleArnError::Character('\u{e9}')),
            ("arn:aws:iam::123456789012:role/", RoleArnError::Name),
            (" arn:aws:iam::123456789012:role/x", RoleArnError::NotAnArn),
        ] {
            let refused = RoleGlob::new(glob);
            assert_eq!(refused, Err(RoleGlobError::Impossible(error)), "{glob}");
        }
        assert_eq!(RoleGlob::new(&"*".repeat(2049)), Err(RoleGlobError::TooLong));
        assert!(!RoleGlob::new("*").unwrap().matches(&"a".repeat(2049)));
    }

    #[test]
    fn long_globs_end_in_time() {
        let glob = "*a".repeat(1024);
        let text = "a".repeat(1023) + &"b".repeat(1024);
        assert!(!is_match(&glob, &text));
    }

    /// As the words above have it, tried in every way.
    fn is_match_by_words(glob: &[u8], text: &[u8]) -> bool {
        match (glob, text) {
            ([], text) => text.is_empty(),
            ([b'*', rest @ ..], text) => {
                (0..=text.len()).any(|taken| is_match_by_words(rest, &text[taken..]))
            }
            ([b'?', rest @ ..], [_, text @ ..]) => is_match_by_words(rest, text),
            ([letter, rest @ ..], [first, text @ ..]) => letter == first && is_match_by_words(rest, text),
            (_, []) => false,
        }
    }

    proptest! {
        #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

        #[test]
        fn matches_what_its_words_say(glob in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(is_match(&glob, &text), is_match_by_words(glob.as_bytes(), text.as_bytes()));
        }

        /// A glob made of a role's ARN is never said to match none.
        #[test]
        fn glob_that_matches_a_role_is_taken(
            arn in "arn:aws(-cn)?:iam::[0-9]{12}:role/([a-z!:~]{1,3}/|[a-z]{66}/){0,2}[a-z]{1,6}",
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, prop::bool::ANY), 0..4),
        ) {
            let mut glob = arn.clone().into_bytes();
            for (place, length, is_star) in cuts {
                let start = place.index(glob.len());
                let end = (start + length).min(glob.len());
                // A cut that already holds a `*` has no known length, so `?`s cannot replace it.
                if !is_star && glob.get(start..end).is_some_and(|cut| cut.contains(&b'*')) {
                    continue;
                }
                let wildcards = if is_star { "*".to_owned() } else { "?".repeat(end - start) };
                glob.splice(start..end, wildcards.into_bytes());
            }
            let glob = String::from_utf8(glob).unwrap();
            let taken = RoleGlob::new(&glob);
            prop_assert!(taken.as_ref().is_ok_and(|taken| taken.matches(&arn)), "{} {:?}", glob, taken);
        }
    }
}
