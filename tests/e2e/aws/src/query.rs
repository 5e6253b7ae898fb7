//! The query protocol: a form in the body of a POST, or the query of a GET, becomes a [`Call`].
//!
//! Limits are those of the STS API reference, 2011-06-15.

use std::time::Duration;

use crate::refusal::Refusal;
use crate::role::RoleArn;

const VERSION: &str = "2011-06-15";

/// What is asked for; the parts keep their limits.
#[derive(Debug)]
pub enum Call {
    /// `AssumeRoleWithWebIdentity`.
    AssumeRoleWithWebIdentity(AssumeRole),
    /// `GetCallerIdentity`: all of it is in the signature.
    GetCallerIdentity,
}

/// Parameters of `AssumeRoleWithWebIdentity`.
#[derive(Debug)]
pub struct AssumeRole {
    /// `RoleArn`.
    pub role: RoleArn,
    /// `RoleSessionName`.
    pub session_name: String,
    /// `WebIdentityToken`.
    pub token: String,
    /// `DurationSeconds`, an hour if absent.
    pub duration: Duration,
}

/// The names and values of a request.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a form or a query string.
    #[must_use]
    pub fn parse(form: &[u8]) -> Self {
        Self(form_urlencoded::parse(form).into_owned().collect())
    }

    /// A parameter's value.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The call, its limits checked.
    pub fn call(&self) -> Result<Call, Refusal> {
        let action = self.find("Action").ok_or(Refusal::MissingParameter("Action"))?;
        let version = self.find("Version").ok_or(Refusal::MissingParameter("Version"))?;
        match (action, version) {
            ("AssumeRoleWithWebIdentity", VERSION) => self.assume_role().map(Call::AssumeRoleWithWebIdentity),
            ("GetCallerIdentity", VERSION) => Ok(Call::GetCallerIdentity),
            _ => Err(Refusal::InvalidAction { action: action.to_owned(), version: version.to_owned() }),
        }
    }

    fn assume_role(&self) -> Result<AssumeRole, Refusal> {
        let role = self.bounded("RoleArn", "roleArn", 20, 2048)?;
        let session_name = self.bounded("RoleSessionName", "roleSessionName", 2, 64)?;
        let token = self.bounded("WebIdentityToken", "webIdentityToken", 4, 20_000)?;
        let is_word = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
        if !session_name.chars().all(is_word) {
            return Err(invalid(
                "roleSessionName",
                "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
            ));
        }
        Ok(AssumeRole {
            role: role.parse()?,
            session_name: session_name.to_owned(),
            token: token.to_owned(),
            duration: self.duration()?,
        })
    }

    fn bounded(&self, name: &'static str, member: &str, least: usize, most: usize) -> Result<&str, Refusal> {
        let value = self.find(name).ok_or(Refusal::MissingParameter(name))?;
        match value.chars().count() {
            length if length < least => {
                Err(invalid(member, &format!("Member must have length greater than or equal to {least}")))
            }
            length if length > most => {
                Err(invalid(member, &format!("Member must have length less than or equal to {most}")))
            }
            _ => Ok(value),
        }
    }

    fn duration(&self) -> Result<Duration, Refusal> {
        let Some(text) = self.find("DurationSeconds") else { return Ok(Duration::from_hours(1)) };
        match text.parse() {
            Ok(seconds @ 900..=43_200) => Ok(Duration::from_secs(seconds)),
            _ => Err(invalid("durationSeconds", "Member must have value between 900 and 43200")),
        }
    }
}

/// The value is left out: it may be a token.
fn invalid(member: &str, constraint: &str) -> Refusal {
    Refusal::Validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", VERSION),
        ("RoleArn", "arn:aws:iam::111122223333:role/checkout"),
        ("RoleSessionName", "session-1"),
        ("WebIdentityToken", "head.body.signature"),
    ];

    fn code(changes: &[(&str, Option<&str>)]) -> &'static str {
        let mut all: Vec<_> = GOOD.map(|(name, value)| (name, value.to_owned())).to_vec();
        for (name, value) in changes {
            all.retain(|(kept, _)| kept != name);
            all.extend(value.map(|value| (*name, value.to_owned())));
        }
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        Parameters::parse(form.as_bytes()).call().map_or_else(|refusal| refusal.code(), |_| "")
    }

    #[test]
    fn takes_a_call_within_the_limits() {
        assert_eq!(code(&[]), "");
        assert_eq!(code(&[("DurationSeconds", Some("900"))]), "");
        assert_eq!(code(&[("DurationSeconds", Some("43200"))]), "");
        assert_eq!(code(&[("RoleSessionName", Some("a+=,.@-_Z"))]), "");
        assert_eq!(code(&[("Action", Some("GetCallerIdentity"))]), "");
    }

    #[test]
    fn names_what_is_missing() {
        for (name, _) in GOOD {
            assert_eq!(code(&[(name, None)]), "MissingParameter", "{name}");
        }
    }

    #[test]
    fn refuses_what_breaks_a_limit() {
        let (long_role, long_token) = (format!("{}{}", GOOD[2].1, "x".repeat(2048)), "x".repeat(20_001));
        for (name, value) in [
            ("RoleArn", "arn:aws:iam::1:role"),
            ("RoleArn", "arn:aws:iam::111122223333:user/checkout"),
            ("RoleArn", &long_role),
            ("RoleSessionName", "a"),
            ("RoleSessionName", "a session"),
            ("RoleSessionName", &long_token[..65]),
            ("WebIdentityToken", "abc"),
            ("WebIdentityToken", &long_token),
            ("DurationSeconds", "899"),
            ("DurationSeconds", "43201"),
            ("DurationSeconds", "an hour"),
        ] {
            assert_eq!(code(&[(name, Some(value))]), "ValidationError", "{name}={value:.60}");
        }
    }

    #[test]
    fn knows_two_calls_of_one_version() {
        assert_eq!(code(&[("Action", Some("AssumeRole"))]), "InvalidAction");
        assert_eq!(code(&[("Version", Some("2010-05-08"))]), "InvalidAction");
    }
}
