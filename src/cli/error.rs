//! What is said of a flag that cannot be used: one line, and exit code 2.

/// A value that cannot be used: one line that names the flag, the value and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value out of its domain.
    #[error("invalid value '{}' for '{flag}': {allowed}", value.escape_debug())]
    Value {
        /// The flag's name with its dashes.
        flag: &'static str,
        /// As it was given.
        value: String,
        /// What would be right.
        allowed: String,
    },
    /// A feature of the Go webhook that this release lacks.
    #[error("'{flag}' asks for {feature}, which this release does not have; {instead}")]
    NotYet {
        /// The flag as it was understood.
        flag: &'static str,
        /// What it would do.
        feature: &'static str,
        /// What to do for now.
        instead: &'static str,
    },
    /// A feature that this binary was built without.
    #[error("'{flag}' needs the cargo feature {feature}, which this binary was built without; {instead}")]
    NotBuilt {
        /// The flag as it was understood.
        flag: &'static str,
        /// The feature's name.
        feature: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// A flag that means nothing without another.
    #[error("'{flag}' needs '{other}': {why}")]
    Incomplete {
        /// A flag.
        flag: &'static str,
        /// The one that is missing.
        other: &'static str,
        /// What it is needed for.
        why: &'static str,
    },
    /// Two flags that exclude each other.
    #[error("'{one}' cannot be used together with '{other}': {why}")]
    Conflict {
        /// A flag.
        one: &'static str,
        /// Another.
        other: &'static str,
        /// Why not both.
        why: &'static str,
    },
}

/// A value out of its domain.
pub(crate) fn invalid(flag: &'static str, value: &str, allowed: impl Into<String>) -> SettingsError {
    SettingsError::Value { flag, value: value.to_owned(), allowed: allowed.into() }
}
