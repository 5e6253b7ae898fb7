//! Names with `*` for any run of characters: which namespaces or ServiceAccounts they mean, and how
//! close they come to one of them.

use alloc::boxed::Box;
use core::cmp::Reverse;

use super::{is_label, is_subdomain};

/// What stands for any run of characters, also for none.
const WILDCARD: char = '*';

/// A name, or with `*` every name that has what stands around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameGlob {
    /// A name, to the letter.
    Exact(Box<str>),
    /// What stands around the wildcards, two pieces at least: the first begins a name, the last ends
    /// it, those between are in it in their order. Only the outer ones may be empty.
    Glob(Box<[Box<str>]>),
}

/// How many letters, and how many wildcards: the smaller is the closer.
pub type Rank = (Reverse<usize>, usize);

/// What Kubernetes takes as a name of this kind.
struct Names {
    is_name: fn(&str) -> bool,
    longest: usize,
    punctuation: &'static [u8],
}

const NAMESPACES: Names = Names { is_name: is_label, longest: 63, punctuation: b"-" };
const SERVICE_ACCOUNTS: Names = Names { is_name: is_subdomain, longest: 253, punctuation: b"-." };

impl NameGlob {
    /// Of namespaces; `None` where none can be meant.
    #[must_use]
    pub fn of_namespaces(text: &str) -> Option<Self> {
        Self::parse(text, &NAMESPACES)
    }

    /// Of ServiceAccounts; `None` where none can be meant.
    #[must_use]
    pub fn of_service_accounts(text: &str) -> Option<Self> {
        Self::parse(text, &SERVICE_ACCOUNTS)
    }

    fn parse(text: &str, names: &Names) -> Option<Self> {
        let Some((first, rest)) = text.split_once(WILDCARD) else {
            return (names.is_name)(text).then(|| Self::Exact(text.into()));
        };
        let (between, last) = rest.rsplit_once(WILDCARD).unwrap_or(("", rest));
        // Two wildcards beside each other are one.
        let between = between.split(WILDCARD).filter(|piece| !piece.is_empty());
        let pieces: Box<[Box<str>]> =
            [first].into_iter().chain(between).chain([last]).map(Into::into).collect();
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || names.punctuation.contains(&byte)
        };
        let is_possible = pieces.iter().flat_map(|piece| piece.bytes()).all(fits);
        (is_possible && letters(&pieces) <= names.longest).then_some(Self::Glob(pieces))
    }

    /// Whether it means this name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *name,
            Self::Glob(pieces) => is_made_of(name, pieces).unwrap_or(false),
        }
    }

    /// The closer of two globs that mean the same name has the smaller rank: more letters (without
    /// wildcards it has them all), then fewer wildcards.
    #[must_use]
    pub fn rank(&self) -> Rank {
        match self {
            Self::Exact(name) => (Reverse(name.len()), 0),
            Self::Glob(pieces) => (Reverse(letters(pieces)), pieces.len() - 1),
        }
    }
}

fn letters(pieces: &[Box<str>]) -> usize {
    pieces.iter().map(|piece| piece.len()).sum()
}

/// `None` where a piece is missing.
fn is_made_of(text: &str, pieces: &[Box<str>]) -> Option<bool> {
    let [first, between @ .., last] = pieces else { return None };
    // Both ends before what is between: that has to be searched for.
    let mut rest = text.strip_prefix(&**first)?.strip_suffix(&**last)?;
    for piece in between {
        // The earliest place leaves the most to the pieces behind it.
        (_, rest) = rest.split_once(&**piece)?;
    }
    Some(true)
}
