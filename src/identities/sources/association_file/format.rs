//! The format in which EKS feeds its own webhook:
//! `{"identities":[{"namespace":"ns","serviceAccount":"sa"}]}`.
//!
//! The text is read as Go reads it: names of members in any case, `null` as absent, the last of two members
//! of one name; everything else is skipped.

use std::borrow::Cow;

use injection::AccountName;
use injection::json::{self, Array, Elements, Fold, Object, Text, skip};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess};

use super::terms::WrittenTerms;
use crate::identities::association_set::{Associated, AssociationSet};
use crate::source::Complaint;

/// Why bytes are not a file of associations; the text quotes nothing of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssociationFileError {
    /// The bytes are not UTF-8, which JSON requires.
    #[error("not UTF-8 after {0} bytes")]
    NotUtf8(usize),
    /// The text is not JSON, or only the first part of a document.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// The text is JSON of another shape.
    #[error("not a list of associations: {expected} at line {line} column {column}")]
    Shape {
        /// What was expected there.
        expected: String,
        /// The line of the text, from 1.
        line: usize,
        /// The column of the line, from 1.
        column: usize,
    },
}

impl From<serde_json::Error> for AssociationFileError {
    fn from(error: serde_json::Error) -> Self {
        match json::expected(&error) {
            // `serde_json`'s own messages about syntax quote nothing of the text.
            None => Self::Syntax(error.to_string()),
            Some(expected) => Self::Shape { expected, line: error.line(), column: error.column() },
        }
    }
}

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AssociationFile {
    /// The accounts that it names.
    pub associations: AssociationSet,
    /// The complaint about entries that name no account, if there are any.
    pub complaint: Option<Complaint>,
}

impl AssociationFile {
    /// Reads a file's bytes; an empty or blank file has no associations.
    pub fn parse(bytes: &[u8]) -> Result<Self, AssociationFileError> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let text =
            std::str::from_utf8(bytes).map_err(|error| AssociationFileError::NotUtf8(error.valid_up_to()))?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let contents = Self::read(&mut deserializer)?;
        deserializer.end()?;
        Ok(contents)
    }

    /// Reads a document in any format that serde reads. Entries that name no account are skipped and
    /// reported; the others count all the same.
    pub(in crate::identities) fn read<'a, D: Deserializer<'a>>(document: D) -> Result<Self, D::Error> {
        let mut entries = AssociationsFold::default();
        Object(&mut entries).deserialize(document)?;
        let AssociationsFold { mut associations, complaint, count: _ } = entries;
        associations.shrink_to_fit();
        Ok(Self { associations, complaint: complaint.into_option() })
    }
}

/// One entry as it was written.
#[derive(Debug, Default)]
struct WrittenAssociation<'a> {
    namespace: Cow<'a, str>,
    service_account: Cow<'a, str>,
    terms: WrittenTerms,
}

impl WrittenAssociation<'_> {
    fn missing(&self) -> Option<&'static str> {
        match (self.namespace.is_empty(), self.service_account.is_empty()) {
            (true, _) => Some("namespace"),
            (false, true) => Some("serviceAccount"),
            (false, false) => None,
        }
    }
}

/// What the entries read so far come to. They are not kept: what is written in three bytes would take fifty.
#[derive(Default)]
struct AssociationsFold {
    associations: AssociationSet,
    complaint: Complaint,
    count: usize,
}

impl AssociationsFold {
    fn take(&mut self, entry: &WrittenAssociation<'_>) {
        match entry.missing() {
            None => {
                let account = AccountName::new(&entry.namespace, &entry.service_account);
                // Of the roles the policy learns nothing here: the agent, which hands them out, asks it.
                let associated = Associated { roles: None, terms: entry.terms.terms() };
                self.associations.insert_with(account, associated);
            }
            Some(missing) => {
                self.complaint.add(format_args!("identities[{}] has no {missing}", self.count));
            }
        }
        self.count += 1;
    }
}

impl<'a> Fold<'a> for AssociationsFold {
    const WHAT: &'static str = "an object with the member identities";

    fn member<A: MapAccess<'a>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key_seed(Text)? {
            None => return Ok(false),
            Some(name) if name.eq_ignore_ascii_case("identities") => {
                *self = Self::default();
                map.next_value_seed(Array(List(self)))?;
            }
            Some(_) => skip(map)?,
        }
        Ok(true)
    }
}

struct List<'e>(&'e mut AssociationsFold);

impl<'a> Elements<'a> for List<'_> {
    const WHAT: &'static str = "an array of objects with namespace and serviceAccount";

    fn element<A: SeqAccess<'a>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut entry = WrittenAssociation::default();
        let is_there = seq.next_element_seed(Object(&mut entry))?.is_some();
        if is_there {
            self.0.take(&entry);
        }
        Ok(is_there)
    }
}

