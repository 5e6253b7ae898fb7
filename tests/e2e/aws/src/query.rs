//! The query protocol: a form in the body of a POST, or the query of a GET, becomes a [`Call`].
//!
//! Limits are those of the STS API reference, 2011-06-15.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use crate::assume_role::AssumeRole;
use crate::refusal::Refusal;
use crate::role::RoleArn;
use crate::web_identity::WithWebIdentity;

const VERSION: &str = "2011-06-15";

/// What is asked for; the parts keep their limits.
#[derive(Debug)]
pub enum Call {
    /// `AssumeRole`; whose session asks is in the signature.
    AssumeRole(AssumeRole),
    /// `AssumeRoleWithWebIdentity`.
    AssumeRoleWithWebIdentity(WithWebIdentity),
    /// `GetCallerIdentity`: all of it is in the signature.
    GetCallerIdentity,
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

    /// The call, its limits checked; credentials that live shorter than that may not be asked for.
    pub fn call(&self, shortest: Duration) -> Result<Call, Refusal> {
        let action = self.find("Action").ok_or(Refusal::MissingParameter("Action"))?;
        let version = self.find("Version").ok_or(Refusal::MissingParameter("Version"))?;
        match (action, version) {
            ("AssumeRole", VERSION) => AssumeRole::parse(self, shortest).map(Call::AssumeRole),
            ("AssumeRoleWithWebIdentity", VERSION) => {
                WithWebIdentity::parse(self, shortest).map(Call::AssumeRoleWithWebIdentity)
            }
            ("GetCallerIdentity", VERSION) => Ok(Call::GetCallerIdentity),
            _ => Err(Refusal::InvalidAction { action: action.to_owned(), version: version.to_owned() }),
        }
    }

    /// The members of a list by their numbers, and their parts by what follows the number: `""` for a member
    /// that is a single value.
    pub(crate) fn members(&self, name: &str) -> BTreeMap<u32, BTreeMap<&str, &str>> {
        let mut members = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (key, value) in &self.0 {
            let Some(rest) = key.strip_prefix(name).and_then(|rest| rest.strip_prefix(".member.")) else {
                continue;
            };
            let (number, part) = rest.split_once('.').unwrap_or((rest, ""));
            if let Ok(number) = number.parse() {
                members.entry(number).or_default().insert(part, value.as_str());
            }
        }
        members
    }

    /// `RoleArn`.
    pub(crate) fn role(&self) -> Result<RoleArn, Refusal> {
        self.required("RoleArn", 20..=2048)?.parse()
    }

    /// `RoleSessionName`.
    pub(crate) fn session_name(&self) -> Result<String, Refusal> {
        let name = self.required("RoleSessionName", 2..=64)?;
        let is_word = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
        if !name.chars().all(is_word) {
            return Err(invalid(
                "roleSessionName",
                "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
            ));
        }
        Ok(name.to_owned())
    }

    /// `DurationSeconds`, an hour if absent.
    pub(crate) fn duration(&self, shortest: Duration) -> Result<Duration, Refusal> {
        let Some(text) = self.find("DurationSeconds") else { return Ok(Duration::from_hours(1)) };
        let shortest = shortest.as_secs();
        match text.parse() {
            Ok(seconds) if (shortest..=43_200).contains(&seconds) => Ok(Duration::from_secs(seconds)),
            _ => Err(invalid(
                "durationSeconds",
                &format!("Member must have value between {shortest} and 43200"),
            )),
        }
    }

    /// `Policy`: its form alone is looked at, because nothing here has resources that it could speak of.
    pub(crate) fn policy(&self) -> Result<Option<String>, Refusal> {
        let Some(text) = self.optional("Policy", 1..=2048)? else { return Ok(None) };
        match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(policy)) if policy.contains_key("Statement") => Ok(Some(text.to_owned())),
            Ok(_) => Err(Refusal::MalformedPolicy("Syntax errors in policy.")),
            Err(_) => Err(Refusal::MalformedPolicy("The policy is not in the valid JSON format.")),
        }
    }

    /// A parameter that has to be there, if its length is one of these.
    pub(crate) fn required(
        &self,
        name: &'static str,
        lengths: RangeInclusive<usize>,
    ) -> Result<&str, Refusal> {
        self.optional(name, lengths)?.ok_or(Refusal::MissingParameter(name))
    }

    /// A parameter that may be absent, if its length is one of these.
    pub(crate) fn optional(
        &self,
        name: &'static str,
        lengths: RangeInclusive<usize>,
    ) -> Result<Option<&str>, Refusal> {
        let Some(value) = self.find(name) else { return Ok(None) };
        let mut member = name.to_owned();
        member.get_mut(..1).into_iter().for_each(str::make_ascii_lowercase);
        check_length(value, &member, lengths).map(|()| Some(value))
    }
}

