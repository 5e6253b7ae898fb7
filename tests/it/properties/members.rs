//! Strategies for JSON objects and lists as the API server may send them: members absent, null or
//! unknown, elements that are null.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

/// Some members of an object.
pub type Members = Vec<(String, Value)>;

/// Members that no plan reads, of any shape.
pub fn extras() -> impl Strategy<Value = Members> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(vec!["", "~1/~0", "é\u{0}\"\\\n", "10m"]).prop_map(Value::from),
    ];
    let any_value = leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("x[a-c~/\"]{0,2}", inner), 0..3).prop_map(object),
        ]
    });
    prop_oneof![3 => Just(Vec::new()), 1 => vec(("x[A-C~/\"é]{0,3}", any_value), 1..3)]
}

pub fn object(members: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::from(members.into_iter().collect::<Map<_, _>>())
}

/// A member that may be absent or null.
pub fn maybe(
    name: &'static str,
    value: impl Strategy<Value = Value> + 'static,
) -> impl Strategy<Value = Members> {
    let value = value.boxed();
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Value::Null)),
        7 => value.prop_map(Some),
    ]
    .prop_map(move |value| value.map(|value| (name.to_owned(), value)).into_iter().collect())
}

/// A member that is there.
pub fn member(
    name: &'static str,
    value: impl Strategy<Value = impl Into<Value>> + 'static,
) -> impl Strategy<Value = Members> {
    value.prop_map(move |value| vec![(name.to_owned(), value.into())])
}

/// An object of these members and of some unknown ones.
pub fn record(members: Vec<BoxedStrategy<Members>>) -> BoxedStrategy<Value> {
    (members, extras())
        .prop_map(|(members, extras)| object(members.into_iter().flatten().chain(extras)))
        .boxed()
}

/// A list, rarely with a `null` among its elements.
pub fn list(
    element: impl Strategy<Value = Value> + 'static,
    length: impl Into<proptest::collection::SizeRange>,
) -> BoxedStrategy<Value> {
    (vec(element, length), option::weighted(0.02, any::<usize>()))
        .prop_map(|(mut elements, null)| {
            if let Some(place) = null {
                elements.insert(place % (elements.len() + 1), Value::Null);
            }
            Value::from(elements)
        })
        .boxed()
}
