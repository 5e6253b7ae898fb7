//! Whatever the document and the additions: the rendered text says the patched value, and what
//! comes from patching nothing is the text itself.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::emit::{Block, Texts};
use crate::flow::Flow;
use crate::{Document, parse};

const TEXTS: &str =
    "[a-z]{0,3}|[yYnN0-9~.:# \\-+_xe]{0,5}|yes|Off|null|<<|(?s)[ -~\n\té\u{1}\u{2028}😀]{0,12}";

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000..1000).prop_map(|eighths| json!(f64::from(eighths) + 0.125)),
        TEXTS.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from), object(inner),]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((TEXTS, inner), 0..4)
        .prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<_, _>>()))
}

/// A way to write the document down before it is patched.
#[derive(Clone, Debug)]
enum Written {
    Block { step: usize, dash: usize, keys: Keys, carriage_return: bool, comments: bool, last_newline: bool },
    Yaml,
    Json { lines: bool },
}

/// Which keys are written explicitly, as bits for the lines in turn, and how their values stand.
#[derive(Clone, Copy, Debug)]
struct Keys {
    explicit: u8,
    /// Whether a collection begins on the line of the colon, where it is far enough to the right.
    compact: bool,
    /// Whether a null is left out, with its colon.
    bare: bool,
}

fn keys() -> impl Strategy<Value = Keys> {
    let explicit = prop_oneof![Just(0), any::<u8>()];
    (explicit, any::<bool>(), any::<bool>()).prop_map(|(explicit, compact, bare)| Keys {
        explicit,
        compact,
        bare,
    })
}

fn block() -> impl Strategy<Value = Written> {
    (1..5_usize, 0..5_usize, keys(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(step, dash, keys, carriage_return, comments, last_newline)| Written::Block {
            step,
            dash,
            keys,
            carriage_return,
            comments,
            last_newline,
        },
    )
}

fn written() -> impl Strategy<Value = Written> {
    prop_oneof![
        6 => block(),
        1 => Just(Written::Yaml),
        1 => any::<bool>().prop_map(|lines| Written::Json { lines }),
    ]
}

fn write(value: &Value, how: &Written) -> String {
    match how {
        Written::Block { step, dash, keys, carriage_return, comments, last_newline } => {
            let mut lines = Block { step: *step, dash: *dash, texts: Texts::Literal }.document(value);
            // What looks like a key, or a comment, within a literal block would be its text.
            let literal = lines.iter().any(|line| line.ends_with(['|', '-']));
            if !literal {
                lines = with_explicit_keys(lines, *keys);
            }
            let newline = if *carriage_return { "\r\n" } else { "\n" };
            let comment = if *comments && !literal {
                format!(" # c{newline}   # d{newline}")
            } else {
                newline.to_owned()
            };
            let text = lines.join(&comment);
            if *last_newline { text + newline } else { text }
        }
        Written::Yaml => Flow::yaml().compact(value) + " # c\n",
        Written::Json { lines: true } => serde_json::to_string_pretty(value).unwrap() + "\n",
        Written::Json { lines: false } => value.to_string(),
    }
}

/// Writes some of the keys in these lines of block YAML explicitly.
fn with_explicit_keys(lines: Vec<String>, keys: Keys) -> Vec<String> {
    let mut written: Vec<String> = Vec::new();
    let mut is_below_colon = false;
    for (place, mut line) in lines.into_iter().enumerate() {
        if let Some(colon) = written.last_mut().filter(|_| is_below_colon && keys.compact) {
            let (before, content) = line.split_at(colon.len());
            if before.trim_start().is_empty() && content.starts_with(' ') {
                line = format!("{colon}{content}");
                written.pop();
            }
        }
        is_below_colon = false;
        let column = line.len() - line.trim_start_matches([' ', '-', ':']).len();
        let (before, entry) = line.split_at(column);
        match split_entry(entry).filter(|_| keys.explicit >> (place % 8) & 1 == 1) {
            Some((key, value)) => {
                written.push(format!("{before}? {key}"));
                if !keys.bare || value != " null" {
                    written.push(format!("{:column$}:{value}", ""));
                    is_below_colon = value.is_empty();
                }
            }
            None => written.push(line),
        }
    }
    written
}

/// The key of an entry and what follows its colon; `None` for a line without a key.
fn split_entry(entry: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let mut quotes = 0;
    let end = entry.char_indices().find_map(|(at, character)| {
        let is_quote = character == '"' && !is_escaped;
        quotes += usize::from(is_quote);
        is_escaped = character == '\\' && !is_escaped;
        let behind = entry.get(at + 1..).unwrap_or_default();
        let ends_key = character == ':' && quotes != 1 && (behind.is_empty() || behind.starts_with(' '));
        ends_key.then_some(at)
    })?;
    Some((&entry[..end], &entry[end + 1..]))
}

/// Adds `added` somewhere in the value, the seed choosing where.
fn addition(value: &Value, seed: usize, key: &str, added: &Value) -> Value {
    let mut places = Vec::new();
    collections(value, String::new(), &mut places);
    let (path, collection) = &places[seed % places.len()];
    let escaped = key.replace('~', "~0").replace('/', "~1");
    let name = match collection {
        Value::Array(items) if seed.is_multiple_of(3) => (seed % (items.len() + 1)).to_string(),
        Value::Array(_) => "-".to_owned(),
        Value::Object(map) if seed.is_multiple_of(4) && !map.is_empty() => {
            let key = map.keys().nth(seed % map.len()).unwrap();
            key.replace('~', "~0").replace('/', "~1")
        }
        _ => escaped,
    };
    json!({"op": "add", "path": format!("{path}/{name}"), "value": added})
}

fn collections<'v>(value: &'v Value, path: String, places: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collections(item, format!("{path}/{index}"), places);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                collections(item, format!("{path}/{key}"), places);
            }
        }
        _ => return,
    }
    places.push((path, value));
}

