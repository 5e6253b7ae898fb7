//! The fields of a kubeconfig, of `k8s.io/client-go/tools/clientcmd/api/v1`, and what their values are.

use serde_json::{Map, Value};

use super::error::KubeconfigError;

/// What a field's value is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    Boolean,
    Texts,
    /// Lists of texts by name.
    TextLists,
    /// An object with these fields.
    Object(Fields),
    /// A list of such objects.
    Objects(Fields),
    Anything,
}

pub(super) type Fields = &'static [(&'static str, Kind)];

pub(super) const CONFIG: Fields = &[
    ("apiVersion", Kind::Text),
    ("kind", Kind::Text),
    ("preferences", Kind::Anything),
    ("clusters", Kind::Objects(&[("name", Kind::Text), ("cluster", Kind::Anything)])),
    ("users", Kind::Objects(&[("name", Kind::Text), ("user", Kind::Anything)])),
    ("contexts", Kind::Objects(&[("name", Kind::Text), ("context", Kind::Anything)])),
    ("current-context", Kind::Text),
    ("extensions", Kind::Anything),
];

pub(super) const CONTEXT: Fields = &[
    ("cluster", Kind::Text),
    ("user", Kind::Text),
    ("namespace", Kind::Text),
    ("extensions", Kind::Anything),
];

pub(super) const CLUSTER: Fields = &[
    ("server", Kind::Text),
    ("tls-server-name", Kind::Text),
    ("insecure-skip-tls-verify", Kind::Boolean),
    ("certificate-authority", Kind::Text),
    ("certificate-authority-data", Kind::Text),
    ("proxy-url", Kind::Text),
    ("disable-compression", Kind::Boolean),
    ("extensions", Kind::Objects(&[("name", Kind::Text), ("extension", Kind::Anything)])),
];

pub(super) const USER: Fields = &[
    ("client-certificate", Kind::Text),
    ("client-certificate-data", Kind::Text),
    ("client-key", Kind::Text),
    ("client-key-data", Kind::Text),
    ("token", Kind::Text),
    ("tokenFile", Kind::Text),
    ("as", Kind::Text),
    ("as-uid", Kind::Text),
    ("as-groups", Kind::Texts),
    ("as-user-extra", Kind::TextLists),
    ("username", Kind::Text),
    ("password", Kind::Text),
    ("auth-provider", Kind::Anything),
    ("exec", Kind::Object(EXEC)),
    ("extensions", Kind::Anything),
];

const EXEC: Fields = &[
    ("command", Kind::Text),
    ("args", Kind::Texts),
    ("env", Kind::Objects(&[("name", Kind::Text), ("value", Kind::Text)])),
    ("apiVersion", Kind::Text),
    ("installHint", Kind::Text),
    ("provideClusterInfo", Kind::Boolean),
    ("interactiveMode", Kind::Text),
];

/// Looks whether the values are what they have to be, and removes `null`, which is none; notes the fields that nobody
/// knows. `path` is where the object is.
pub(super) fn check(
    object: &mut Map<String, Value>,
    fields: Fields,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), KubeconfigError> {
    object.retain(|_, value| !value.is_null());
    for (name, value) in object {
        let field = format!("{path}{name}");
        let Some((_, kind)) = fields.iter().find(|(known, _)| known == name) else {
            unknown.push(field);
            continue;
        };
        kind.check(value, &field, unknown)?;
    }
    Ok(())
}

impl Kind {
    fn check(self, value: &mut Value, field: &str, unknown: &mut Vec<String>) -> Result<(), KubeconfigError> {
        let texts = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
        let lists = |value: &Value| value.as_object().is_some_and(|all| all.values().all(texts));
        let expected = match (self, value) {
            (Self::Anything, _) => return Ok(()),
            (Self::Text, value) if value.is_string() => return Ok(()),
            (Self::Boolean, value) if value.is_boolean() => return Ok(()),
            (Self::Texts, value) if texts(value) => return Ok(()),
            (Self::TextLists, value) if lists(value) => return Ok(()),
            (Self::Object(fields), Value::Object(object)) => {
                return check(object, fields, &format!("{field}."), unknown);
            }
            (Self::Objects(fields), Value::Array(all)) if all.iter().all(Value::is_object) => {
                let path = format!("{field}[].");
                let objects = all.iter_mut().filter_map(Value::as_object_mut);
                return objects.into_iter().try_for_each(|object| check(object, fields, &path, unknown));
            }
            (Self::Text, _) => "a text: put it in quotes",
            (Self::Boolean, _) => "true or false",
            (Self::Texts, _) => "a list of texts",
            (Self::TextLists, _) => "lists of texts by name",
            (Self::Object(_), _) => "a mapping",
            (Self::Objects(_), _) => "a list of mappings",
        };
        Err(KubeconfigError::field(field, format!("is not {expected}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table's rows of this heading, by their first cell.
    fn documented(heading: &str) -> Vec<&'static str> {
        let page = include_str!("../../../docs/reference.md");
        let (_, rest) = page.split_once("### Fields of a kubeconfig").expect("the section");
        let section = rest.split("\n#").next().unwrap();
        let prefix = format!("| `{heading}");
        let rows = section.lines().filter_map(|line| line.strip_prefix(prefix.as_str()));
        let rows: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
        assert!(!rows.is_empty(), "{heading}");
        rows
    }

    #[test]
    fn every_field_has_its_row_in_the_reference() {
        for (heading, fields) in
            [("contexts[].context.", CONTEXT), ("clusters[].cluster.", CLUSTER), ("users[].user.", USER)]
        {
            let names = fields.iter().map(|(name, _)| *name);
            let exec = EXEC.iter().map(|(name, _)| format!("exec.{name}"));
            let names: Vec<_> = match heading {
                "users[].user." => names.map(str::to_owned).chain(exec).collect(),
                _ => names.map(str::to_owned).collect(),
            };
            let rows = documented(heading);
            let missing: Vec<_> = names.iter().filter(|name| !rows.contains(&name.as_str())).collect();
            assert!(missing.is_empty(), "docs/reference.md has no row of {heading}: {missing:?}");
            let wrong: Vec<_> = rows.iter().filter(|row| !names.iter().any(|name| name == *row)).collect();
            assert!(
                wrong.is_empty(),
                "docs/reference.md has rows that are no fields of {heading}: {wrong:?}"
            );
        }
    }
}
