//! Go's own rules, for what the Go webhook and kubectl read with Go's packages: numbers, booleans, CSV,
//! durations and paths.

pub mod csv;
mod duration;
mod number;
pub mod path;

pub use duration::{DurationError, duration};
pub use number::{decimal, integer, unsigned};

/// A boolean in one of the spellings of Go's `strconv.ParseBool`.
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}