/// Adds an entry or a last item to a collection that has some, the seed choosing which.
fn growth(value: &Value, seed: usize, added: &Value) -> Option<Value> {
    let mut places = Vec::new();
    collections(value, String::new(), &mut places);
    places.retain(|(_, value)| !value.as_array().is_some_and(Vec::is_empty) && *value != &json!({}));
    let (path, collection) = places.get(seed.checked_rem(places.len())?)?;
    let name = if collection.is_array() { "-" } else { "added~1here" };
    Some(json!({"op": "add", "path": format!("{path}/{name}"), "value": added}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_value_that_is_written_is_read_as_it_was(value in object(value())) {
        let text = crate::yaml(&value);
        prop_assert!(text.ends_with('\n'));
        let read = parse(&text).unwrap();
        prop_assert_eq!(read.documents().len(), 1);
        prop_assert!(crate::rewrite::is_same(read.documents()[0].value(), &value), "{}", text);
    }

    #[test]
    fn additions_leave_every_line_as_it_is(
        root in object(value()),
        how in block(),
        seed in any::<usize>(),
        added in value(),
    ) {
        let text = write(&root, &how);
        let growth = growth(&root, seed, &added).into_iter().collect::<Vec<_>>();
        let patch = serde_json::from_value(Value::from(growth)).unwrap();
        let rendered = parse(&text).unwrap().render(&[Some(patch)]).unwrap().text;
        let mut lines = rendered.lines();
        for line in text.lines() {
            prop_assert!(lines.any(|after| after == line), "{:?}\n{}\n=>\n{}", line, text, rendered);
        }
    }

    #[test]
    fn rendered_text_says_the_patched_value(
        root in object(value()),
        how in written(),
        additions in prop::collection::vec((any::<usize>(), TEXTS, value()), 1..5),
    ) {
        let text = write(&root, &how);
        let stream = parse(&text).unwrap();
        let read: Vec<&Value> = stream.documents().iter().map(Document::value).collect();
        prop_assert_eq!(&read, &[&root], "{}", &text);
        prop_assert_eq!(&stream.render(&[]).unwrap().text, &text);

        let mut patched = root.clone();
        let mut operations = Vec::new();
        for (seed, key, added) in additions {
            let operation = addition(&patched, seed, &key, &added);
            let one: json_patch::Patch = serde_json::from_value(json!([operation.clone()])).unwrap();
            json_patch::patch(&mut patched, &one).unwrap();
            operations.push(operation);
        }
        let patch = serde_json::from_value(Value::from(operations)).unwrap();
        let rendered = stream.render(&[Some(patch)]).unwrap().text;
        let read = parse(&rendered).unwrap();
        prop_assert_eq!(read.documents().len(), 1);
        prop_assert_eq!(read.documents()[0].value(), &patched, "{}\n=>\n{}", text, rendered);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s)[-a-z0-9:#?&*!|>'\"%@`{}\\[\\], \n\t\r~<.\u{0}é\u{feff}]{0,60}") {
        if let Ok(stream) = parse(&text) {
            prop_assert_eq!(stream.render(&[]).unwrap().text, text);
        }
    }
}
