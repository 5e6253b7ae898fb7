//! Reading: any bytes are read or refused, in any order of members, and never quoted back.

use injection::annotation::Prefix;
use injection::grant::{AssociationGrant, Preferences, RoleGrant, RoleSource};
use injection::review::ReviewError;
use injection::{Candidate, Found, Grant, Review, Rules, decide};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::case::{admit, case, creation};
use super::cases;
use super::settings::{PREFIX, plain};
use crate::support::cases::Case as Golden;
use crate::support::reviews;

/// The value with the members of all objects the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().rev().map(|(name, value)| (name.clone(), reversed(value)));
            Value::from(members.collect::<Map<_, _>>())
        }
        Value::Array(elements) => elements.iter().map(reversed).collect(),
        other => other.clone(),
    }
}

/// Does everything that a server does with bytes; the answer does not matter here.
fn run(body: &[u8]) {
    let defaults = plain();
    let Ok(review) = Review::decode(body, &defaults.annotation_prefix) else {
        return;
    };
    let role_arn = "arn:aws:iam::123456789012:role/app".into();
    let (source, preferences) = (RoleSource::Annotation, Preferences::default());
    let role = RoleGrant { role_arn, source, audience: None, preferences };
    for grant in [Grant::Role(role), Grant::Association(AssociationGrant::default())] {
        let rules = Rules { defaults: &defaults, policy: None, sources: &[] };
        if let Some(candidate) = Candidate::of_review(&review, None) {
            drop(decide(&candidate, &Found::from(grant), &rules).answer(&review));
        }
    }
}

/// One edit of a body.
#[derive(Debug, Clone)]
enum Edit {
    Flip(Index, u8),
    Delete(Index, usize),
    Insert(Index, Vec<u8>),
    Member(Index, &'static str),
    Cut(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let token = select(vec![
        &b"null"[..],
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\\u0061",
        b"\\ud800",
        b"1e999",
        b"\xff",
        b"-",
    ]);
    prop_oneof![
        (any::<Index>(), 1..=255_u8).prop_map(|(place, bits)| Edit::Flip(place, bits)),
        (any::<Index>(), 1..20_usize).prop_map(|(place, length)| Edit::Delete(place, length)),
        (any::<Index>(), token).prop_map(|(place, token)| Edit::Insert(place, token.to_vec())),
        any::<Index>().prop_map(Edit::Cut),
    ]
}

/// An edit that adds a member at the start of some object: the body stays JSON.
fn member() -> impl Strategy<Value = Edit> {
    let member = select(vec![
        r#""env":[],"env":null,"#,
        r#""volumeMounts":null,"volumeMounts":[],"#,
        r#""spec":{},"metadata":null,"#,
        r#""labels":null,"annotations":[],"#,
        r#""containers":[null],"volumes":[null],"#,
        r#""projected":{},"projected":null,"#,
        r#""serviceAccountToken":null,"#,
        r#""name":null,"#,
        r#""uid":"","operation":"DELETE","#,
    ]);
    (any::<Index>(), member).prop_map(|(place, member)| Edit::Member(place, member))
}

fn edited(mut body: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        if body.is_empty() {
            break;
        }
        match edit {
            Edit::Flip(place, bits) => {
                let place = place.index(body.len());
                body[place] ^= bits;
            }
            Edit::Delete(place, length) => {
                let place = place.index(body.len());
                body.drain(place..body.len().min(place + length));
            }
            Edit::Insert(place, token) => {
                let place = place.index(body.len());
                body.splice(place..place, token.iter().copied());
            }
            Edit::Member(place, member) => {
                let braces = body.iter().enumerate().filter(|(_, byte)| **byte == b'{');
                let places: Vec<_> = braces.map(|(place, _)| place + 1).collect();
                if !places.is_empty() {
                    let place = *place.get(&places);
                    body.splice(place..place, member.bytes());
                }
            }
            Edit::Cut(place) => body.truncate(place.index(body.len())),
        }
    }
    body
}

/// A text that is never part of the webhook's own words.
const MARKER: &str = "XyZZy";
/// A number that is never part of the webhook's own words.
const NUMBER: u64 = 7_700_770_077;

/// Places of a value, as JSON pointers.
fn places(value: &Value, here: String, found: &mut Vec<String>) {
    let escape = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| places(value, format!("{here}/{}", escape(name)), found));
        }
        Value::Array(elements) => {
            let elements = elements.iter().enumerate();
            elements.for_each(|(index, value)| places(value, format!("{here}/{index}"), found));
        }
        _ => {}
    }
    found.push(here);
}

