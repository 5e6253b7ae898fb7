//! How far `agent initialize` has come: what was made, what the kernel refused and whether that can be borne, and what
//! is said of it. Pure.

use super::error::{Failures, NodeError, cause};
use super::link::{Kind, LinkType};
use super::plan::{Step, Wanted};
use super::state::Family;
use crate::cli::exit::causes;

/// How far it has come.
#[derive(Debug)]
pub(super) struct Progress {
    /// What is asked for, without what was refused.
    pub(super) wanted: Wanted,
    made: Vec<Step>,
    refused: Vec<(Step, Family, NodeError)>,
}

impl Progress {
    /// Nothing was made.
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, made: Vec::new(), refused: Vec::new() }
    }

    /// The kernel has made a change.
    pub(super) fn made(&mut self, step: Step) {
        self.made.push(step);
    }

    /// The kernel has refused a change. A node may have IPv4 alone or IPv6 alone, so that one of the two addresses is
    /// enough; everything that went wrong, if nothing is left to go on with.
    pub(super) fn refused(&mut self, step: Step, error: NodeError) -> Result<(), Failures> {
        match (step.family(), &error) {
            (Some(family), NodeError::Refused { .. }) => {
                self.wanted.families.retain(|left| *left != family);
                self.refused.push((step, family, error));
            }
            _ => return Err(error.into()),
        }
        if self.wanted.families.is_empty() {
            return Err(Failures(self.refused.drain(..).map(|(_, _, error)| error).collect()));
        }
        Ok(())
    }

    /// What was made and what was there, in one line.
    pub(super) fn summary(&self, kind: &Kind) -> String {
        let name = &self.wanted.name;
        let is_new = self.made.contains(&Step::Link);
        let mut parts = vec![(is_new, format!("link {name} ({kind})"))];
        if !is_new && self.made.iter().any(|step| matches!(step, Step::Up(_))) {
            parts.push((true, "its state up".to_owned()));
        }
        for family in &self.wanted.families {
            let made = |is_it: fn(&Step) -> bool| {
                self.made.iter().any(|step| is_it(step) && step.family() == Some(*family))
            };
            let address = family.address();
            parts.push((made(|step| matches!(step, Step::Address(..))), format!("address {address}")));
            parts.push((made(|step| matches!(step, Step::Route(..))), format!("route to {address}")));
        }
        let (made, found): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(is_made, _)| *is_made);
        let list = |parts: Vec<(bool, String)>| {
            parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(", ")
        };
        match (made.is_empty(), found.is_empty()) {
            (true, _) => format!("nothing to do; was there: {}", list(found)),
            (false, true) => format!("made: {}", list(made)),
            (false, false) => format!("made: {}; was there: {}", list(made), list(found)),
        }
    }

    /// What is to be known although it went well, a line each.
    pub(super) fn notes(self, kind: &Kind) -> Vec<String> {
        let Self { wanted: Wanted { name, link_type, families }, made, refused } = self;
        let mut notes = Vec::new();
        if made.contains(&Step::Link) && link_type == LinkType::Auto && *kind == Kind::Bridge {
            notes.push(format!(
                "the kernel has no dummy device, so {name} is a bridge without ports, which serves as well: the link \
                 only carries the addresses, and no packet ever leaves through it"
            ));
        }
        let left = families.iter().map(|family| family.host()).collect::<Vec<_>>().join(" and ");
        notes.extend(refused.into_iter().map(|(step, family, error)| {
            let why = cause(family, &error).map(|why| format!(" ({why})")).unwrap_or_default();
            let host = family.host();
            let follows = match step {
                Step::Route(..) => format!("whether SDKs that ask at {host} get an answer is not certain"),
                _ => format!("SDKs that ask at {host} get no answer, and the agent listens at {left} alone"),
            };
            format!("no {family} for the agent: {}{why}; {follows}", causes(&error.into()))
        }));
        notes
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustix::io::Errno;

    use super::super::error;
    use super::*;

    fn progress() -> Progress {
        let name = "pod-id-link0".parse().unwrap();
        Progress::new(Wanted { name, link_type: LinkType::Auto, families: Family::ALL.to_vec() })
    }

    fn error(what: &str, number: Errno) -> NodeError {
        error::refused(format!("put {what} on pod-id-link0"), io::Error::from(number))
    }

    #[test]
    fn one_of_the_two_addresses_is_enough() {
        let cases = [
            (Family::V6, Errno::ACCESS, "disable_ipv6", "[fd00:ec2::23]", "169.254.170.23"),
            (Family::V6, Errno::OPNOTSUPP, "the kernel has no IPv6", "[fd00:ec2::23]", "169.254.170.23"),
            (Family::V4, Errno::NOBUFS, "No buffer space", "169.254.170.23", "[fd00:ec2::23]"),
        ];
        for (family, number, why, lost, left) in cases {
            let mut progress = progress();
            progress.refused(Step::Address(family, 2), error("it", number)).unwrap();
            assert!(!progress.wanted.families.contains(&family));
            assert_eq!(progress.wanted.families.len(), 1);
            let [note] = progress.notes(&Kind::Dummy).try_into().unwrap();
            assert!(note.starts_with(&format!("no {family} for the agent: failed to put it")), "{note}");
            assert!(note.contains(why), "{note}");
            let follows =
                format!("SDKs that ask at {lost} get no answer, and the agent listens at {left} alone");
            assert!(note.ends_with(&follows), "{note}");
        }
    }

    #[test]
    fn neither_address_is_an_error_for_each() {
        let mut progress = progress();
        progress.refused(Step::Address(Family::V6, 2), error("six", Errno::ACCESS)).unwrap();
        let Failures(errors) =
            progress.refused(Step::Route(Family::V4, 2), error("four", Errno::NOBUFS)).unwrap_err();
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["failed to put six on pod-id-link0", "failed to put four on pod-id-link0"]);
    }

    #[test]
    fn what_does_not_depend_on_the_address_is_an_error_at_once() {
        let Failures(errors) =
            progress().refused(Step::Address(Family::V6, 2), error("it", Errno::PERM)).unwrap_err();
        assert!(
            errors[0].to_string().contains("needs CAP_NET_ADMIN in the host's network namespace"),
            "{errors:?}"
        );
        for step in [Step::Link, Step::Up(2)] {
            assert!(progress().refused(step, error("it", Errno::NOBUFS)).is_err());
        }
    }

    #[test]
    fn summary_says_what_was_made_and_what_was_there() {
        let mut progress = progress();
        let there = "was there: link pod-id-link0 (dummy), address 169.254.170.23, route to 169.254.170.23, address \
                     fd00:ec2::23, route to fd00:ec2::23";
        assert_eq!(progress.summary(&Kind::Dummy), format!("nothing to do; {there}"));
        progress.made(Step::Up(2));
        assert_eq!(progress.summary(&Kind::Dummy), format!("made: its state up; {there}"));
        progress.made(Step::Link);
        progress.made(Step::Route(Family::V4, 2));
        assert_eq!(
            progress.summary(&Kind::Bridge),
            "made: link pod-id-link0 (bridge), route to 169.254.170.23; was there: address 169.254.170.23, address \
             fd00:ec2::23, route to fd00:ec2::23"
        );
        for family in Family::ALL {
            progress.made(Step::Address(family, 2));
            progress.made(Step::Route(family, 2));
        }
        assert!(!progress.summary(&Kind::Bridge).contains("was there"));
    }

    #[test]
    fn bridge_that_was_made_for_want_of_a_dummy_is_explained() {
        let mut progress = progress();
        progress.made(Step::Link);
        let [note] = progress.notes(&Kind::Bridge).try_into().unwrap();
        assert!(note.contains("no dummy device, so pod-id-link0 is a bridge without ports"), "{note}");
        let found = self::progress();
        assert!(found.notes(&Kind::Bridge).is_empty());
    }
}
