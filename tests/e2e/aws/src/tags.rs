//! Session tags: what a call sends, what a session keeps, and what the next one inherits.
//!
//! Limits are those of the STS API reference; the words for what breaks them are those that callers of STS
//! have reported.

use std::collections::{BTreeMap, BTreeSet};

use crate::query::{Parameters, check_length, invalid};
use crate::refusal::Refusal;

const MOST: usize = 50;

/// Tags by their keys, of which no two differ in case alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    values: BTreeMap<String, String>,
    /// The keys, as in `values`, that sessions inherit which this one asks for.
    transitive: BTreeSet<String>,
}

impl Tags {
    /// Reads `Tags.member.N.Key` and `.Value`, and `TransitiveTagKeys.member.N`.
    pub fn parse(parameters: &Parameters) -> Result<Self, Refusal> {
        let mut tags = Self::default();
        let members = parameters.members("Tags");
        check_count("tags", members.len())?;
        for (number, parts) in members {
            let find = |part: &str| {
                let member = format!("tags.{number}.member.{}", part.to_lowercase());
                let value = parts.get(part).ok_or_else(|| invalid(&member, "Member must not be null"))?;
                Ok((*value, member))
            };
            let ((key, key_member), (value, value_member)) = (find("Key")?, find("Value")?);
            check_length(key, &key_member, 1..=128)?;
            check_length(value, &value_member, 0..=256)?;
            check_characters(key, &key_member)?;
            check_characters(value, &value_member)?;
            if tags.spelling(key).is_some() {
                return Err(Refusal::InvalidParameterValue(
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                ));
            }
            tags.values.insert(key.to_owned(), value.to_owned());
        }
        let members = parameters.members("TransitiveTagKeys");
        check_count("transitiveTagKeys", members.len())?;
        for (number, parts) in members {
            let key = parts.get("").copied().unwrap_or_default();
            check_length(key, &format!("transitiveTagKeys.{number}.member"), 1..=128)?;
            let Some(key) = tags.spelling(key).map(str::to_owned) else {
                return Err(Refusal::InvalidParameterValue(
                    "The specified transitive tag key must be included in the requested tags.",
                ));
            };
            tags.transitive.insert(key);
        }
        Ok(tags)
    }

    /// Tags that are all inherited, as EKS sets them.
    #[must_use]
    pub fn all_transitive<const COUNT: usize>(tags: [(&str, String); COUNT]) -> Self {
        let values: BTreeMap<_, _> = tags.map(|(key, value)| (key.to_owned(), value)).into();
        Self { transitive: values.keys().cloned().collect(), values }
    }

