//! Why a container cannot use its pod's identity, for plans, warnings and denials.

use core::fmt;

use super::annotation;

/// Why SDKs in a container do not find the pod's identity. Display is a noun phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unable {
    /// The pod's annotations leave the container out.
    Skipped(SkipReason),
    /// The container sets one variable of the pair, and the webhook leaves such a pair unchanged.
    Half {
        /// The variable that has a value.
        set: &'static str,
        /// The one that has none.
        missing: &'static str,
        /// Whether the other one is there, but empty.
        is_empty: bool,
    },
    /// The container sets these without a value, and the webhook leaves the pair unchanged.
    Empty {
        /// The first of the pair, or the only one that is there.
        first: &'static str,
        /// The second, if both are there.
        second: Option<&'static str>,
    },
    /// The container sets the pair, and this variable of it names a file that is not there.
    NoToken(&'static str),
    /// The container sets the pair, and this variable of it names a file of the container's own.
    OwnToken(&'static str),
    /// The container brings other credentials, by this variable first of all.
    Elsewhere(&'static str),
    /// The container sets this variable of the pair, and `envFrom` may set the other one.
    Unseen(&'static str),
}

/// Which annotation keeps a container out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// `skip-containers` names it.
    Named,
    /// There is an `inject-containers`, and it does not name it.
    NotNamed,
}

impl SkipReason {
    /// The annotation's name.
    #[must_use]
    pub fn annotation(self) -> &'static str {
        match self {
            Self::Named => annotation::SKIP_CONTAINERS,
            Self::NotNamed => annotation::INJECT_CONTAINERS,
        }
    }
}

impl Unable {
    /// Whether it is a mistake: SDKs find nothing but the node's own credentials, and nobody said that they should.
    #[must_use]
    pub fn is_mistake(self) -> bool {
        matches!(self, Self::Half { .. } | Self::Empty { .. } | Self::NoToken(_))
    }
}

impl fmt::Display for Unable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped(reason) => write!(f, "left out by {}", reason.annotation()),
            Self::Half { set, missing, is_empty: false } => write!(f, "{set} without {missing}"),
            Self::Half { set, missing, is_empty: true } => write!(f, "{set} with an empty {missing}"),
            Self::Empty { first, second: Some(second) } => write!(f, "{first} and {second} are empty"),
            Self::Empty { first, second: None } => write!(f, "{first} is empty"),
            Self::NoToken(variable) => write!(f, "{variable} names no token of the pod"),
            Self::OwnToken(variable) => write!(f, "another file than the pod's token in {variable}"),
            Self::Elsewhere(variable) => write!(f, "other credentials by {variable}"),
            Self::Unseen(variable) => write!(f, "{variable} alone, unless envFrom sets the other variable"),
        }
    }
}