impl<'a> Fold<'a> for WrittenAssociation<'a> {
    const WHAT: &'static str = "an object with namespace and serviceAccount";

    fn member<A: MapAccess<'a>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key_seed(Text)? {
            None => return Ok(false),
            Some(name) if name.eq_ignore_ascii_case("namespace") => {
                self.namespace = map.next_value_seed(Text)?
            }
            Some(name) if name.eq_ignore_ascii_case("serviceAccount") => {
                self.service_account = map.next_value_seed(Text)?;
            }
            Some(name) if WrittenTerms::has(&name) => self.terms.set(&name, map.next_value()?),
            Some(_) => skip(map)?,
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let AssociationFile { associations, complaint } = AssociationFile::parse(text.as_bytes()).unwrap();
        assert_eq!(complaint, None, "{text}");
        let mut names: Vec<_> = associations.iter().map(|account| account.to_string()).collect();
        names.sort_unstable();
        names
    }

    fn refused(bytes: impl AsRef<[u8]>) -> String {
        AssociationFile::parse(bytes.as_ref()).unwrap_err().to_string()
    }

    #[test]
    fn reads_what_eks_writes() {
        assert_eq!(
            read(
                r#"{"identities":[{"namespace":"ns","serviceAccount":"sa"},{"namespace":"a","serviceAccount":"b"}]}"#
            ),
            ["a/b", "ns/sa"]
        );
    }

    #[test]
    fn reads_what_go_would_read() {
        for (text, expected) in [
            // Duplicates, and unknown members.
            (
                r#"{"x":{"y":[null]},"identities":[{"namespace":"a","serviceAccount":"b","roleArn":[1]},
                    {"serviceAccount":"b","namespace":"a"}],"version":2}"#,
                &["a/b"][..],
            ),
            // Names in any case, escapes, and the last of two members of one name.
            (r#"{"Identities":[{"NAMESPACE":"\u0061","serviceaccount":"b"}]}"#, &["a/b"]),
            (r#"{"identities":[{"namespace":"x","serviceAccount":"b","namespace":"a"}]}"#, &["a/b"]),
            (
                r#"{"identities":[{"namespace":"x","serviceAccount":"y"}],"identities":[{"namespace":"a","serviceAccount":"b"}]}"#,
                &["a/b"],
            ),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_no_associations() {
        for text in
            ["", " \n\t", "{}", "null", r#"{"identities":null}"#, r#"{"identities":[]}"#, r#"{"x":1}"#]
        {
            assert_eq!(read(text), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn entries_that_name_no_account_are_passed_over_and_told_of() {
        let text = r#"{"identities":[{"namespace":"a","serviceAccount":"b"},{"namespace":"a","service_account":"c"},
            null,{"namespace":"","serviceAccount":"d"},{"serviceAccount":null,"namespace":"e"}]}"#;
        let AssociationFile { associations, complaint } = AssociationFile::parse(text.as_bytes()).unwrap();
        assert_eq!(associations, [("a", "b")].into_iter().collect());
        let told = "entries passed over: 4: identities[1] has no serviceAccount; identities[2] has no namespace; \
                    identities[3] has no namespace; identities[4] has no serviceAccount";
        assert_eq!(complaint.unwrap().to_string(), told);
    }

    #[test]
    fn says_what_is_wrong_and_where_and_quotes_nothing() {
        // The column is serde_json's, at or behind the value.
        let shape = |expected: &str, line| {
            format!("not a list of associations: expected {expected} at line {line} column ")
        };
        let (document, entry) =
            ("an object with the member identities", "an object with namespace and serviceAccount");
        let list = "an array of objects with namespace and serviceAccount";
        for (text, message) in [
            ("[]", shape(document, 1)),
            ("\"hush\"", shape(document, 1)),
            ("7", shape(document, 1)),
            ("{\n\"identities\": {}}", shape(list, 2)),
            ("{\"identities\":\"hush, expected nothing\"}", shape(list, 1)),
            ("{\"identities\":[\n[\"ns\",\"sa\"]]}", shape(entry, 2)),
            ("{\"identities\":[\"hush\"]}", shape(entry, 1)),
            ("{\"identities\":[{\"namespace\":7}]}", shape("a string", 1)),
            ("{\"identities\":[{\"namespace\":[\"hush\"]}]}", shape("a string", 1)),
            ("{\"identities\":[", "not JSON: EOF while parsing a list at line 1 column 15".into()),
            ("{\"identities\":[]}}", "not JSON: trailing characters at line 1 column 18".into()),
            ("\0\0\0", "not JSON: expected value at line 1 column 1".into()),
            ("{\"identities\":[]}\0", "not JSON: trailing characters at line 1 column 18".into()),
            ("identities: []", "not JSON: expected value at line 1 column 1".into()),
            ("\u{feff}{}", "not JSON: expected value at line 1 column 1".into()),
        ] {
            let refused = refused(text);
            let is_whole = !message.ends_with(' ');
            assert!(refused == message || !is_whole && refused.starts_with(&message), "{text}: {refused}");
            assert!(!refused.contains("hush"), "{refused}");
        }
        assert_eq!(refused(b"{\"identities\":\xff}"), "not UTF-8 after 14 bytes");
        for text in ["[[\"hush\"]]", "{\"hush\":", "{\"identities\":[{\"hush\":\"hush\""] {
            assert!(!refused(text).contains("hush"), "{text}");
        }
    }

    #[test]
    fn every_part_of_a_file_is_refused() {
        let text = r#"{"identities":[{"namespace":"ns","serviceAccount":"sa"}]}"#;
        for end in 1..text.len() {
            assert!(refused(&text[..end]).starts_with("not JSON: EOF"), "{}", &text[..end]);
        }
    }

    #[test]
    fn depth_does_no_harm() {
        let deep = "[".repeat(1 << 20);
        assert!(refused(&deep).starts_with("not a list of associations: expected an object"), "not a list");
        assert!(refused(format!("{{\"x\":{deep}")).starts_with("not JSON: "));
        let closed = format!("{{\"x\":{deep}{},\"identities\":[]}}", "]".repeat(1 << 20));
        assert_eq!(
            AssociationFile::parse(closed.as_bytes()).map(|contents| contents.associations.len()),
            Ok(0)
        );
    }
}