    /// These and what a session that is asked for with the caller's credentials inherits; it cannot be changed.
    pub fn inherit(&self, caller: &Self) -> Result<Self, Refusal> {
        let mut all = self.clone();
        for key in &caller.transitive {
            if self.spelling(key).is_some() {
                return Err(Refusal::InvalidParameterValue(
                    "One of the specified transitive tag keys can't be set because it conflicts with a \
                     transitive tag key from the calling session.",
                ));
            }
            all.transitive.insert(key.clone());
            all.values.extend(caller.values.get(key).map(|value| (key.clone(), value.clone())));
        }
        Ok(all)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All of them.
    #[must_use]
    pub fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// The keys of those that are inherited.
    #[must_use]
    pub fn transitive(&self) -> &BTreeSet<String> {
        &self.transitive
    }

    /// What a trust policy may look at.
    pub fn condition_values(&self) -> impl Iterator<Item = (String, String)> {
        self.values.iter().map(|(key, value)| (format!("aws:RequestTag/{key}"), value.clone()))
    }

    /// The key as it was written where it is one of these.
    fn spelling(&self, key: &str) -> Option<&str> {
        let key = key.to_lowercase();
        self.values.keys().map(String::as_str).find(|known| known.to_lowercase() == key)
    }
}

fn check_count(member: &str, count: usize) -> Result<(), Refusal> {
    if count > MOST {
        return Err(invalid(member, &format!("Member must have length less than or equal to {MOST}")));
    }
    Ok(())
}

fn check_characters(text: &str, member: &str) -> Result<(), Refusal> {
    let is_space = |character: char| character.is_whitespace() && !character.is_control();
    let is_known = |character: char| {
        character.is_alphanumeric() || is_space(character) || "_.:/=+-@".contains(character)
    };
    if !text.chars().all(is_known) {
        return Err(invalid(
            member,
            "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Tags, Refusal> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Tags::parse(&Parameters::parse(form.as_bytes()))
    }

    fn team(transitive: bool) -> Tags {
        let mut pairs = vec![("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "shop")];
        if transitive {
            pairs.push(("TransitiveTagKeys.member.1", "team"));
        }
        parse(&pairs).unwrap()
    }

    #[test]
    fn keeps_keys_as_they_were_written_and_finds_them_in_any_case() {
        assert_eq!(team(true).values(), &BTreeMap::from([("Team".to_owned(), "shop".to_owned())]));
        assert_eq!(team(true).transitive(), &BTreeSet::from(["Team".to_owned()]));
        assert!(parse(&[("Tags", "")]).unwrap().is_empty());
    }

    #[test]
    fn takes_fifty_tags_of_the_longest_length() {
        let tags = |count: usize| {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for number in 1..=count {
                form.append_pair(&format!("Tags.member.{number}.Key"), &format!("{number:0>128}"));
                form.append_pair(&format!("Tags.member.{number}.Value"), &"é".repeat(256));
                form.append_pair(&format!("TransitiveTagKeys.member.{number}"), &format!("{number:0>128}"));
            }
            Tags::parse(&Parameters::parse(form.finish().as_bytes()))
        };
        assert_eq!(tags(50).unwrap().transitive().len(), 50);
        assert_eq!(tags(51).unwrap_err().code(), "ValidationError");
    }

    #[test]
    fn refuses_what_breaks_a_limit() {
        let long = "x".repeat(257);
        for (key, value, transitive, code) in [
            ("", "", "", "ValidationError"),
            (&long[..129], "", "", "ValidationError"),
            ("a", &long, "", "ValidationError"),
            ("a;", "", "", "ValidationError"),
            ("a", "line\nbreak", "", "ValidationError"),
            ("a", "", &long[..129], "ValidationError"),
            ("a", "", "b", "InvalidParameterValue"),
            ("a", "_.:/=+-@ é", "A", ""),
        ] {
            let mut pairs = vec![("Tags.member.1.Key", key), ("Tags.member.1.Value", value)];
            pairs.extend((!transitive.is_empty()).then_some(("TransitiveTagKeys.member.1", transitive)));
            let got = parse(&pairs).map_or_else(|refusal| refusal.code(), |_| "");
            assert_eq!(got, code, "{key:.20} {value:.20} {transitive:.20}");
        }
        for lonely in ["Tags.member.1.Key", "Tags.member.1.Value", "Tags.member.7.Key"] {
            assert_eq!(parse(&[(lonely, "a")]).unwrap_err().code(), "ValidationError", "{lonely}");
        }
        let twice = [("Key", "a", 1), ("Value", "x", 1), ("Key", "A", 2), ("Value", "y", 2)]
            .map(|(part, text, number)| (format!("Tags.member.{number}.{part}"), text));
        let twice: Vec<_> = twice.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        assert_eq!(parse(&twice).unwrap_err().code(), "InvalidParameterValue");
    }

    #[test]
    fn inherits_transitive_tags_alone_and_lets_nobody_change_them() {
        assert!(Tags::default().inherit(&team(false)).unwrap().is_empty());
        let inherited = Tags::default().inherit(&team(true)).unwrap();
        assert_eq!(inherited, team(true));
        assert_eq!(Tags::default().inherit(&inherited).unwrap(), team(true), "by the next one too");
        assert_eq!(team(false).inherit(&team(true)).unwrap_err().code(), "InvalidParameterValue");
    }
}
