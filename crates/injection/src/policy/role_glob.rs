//! Roles by their ARNs, with IAM's wildcards: `*` for any run of characters, also an empty one and across
//! colons and slashes, `?` for one character.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>

use super::super::role::{self, RoleArnError};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

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
    /// The glob matches no role's ARN, whatever stands for the wildcards.
    #[error("matches no role's ARN: {0}")]
    Impossible(RoleArnError),
}

impl RoleGlob {
    /// Accepts a glob that at least one role's ARN could match.
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

/// What separates a glob from every role's ARN: the part of one in which it goes wrong.
fn check(text: &str) -> Result<(), RoleArnError> {
    if !text.contains(['*', '?']) {
        return role::check(text);
    }
    let places = places();
    // The places of an ARN that the glob can have reached; the end is after the last.
    let mut reached = vec![false; places.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    pass_over(&places, &mut reached);
    for letter in text.bytes() {
        let mut next = vec![false; reached.len()];
        if letter == b'*' {
            let first = reached.iter().position(|is_reached| *is_reached).unwrap_or_default();
            next.iter_mut().skip(first).for_each(|is_reached| *is_reached = true);
        } else {
            let from = places.iter().zip(&reached).enumerate();
            for (index, (place, _)) in from.filter(|(_, (place, from))| **from && place.takes(letter)) {
                let to = if place.is_repeated { index } else { index + 1 };
                next.iter_mut().skip(to).take(1).for_each(|is_reached| *is_reached = true);
            }
        }
        pass_over(&places, &mut next);
        if !next.contains(&true) {
            return Err(furthest(&places, &reached));
        }
        reached = next;
    }
    if reached.last() == Some(&true) { Ok(()) } else { Err(furthest(&places, &reached)) }
}

/// A place in the ARN of a role: which characters may stand there, once or any number of times, and what is
/// wrong with a text that does not get past it.
struct Place {
    fits: Fits,
    is_repeated: bool,
    error: RoleArnError,
}

enum Fits {
    Letter(u8),
    Any(fn(u8) -> bool),
}

impl Place {
    fn takes(&self, letter: u8) -> bool {
        letter == b'?'
            || match self.fits {
                Fits::Letter(wanted) => wanted == letter,
                Fits::Any(fits) => fits(letter),
            }
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`, a little wider than [`role::check`] has it.
fn places() -> Vec<Place> {
    let letters = |text: &'static str, error| {
        text.bytes().map(move |letter| Place { fits: Fits::Letter(letter), is_repeated: false, error })
    };
    let any = |fits, is_repeated, error| Place { fits: Fits::Any(fits), is_repeated, error };
    let digit = || any(|c| c.is_ascii_digit(), false, RoleArnError::Account);
    let name = |c: u8| c.is_ascii_alphanumeric() || b"_+=,.@-".contains(&c);
    let mut places: Vec<_> =
        letters("arn:", RoleArnError::NotAnArn).chain(letters("aws", RoleArnError::Partition)).collect();
    places.push(any(|c| c.is_ascii_lowercase() || c == b'-', true, RoleArnError::Partition));
    places.extend(letters(":", RoleArnError::Partition));
    places.extend(letters("iam:", RoleArnError::Service).chain(letters(":", RoleArnError::Region)));
    places.extend(core::iter::repeat_with(digit).take(12));
    places.extend(letters(":", RoleArnError::Account).chain(letters("role/", RoleArnError::Resource)));
    places.push(any(|c| c.is_ascii_graphic(), true, RoleArnError::Path));
    places.push(any(name, false, RoleArnError::Name));
    places
}

/// A place whose characters may be repeated may also be empty.
fn pass_over(places: &[Place], reached: &mut [bool]) {
    let mut is_passed = false;
    for (index, is_reached) in reached.iter_mut().enumerate() {
        *is_reached |= is_passed;
        is_passed = *is_reached && places.get(index).is_some_and(|place| place.is_repeated);
    }
}

fn furthest(places: &[Place], reached: &[bool]) -> RoleArnError {
    let last = reached.iter().rposition(|is_reached| *is_reached).unwrap_or_default();
    places.get(last).map_or(RoleArnError::Name, |place| place.error)
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
            ("ar?", RoleArnError::NotAnArn),
            ("arn:was:iam::123456789012:role/*", RoleArnError::Partition),
            ("arn:w*:iam::123456789012:role/x", RoleArnError::Partition),
            ("arn:aws:sts::*", RoleArnError::Service),
            ("arn:aws:s3*", RoleArnError::Service),
            ("arn:aws:iam:eu-west-1:*", RoleArnError::Region),
            ("arn:aws:iam::12345678901:role/shop-*", RoleArnError::Account),
            ("arn:aws:iam::a*:role/x", RoleArnError::Account),
            ("arn:aws:iam::1234567890123*", RoleArnError::Account),
            ("arn:aws:iam::123456789012:user/*", RoleArnError::Resource),
            ("arn:aws:iam::123456789012:?ser/*", RoleArnError::Resource),
            ("arn:aws:iam::123456789012:role", RoleArnError::Resource),
            ("arn:aws:iam::123456789012:role/a *", RoleArnError::Name),
            ("arn:aws:iam::123456789012:role/\u{e9}*", RoleArnError::Name),
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
            arn in "arn:aws(-cn)?:iam::[0-9]{12}:role/([a-z]{1,3}/){0,2}[a-z]{1,6}",
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
