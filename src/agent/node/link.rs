//! The link that carries the agent's addresses: its name, its type, and what is found under the name. The flags of
//! `agent initialize` and `agent teardown` are read into these. Pure.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

/// The kernel's limit of a name, without the NUL at its end (`IFNAMSIZ`).
const LONGEST: usize = 15;

/// A name that the kernel takes for a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkName(String);

impl LinkName {
    /// The name, as the kernel has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LinkName {
    type Err = &'static str;

    /// By the kernel's rules (`dev_valid_name`), but for `%`, by which it numbers links itself.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"/:%".contains(&byte);
        let is_name = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_allowed);
        if is_name && text != "." && text != ".." {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected the name of a link, at most 15 characters without blanks, / : and %")
        }
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Which type of link is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LinkType {
    /// A dummy device, or a bridge where the kernel has none.
    Auto,
    /// A dummy device.
    Dummy,
    /// A bridge without ports.
    Bridge,
}

impl LinkType {
    /// What is made, the first that the kernel has.
    pub(super) fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Auto => &[Kind::Dummy, Kind::Bridge],
            Self::Dummy => &[Kind::Dummy],
            Self::Bridge => &[Kind::Bridge],
        }
    }
}

/// What a link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A dummy device, as AWS's agent makes it.
    Dummy,
    /// A bridge.
    Bridge,
    /// Anything else, by the kernel's word for it.
    Other(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dummy => "dummy",
            Self::Bridge => "bridge",
            Self::Other(kind) => kind,
        })
    }
}

/// A link that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The kernel's number of it.
    pub(super) index: u32,
    /// What it is.
    pub(super) kind: Kind,
    /// Whether it is set up.
    pub(super) is_up: bool,
    /// Names of the links that are ports of it; only a bridge has any here.
    pub(super) ports: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_one_that_the_kernel_takes() {
        for name in ["pod-id-link0", "a", "eth0.100", "fifteen-letters"] {
            assert_eq!(name.parse().map(|name: LinkName| name.to_string()), Ok(name.to_owned()));
        }
        for name in ["", ".", "..", "sixteen--letters", "a b", "a/b", "a:1", "veth%d", "ä", "a\n"] {
            assert!(name.parse::<LinkName>().is_err(), "{name:?}");
        }
    }
}
