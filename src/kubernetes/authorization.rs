//! Values of `Authorization`, which no debug output shows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// That of a token; `None` if it cannot be one.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    secret(&format!("Bearer {token}"))
}

/// That of a name and a password.
pub(super) fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    secret(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