/// An error unless the text has that many characters.
pub(crate) fn check_length(text: &str, member: &str, lengths: RangeInclusive<usize>) -> Result<(), Refusal> {
    let (length, least, most) = (text.chars().count(), *lengths.start(), *lengths.end());
    if length < least {
        return Err(invalid(member, &format!("Member must have length greater than or equal to {least}")));
    }
    if length > most {
        return Err(invalid(member, &format!("Member must have length less than or equal to {most}")));
    }
    Ok(())
}

/// The value is left out: it may be a token.
pub(crate) fn invalid(member: &str, constraint: &str) -> Refusal {
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
        let call = Parameters::parse(form.as_bytes()).call(Duration::from_mins(15));
        call.map_or_else(|refusal| refusal.code(), |_| "")
    }

    #[test]
    fn takes_a_call_within_the_limits() {
        assert_eq!(code(&[]), "");
        assert_eq!(code(&[("DurationSeconds", Some("900"))]), "");
        assert_eq!(code(&[("DurationSeconds", Some("43200"))]), "");
        assert_eq!(code(&[("RoleSessionName", Some("a+=,.@-_Z"))]), "");
        assert_eq!(code(&[("Policy", Some(r#"{"Statement":[]}"#))]), "");
        assert_eq!(code(&[("Action", Some("GetCallerIdentity"))]), "");
        let chained = ("Action", Some("AssumeRole"));
        assert_eq!(code(&[chained, ("WebIdentityToken", None)]), "");
        assert_eq!(code(&[chained, ("DurationSeconds", Some("3600"))]), "");
        assert_eq!(code(&[chained, ("ExternalId", Some("a_Z+=,.@:/-"))]), "");
        assert_eq!(code(&[chained, ("ExternalId", Some(&"x".repeat(1224)))]), "");
    }

    #[test]
    fn takes_a_policy_of_the_longest_length() {
        let policy = format!(r#"{{"Statement":"{}"}}"#, "x".repeat(2048 - 16));
        assert_eq!(policy.len(), 2048);
        for action in ["AssumeRole", "AssumeRoleWithWebIdentity"] {
            assert_eq!(code(&[("Action", Some(action)), ("Policy", Some(&policy))]), "", "{action}");
            for (policy, refused) in [
                (format!("{policy} "), "ValidationError"),
                (String::new(), "ValidationError"),
                (policy.replace('}', ""), "MalformedPolicyDocument"),
                ("[]".to_owned(), "MalformedPolicyDocument"),
                ("{}".to_owned(), "MalformedPolicyDocument"),
            ] {
                let got = code(&[("Action", Some(action)), ("Policy", Some(&policy))]);
                assert_eq!(got, refused, "{action} {policy:.30}");
            }
        }
    }

    #[test]
    fn takes_shorter_times_where_it_is_told_to() {
        let parameters = Parameters::parse(b"DurationSeconds=5");
        assert_eq!(parameters.duration(Duration::from_secs(5)), Ok(Duration::from_secs(5)));
        assert_eq!(parameters.duration(Duration::from_secs(6)).unwrap_err().code(), "ValidationError");
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
        for (name, value) in [
            ("ExternalId", "x"),
            ("ExternalId", "two words"),
            ("ExternalId", &long_token[..1225]),
            ("DurationSeconds", "899"),
            ("DurationSeconds", "3601"),
            ("RoleSessionName", "a"),
            ("Tags.member.1.Key", "lonely"),
        ] {
            let changes = [("Action", Some("AssumeRole")), (name, Some(value))];
            assert_eq!(code(&changes), "ValidationError", "{name}={value:.60}");
        }
    }

    #[test]
    fn knows_three_calls_of_one_version() {
        assert_eq!(code(&[("Action", Some("GetSessionToken"))]), "InvalidAction");
        assert_eq!(code(&[("Version", Some("2010-05-08"))]), "InvalidAction");
    }
}
