//! Whatever the document and the additions: the rendered text says the patched value, and what
//! comes from patching nothing is the text itself.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::emit::Block;
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
    Block { step: usize, dash: usize, carriage_return: bool, comments: bool, last_newline: bool },
    Yaml,
    Json { lines: bool },
}

fn written() -> impl Strategy<Value = Written> {
    prop_oneof![
        6 => (1..5_usize, 0..5_usize, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(step, dash, carriage_return, comments, last_newline)| Written::Block {
                step, dash, carriage_return, comments, last_newline
            }
        ),
        1 => Just(Written::Yaml),
        1 => any::<bool>().prop_map(|lines| Written::Json { lines }),
    ]
}

fn write(value: &Value, how: &Written) -> String {
    match how {
        Written::Block { step, dash, carriage_return, comments, last_newline } => {
            let lines = Block { step: *step, dash: *dash }.document(value);
            // A comment within a literal block would be its text.
            let literal = lines.iter().any(|line| line.ends_with(['|', '-']));
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

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
        prop_assert_eq!(&stream.render(&[]).unwrap(), &text);

        let mut patched = root.clone();
        let mut operations = Vec::new();
        for (seed, key, added) in additions {
            let operation = addition(&patched, seed, &key, &added);
            let one: json_patch::Patch = serde_json::from_value(json!([operation.clone()])).unwrap();
            json_patch::patch(&mut patched, &one).unwrap();
            operations.push(operation);
        }
        let patch = serde_json::from_value(Value::from(operations)).unwrap();
        let rendered = stream.render(&[Some(patch)]).unwrap();
        let read = parse(&rendered).unwrap();
        prop_assert_eq!(read.documents().len(), 1);
        prop_assert_eq!(read.documents()[0].value(), &patched, "{}\n=>\n{}", text, rendered);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s)[-a-z0-9:#?&*!|>'\"%@`{}\\[\\], \n\t\r~<.\u{0}é\u{feff}]{0,60}") {
        if let Ok(stream) = parse(&text) {
            prop_assert_eq!(stream.render(&[]).unwrap(), text);
        }
    }
}