/// A secret in one of the shapes in which it may come where something else is expected.
fn secret() -> impl Strategy<Value = Value> {
    select(vec![
        json!(MARKER),
        json!(format!("{MARKER}, expected {MARKER}")),
        json!(format!(", expected {MARKER} at line {MARKER}")),
        json!(format!("a\", expected {MARKER} at line 1 column 1")),
        json!(format!("`{MARKER}`")),
        json!(NUMBER),
        json!(-7_700_770_077_i64),
        json!(7_700_770_077.5),
        json!([MARKER]),
        json!([[MARKER, NUMBER]]),
        json!({MARKER: MARKER}),
        json!({MARKER: {MARKER: NUMBER}}),
        json!(true),
    ])
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn order_of_members_does_not_matter(case in case()) {
        let other = admit(&reversed(&case.review).to_string(), &case.grant, &case.defaults);
        let one = case.admit();
        // The lists of containers are judged in the order in which they stand.
        let operations = |patch: &Option<Vec<u8>>| {
            let bytes = patch.as_deref().unwrap_or(b"[]");
            let operations: Vec<Value> = serde_json::from_slice(bytes).unwrap();
            let mut texts: Vec<_> = operations.iter().map(Value::to_string).collect();
            texts.sort();
            texts
        };
        prop_assert_eq!(operations(&one.patch), operations(&other.patch));
        prop_assert_eq!(case.patched(one.patch.as_deref()), case.patched(other.patch.as_deref()));
        let sorted = |mut warnings: Vec<String>| { warnings.sort(); warnings };
        prop_assert_eq!(sorted(one.warnings), sorted(other.warnings));
        prop_assert_eq!(one.seen, other.seen);
    }

    #[test]
    fn error_holds_nothing_of_what_was_sent(
        case in creation(),
        place in any::<Index>(),
        secret in secret(),
        twice in any::<bool>(),
        other_way in any::<bool>(),
    ) {
        let mut review = case.review;
        let mut found = Vec::new();
        places(&review, String::new(), &mut found);
        *review.pointer_mut(&found[place.index(found.len())]).unwrap() = secret;
        if other_way {
            review = reversed(&review);
        }
        let mut body = review.to_string();
        if twice {
            body = body.replacen("\"spec\":", &format!("\"spec\":\"{MARKER}\",\"spec\":"), 1);
        }
        if let Err(error) = Review::decode(body.as_bytes(), &Prefix::new(PREFIX).unwrap()) {
            let text = format!("{error} {error:?}");
            prop_assert!(!text.contains(MARKER) && !text.contains("7700770077"), "{}", text);
        }
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn any_bytes_are_read_or_refused(body in vec(any::<u8>(), 0..200)) {
        run(&body);
    }

    #[test]
    fn any_text_is_read_or_refused(body in "[\\[\\]{}\":,nul0-9a-c \\\\]{0,60}") {
        run(body.as_bytes());
    }
}

#[test]
fn any_edit_of_a_golden_review_is_read_or_refused() {
    let goldens: Vec<Vec<u8>> = Golden::all().iter().map(Golden::review).collect();
    let mut runner = proptest::test_runner::TestRunner::new(cases(1500));
    let edits = prop_oneof![vec(edit(), 1..4), vec(member(), 1..4)];
    let edits = (any::<Index>(), edits);
    runner
        .run(&edits, |(golden, edits)| {
            run(&edited(golden.get(&goldens).clone(), &edits));
            Ok(())
        })
        .unwrap();
}

#[test]
fn error_does_not_take_a_value_for_its_own_words() {
    let prefix = Prefix::new(PREFIX).unwrap();
    for (metadata, expected) in [
        (json!(format!("x, expected {MARKER} at line 1")), "expected a pod's metadata"),
        (json!({"labels": format!("{MARKER}, expected {MARKER}")}), "expected labels"),
        (json!({"name": NUMBER}), "expected a string"),
    ] {
        let review = reviews::creation("shop", &json!({"metadata": metadata}));
        match Review::decode(review.to_string().as_bytes(), &prefix) {
            Err(ReviewError::Shape { expected: told, .. }) => assert_eq!(told, expected),
            other => panic!("{other:?}"),
        }
    }
}
