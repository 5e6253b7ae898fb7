//! What is said of flags that cannot be used: one line, and exit code 2.

/// A value that cannot be used: one line that names the flag, the value and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value that the flag does not take.
    #[error("invalid value '{}' for '{flag}': {allowed}", value.escape_debug())]
    Value {
        /// The flag's name with its dashes.
        flag: &'static str,
        /// The value as it was given.
        value: String,
        /// What the flag takes.
        allowed: String,
    },
    /// The flag needs a feature that this binary was built without.
    #[error("'{flag}' needs the cargo feature {feature}, which this binary was built without; {instead}")]
    NotBuilt {
        /// The flag as it was understood.
        flag: &'static str,
        /// The feature's name.
        feature: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// The flag means nothing without another.
    #[error("'{flag}' needs '{other}': {why}")]
    Incomplete {
        /// The flag that was given.
        flag: &'static str,
        /// The other flag, which is missing.
        other: &'static str,
        /// What the other flag is needed for.
        why: &'static str,
    },
    /// The two flags exclude each other.
    #[error("'{one}' cannot be used together with '{other}': {why}")]
    Conflict {
        /// One of the flags.
        one: &'static str,
        /// The other flag.
        other: &'static str,
        /// Why they exclude each other.
        why: &'static str,
    },
}

/// A value that the flag does not take.
pub(crate) fn invalid(flag: &'static str, value: &str, allowed: impl Into<String>) -> SettingsError {
    SettingsError::Value { flag, value: value.to_owned(), allowed: allowed.into() }
}
