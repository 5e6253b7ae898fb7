//! Where the keys are below an issuer, as flags say it.

use super::issuer_url::DISCOVERY;
use crate::cli::error::{SettingsError, invalid};

/// What paths may be made of: nothing that is written in another way in a URL.
pub(super) const PATH: &str = "letters, digits, '-', '_', '.' and '~', with a single '/' between its parts";

/// Whether it is such a path.
pub(super) fn is_path(path: &str) -> bool {
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"-_.~".contains(&c);
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(fits);
    path.split('/').all(is_part)
}

/// Reads the value of `--keys-path`.
pub(super) fn keys_path(path: &str) -> Result<String, SettingsError> {
    if !is_path(path) || path == DISCOVERY {
        return Err(invalid("--keys-path", path, format!("expected a path of {PATH}")));
    }
    Ok(path.to_owned())
}
