//! Names with `*` for any run of characters: which namespaces or ServiceAccounts they match, and how
//! specific they are.

use alloc::boxed::Box;
use core::cmp::Reverse;

use super::{is_label, is_subdomain};

/// Matches any run of characters, also an empty one.
const WILDCARD: char = '*';

/// A name, or with `*` every name that has the pieces around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameGlob {
    /// Exactly this name.
    Exact(Box<str>),
    /// The pieces around the wildcards, at least two: the first begins a name, the last ends
    /// it, the others are in it in their order. Only the outer ones may be empty.
    Glob(Box<[Box<str>]>),
}

/// How many letters, and how many wildcards: a smaller rank is more specific.
pub type Rank = (Reverse<usize>, usize);

/// The names of this kind that are valid in Kubernetes.
struct Names {
    is_name: fn(&str) -> bool,
    longest: usize,
    punctuation: &'static [u8],
}

const NAMESPACES: Names = Names { is_name: is_label, longest: 63, punctuation: b"-" };
const SERVICE_ACCOUNTS: Names = Names { is_name: is_subdomain, longest: 253, punctuation: b"-." };

impl NameGlob {
    /// A glob of namespaces; `None` if no valid name can match.
    #[must_use]
    pub fn of_namespaces(text: &str) -> Option<Self> {
        Self::parse(text, &NAMESPACES)
    }

    /// A glob of ServiceAccounts; `None` if no valid name can match.
    #[must_use]
    pub fn of_service_accounts(text: &str) -> Option<Self> {
        Self::parse(text, &SERVICE_ACCOUNTS)
    }

    fn parse(text: &str, names: &Names) -> Option<Self> {
        let Some((first, rest)) = text.split_once(WILDCARD) else {
            return (names.is_name)(text).then(|| Self::Exact(text.into()));
        };
        let (between, last) = rest.rsplit_once(WILDCARD).unwrap_or(("", rest));
        // Adjacent wildcards are one.
        let between = between.split(WILDCARD).filter(|piece| !piece.is_empty());
        let pieces: Box<[Box<str>]> =
            [first].into_iter().chain(between).chain([last]).map(Into::into).collect();
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || names.punctuation.contains(&byte)
        };
        let is_possible = pieces.iter().flat_map(|piece| piece.bytes()).all(fits);
        (is_possible && letters(&pieces) <= names.longest).then_some(Self::Glob(pieces))
    }

    /// Whether it matches this name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *name,
            Self::Glob(pieces) => is_made_of(name, pieces).unwrap_or(false),
        }
    }

    /// Of two globs that match the same name the more specific one has the smaller rank: it has more letters
    /// (without wildcards all of them), or else fewer wildcards.
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

/// `None` if a piece is missing.
fn is_made_of(text: &str, pieces: &[Box<str>]) -> Option<bool> {
    let [first, between @ .., last] = pieces else { return None };
    // Both ends first: the pieces between have to be searched for.
    let mut rest = text.strip_prefix(&**first)?.strip_suffix(&**last)?;
    for piece in between {
        // The earliest place leaves the most to the pieces behind it.
        (_, rest) = rest.split_once(&**piece)?;
    }
    Some(true)
}
