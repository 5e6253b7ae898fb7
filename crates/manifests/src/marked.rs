//! Reads a text that holds one document, for files whose mistakes must be found rather than ignored:
//! every value has its line, and duplicate keys, aliases and a second document are errors. Scalars
//! mean what they mean in manifests.

use super::compose::{is_merge, key_text};
use super::error::{Error, Fault, Problem};
use super::scalar::{self, Scalar};
use super::split;
use super::tree::{self, KeyValue, Kind, Node};

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The line of the text on which the value begins, from 1.
    pub line: usize,
    /// What the value is.
    pub value: MarkedValue,
}

/// What a value is: a text, a list or a mapping in full, anything else by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkedValue {
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Marked>),
    /// A mapping in the order in which it is written; all keys differ.
    Mapping(Vec<(String, Marked)>),
    /// Any other value, by the name of its type.
    Other(&'static str),
}

/// Reads the one document of a text in YAML or JSON; `None` if there are only comments, blanks or null.
///
/// # Errors
///
/// The first place that [`super::parse`] refuses too, or that is a second document, a duplicate key or
/// an alias.
pub fn document(text: &str) -> Result<Option<Marked>, Error> {
    let mut found = None;
    for piece in split::split(text)?.into_iter().filter(|piece| piece.value.is_some()) {
        if found.replace(piece.body..piece.range.end).is_some() {
            let problem = Problem::SecondDocument;
            return Err(Error { document: 2, line: piece.line, column: None, problem });
        }
    }
    let Some(range) = found else {
        return Ok(None);
    };
    let before = text.get(..range.start).unwrap_or_default().matches('\n').count();
    read(text.get(range).unwrap_or_default(), before).map_err(|Fault { line, column, problem }| Error {
        document: 1,
        line: before + line,
        column,
        problem,
    })
}

fn read(body: &str, before: usize) -> Result<Option<Marked>, Fault> {
    // Kubernetes' reader ignores what follows such a line, which may be half of the document.
    if let Some(end) = body.lines().position(|line| line == "..." || line.starts_with("... ")) {
        return Err(Fault::at(end + 1, Problem::SecondDocument));
    }
    tree::read(body)?.map(|root| mark(&root, before)).transpose()
}

/// The value of a node, `before` lines into the text.
fn mark(node: &Node, before: usize) -> Result<Marked, Fault> {
    let value = match &node.kind {
        Kind::Scalar { text, style } => {
            let scalar = scalar::resolve(text, *style, node.tag.as_deref());
            match scalar.map_err(|problem| Fault::at(node.line, problem))? {
                Scalar::Text(text) => MarkedValue::Text(text),
                Scalar::Null => MarkedValue::Other("null"),
                Scalar::Bool(_) => MarkedValue::Other("a boolean"),
                Scalar::Int(_) | Scalar::Uint(_) | Scalar::Float(_) => MarkedValue::Other("a number"),
            }
        }
        Kind::Sequence { items, .. } => {
            let items: Result<_, _> = items.iter().map(|item| mark(item, before)).collect();
            MarkedValue::List(items?)
        }
        Kind::Mapping { pairs, .. } => MarkedValue::Mapping(mapping(pairs, before)?),
        Kind::Alias { .. } => return Err(Fault::at(node.line, Problem::Aliased)),
    };
    Ok(Marked { line: before + node.line, value })
}

fn mapping(pairs: &[KeyValue], before: usize) -> Result<Vec<(String, Marked)>, Fault> {
    let mut members = Vec::with_capacity(pairs.len());
    let mut names = std::collections::HashSet::with_capacity(pairs.len());
    for KeyValue { key, value } in pairs {
        let fault = |problem| Fault::at(key.line, problem);
        if is_merge(key) {
            return Err(fault(Problem::Aliased));
        }
        let name = key_text(key).ok_or_else(|| fault(Problem::Key))?;
        if !names.insert(name.clone()) {
            return Err(fault(Problem::DuplicateKey(name)));
        }
        members.push((name, mark(value, before)?));
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: usize, text: &str) -> Marked {
        Marked { line, value: MarkedValue::Text(text.to_owned()) }
    }

    fn refused(text: &str) -> (usize, String) {
        let error = document(text).unwrap_err();
        (error.line, error.problem.to_string())
    }

    #[test]
    fn every_value_has_its_line_in_yaml_and_in_json() {
        for (document_text, lines) in [
            ("# ours\n---\n# more\na:\n- x\n- 'y'\nb: 7\n", [4, 5, 6, 7]),
            ("{\n\t\"a\": [\n\t\t\"x\",\n\n\t\t\"y\"\n\t],\n\t\"b\": 7\n}\n", [2, 3, 5, 7]),
            ("\n{\"a\": [\"x\", \"\\u0079\"], \"b\": 7}", [2, 2, 2, 2]),
        ] {
            let Some(Marked { value: MarkedValue::Mapping(members), .. }) = document(document_text).unwrap()
            else {
                panic!("{document_text}");
            };
            let [(a, Marked { value: list, .. }), (b, seven)] = members.as_slice() else {
                panic!("{members:?}");
            };
            assert_eq!((a.as_str(), b.as_str()), ("a", "b"));
            let [_, x, y, number] = lines;
            assert_eq!(*list, MarkedValue::List(vec![text(x, "x"), text(y, "y")]), "{document_text}");
            assert_eq!(*seven, Marked { line: number, value: MarkedValue::Other("a number") });
        }
    }

    #[test]
    fn scalars_mean_what_they_mean_in_manifests() {
        for (written, value) in [
            ("on", MarkedValue::Other("a boolean")),
            ("0644", MarkedValue::Other("a number")),
            ("1.5", MarkedValue::Other("a number")),
            ("'on'", MarkedValue::Text("on".to_owned())),
            ("!!str 7", MarkedValue::Text("7".to_owned())),
            ("[~]", MarkedValue::List(vec![Marked { line: 1, value: MarkedValue::Other("null") }])),
        ] {
            assert_eq!(document(written).unwrap().unwrap().value, value, "{written}");
        }
        for nothing in ["", "# x\n", "---\n---\n", "null", "~"] {
            assert_eq!(document(nothing).unwrap(), None, "{nothing:?}");
        }
    }

    #[test]
    fn what_would_be_read_past_in_a_manifest_is_refused_with_its_line() {
        for (text, line, problem) in [
            ("a: 1\nb: 2\na: 3\n", 3, "duplicate key \"a\""),
            ("{\"a\":1,\n\"\\u0061\":2}", 2, "duplicate key \"a\""),
            ("x:\n- {b: 1, 'b': 2}\n", 2, "duplicate key \"b\""),
            ("a: 1\n---\nb: 2\n", 3, "more than one document"),
            ("{\"a\":1}\n{\"b\":2}", 2, "more than one document"),
            ("---\na: 1\n...\nb: 2\n", 3, "more than one document"),
            ("a: &x [1]\nb: *x\n", 2, "aliases and merge keys are not supported here; write the value out"),
            ("a: {}\n<<: {b: 1}\n", 2, "aliases and merge keys are not supported here; write the value out"),
            ("a: 1\n? [b]\n: 2\n", 2, "a mapping key has to be a string, number or boolean"),
        ] {
            assert_eq!(refused(text), (line, problem.to_owned()), "{text}");
        }
        assert_eq!(refused("a: 1\nb: [\n").0, 2);
        assert_eq!(refused("a: \"\0\"").1, "character U+0000 is not allowed in YAML");
        assert_eq!(refused(&"[".repeat(1 << 16)).1, "recursion limit exceeded");
    }
}
