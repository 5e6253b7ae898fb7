//! Every request that AWS publishes with its signature is taken as it is, and refused with any character changed.

use super::published::{Case, Request, cases};

/// Signed with a path that was normalised first. Requests to EKS are verified as they are sent: if `//` and `..` were
/// removed before the check, a signature for one resource would be taken for another that the path names as it stands.
const NORMALISED: [&str; 6] = [
    "get-relative-normalized",
    "get-relative-relative-normalized",
    "get-slash-dot-slash-normalized",
    "get-slash-normalized",
    "get-slash-pointless-dot-normalized",
    "get-slashes-normalized",
];

/// Sent with a session token: the endpoint's key has none.
const SESSIONS: [&str; 3] =
    ["get-vanilla-with-session-token", "post-sts-header-after", "post-sts-header-before"];

/// Signed with a key that is not published.
const OTHER_KEY: [&str; 1] = ["double-encode-path"];

/// The others.
const TAKEN: usize = 30;

fn is_left_out(name: &str) -> bool {
    NORMALISED.contains(&name) || SESSIONS.contains(&name) || OTHER_KEY.contains(&name)
}

#[test]
fn published_requests_are_taken() {
    let all = cases();
    let taken: Vec<_> = all.iter().filter(|(name, _)| !is_left_out(name)).collect();
    for (name, folder) in &taken {
        let case = Case::read(folder);
        let verified = case.request.verified(&case.verifier, case.date);
        assert_eq!(verified, Ok(()), "{name}");
    }
    // A suite that grows is looked at again.
    let left_out = NORMALISED.len() + SESSIONS.len() + OTHER_KEY.len();
    assert_eq!((taken.len(), all.len()), (TAKEN, TAKEN + left_out));
}

#[test]
fn published_requests_of_sessions_other_keys_and_normalised_paths_are_refused() {
    for (name, folder) in cases() {
        let case = Case::read(&folder);
        if is_left_out(&name) {
            let error = case.request.verified(&case.verifier, case.date).unwrap_err();
            assert_eq!(error.name.as_str(), "UnrecognizedClientException", "{name}");
            assert_eq!(error.message.contains("session"), SESSIONS.contains(&&*name), "{name}: {error}");
        }
    }
}

#[test]
fn published_requests_are_refused_with_any_character_changed() {
    let mut tried = 0;
    for (name, folder) in cases().into_iter().filter(|(name, _)| !is_left_out(name)) {
        let case = Case::read(&folder);
        // Without a path a request is one for `/`.
        for changed in changes(&case.request).iter().filter(|changed| !changed.path.is_empty()) {
            assert!(!case.takes(changed), "{name}: {changed:?}");
            tried += 1;
        }
    }
    assert!(tried > 5000, "{tried}");
}

/// The request with one character of its method, path, query, body or headers changed, removed or added, in every way
/// that changes what it says.
fn changes(request: &Request) -> Vec<Request> {
    let mut changed = Vec::new();
    let mut all =
        |text: &str, with: &dyn Fn(String) -> Request| changed.extend(edits(text).into_iter().map(with));
    all(request.method.as_str(), &|text| Request { method: text.parse().unwrap(), ..request.clone() });
    all(&request.path, &|path| Request { path, ..request.clone() });
    if let Some(query) = &request.query {
        all(query, &|query| Request { query: Some(query), ..request.clone() });
    }
    let body = String::from_utf8(request.body.clone()).unwrap();
    all(&body, &|body| Request { body: body.into_bytes(), ..request.clone() });
    for (index, (name, value)) in request.headers.iter().enumerate() {
        let trimmed = value.trim();
        if name.eq_ignore_ascii_case("authorization") {
            // Space and commas between the parameters may be anything.
            let parameters = trimmed.split_once(' ').unwrap().1.split(", ");
            for value in parameters {
                let (parameter, text) = value.split_once('=').unwrap();
                let old = format!("{parameter}={text}");
                all(text, &|text| {
                    with_header(request, index, &trimmed.replace(&old, &format!("{parameter}={text}")))
                });
            }
        } else {
            all(trimmed, &|value| with_header(request, index, &value));
        }
    }
    changed
}

fn with_header(request: &Request, index: usize, value: &str) -> Request {
    let mut changed = request.clone();
    value.clone_into(&mut changed.headers[index].1);
    changed
}

/// The text with each of its characters replaced, doubled or left out, where that is not a space beside another: of
/// several one counts.
fn edits(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let edited = |index: usize, with: &[char]| {
        let (before, rest) = characters.split_at(index);
        before.iter().chain(with).chain(&rest[1..]).collect::<String>()
    };
    let mut all = vec![format!("{text}X")];
    for (index, character) in characters.iter().enumerate() {
        all.push(edited(index, if *character == '0' { &['1'] } else { &['0'] }));
        if *character != ' ' && *character != '&' {
            all.push(edited(index, &[*character, *character]));
            all.push(edited(index, &[]));
        }
    }
    all
}
