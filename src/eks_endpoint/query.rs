//! What a query says, read as it was signed: a `+` is a plus, and an escape that is none stands for itself.

use percent_encoding::percent_decode_str;

use super::error::{ErrorName, ServiceError};

/// The parameters of a query, decoded. Parameters that nobody asks for are ignored, as EKS ignores them.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    refusal: ErrorName,
}

impl Query {
    /// Reads a query; errors about it have the name `refusal`.
    pub(super) fn read(query: Option<&str>, refusal: ErrorName) -> Result<Self, ServiceError> {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let pairs: Option<_> = pairs.map(|(name, value)| Some((decoded(name)?, decoded(value)?))).collect();
        let Some(pairs) = pairs else {
            return Err(refusal.error("The query has characters that are not UTF-8."));
        };
        Ok(Self { pairs, refusal })
    }

    /// The values of a parameter that may be repeated, in the order in which they were sent.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that is given once. An empty one is not there: some clients send what was not set.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, ServiceError> {
        let mut values = self.all(name);
        let value = values.next().filter(|value| !value.is_empty());
        if values.next().is_some() {
            return Err(self.refusal.error(format!("The parameter {name} is given more than once.")));
        }
        Ok(value)
    }
}

/// A part of a path or a query without its escapes; `None` where it is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<Query, ServiceError> {
        Query::read(Some(text), ErrorName::BadRequest)
    }

    #[test]
    fn parameters_are_decoded_after_they_are_split() {
        let query = query("a=1%262&tagKeys=b%2Fc&&tagKeys=x+y%3D&c&tagKeys=").unwrap();
        assert_eq!(query.one("a"), Ok(Some("1&2")));
        assert_eq!(query.one("c"), Ok(None));
        assert_eq!(query.one("A"), Ok(None));
        assert_eq!(query.all("tagKeys").collect::<Vec<_>>(), ["b/c", "x+y=", ""]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_under_the_name_of_the_call() {
        for error in [query("a=%ff").unwrap_err(), query("%c3=1").unwrap_err()] {
            assert_eq!((error.name, error.message.contains("UTF-8")), (ErrorName::BadRequest, true));
        }
        let error = query("a=1&a=").unwrap().one("a").unwrap_err();
        assert_eq!(
            (error.name, &*error.message),
            (ErrorName::BadRequest, "The parameter a is given more than once.")
        );
    }
}
