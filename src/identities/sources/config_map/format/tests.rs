use injection::AccountName;

use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/orders";

/// The grant of a role with these settings.
fn role(audience: Option<&str>, regional_sts: Option<bool>, lifetime: Option<i64>) -> Grant {
    Grant::Role(RoleGrant {
        role_arn: ROLE.into(),
        source: RoleSource::ConfigMap,
        audience: audience.map(Into::into),
        preferences: Preferences { regional_sts, lifetime: lifetime.map(AskedLifetime::Seconds) },
    })
}

/// What a document with one entry for `shop/orders` grants, and what is complained about.
fn read(entry: &str) -> (Option<Grant>, Option<String>) {
    let ConfigMapDocument { entries, complaint } =
        ConfigMapDocument::parse(&format!("{{\"shop/orders\": {entry}}}")).unwrap();
    assert_eq!(entries.len(), 1);
    let grant = entries.grant(AccountName::new("shop", "orders")).map(|grant| (*grant).clone());
    (grant, complaint.map(|complaint| complaint.to_string()))
}

fn complaint(document: &str) -> String {
    ConfigMapDocument::parse(document).unwrap().complaint.unwrap().to_string()
}

fn refused(document: &str) -> String {
    ConfigMapDocument::parse(document).unwrap_err().to_string()
}

#[test]
fn entry_is_read_with_all_its_settings() {
    let entry = format!(
        r#"{{"RoleARN":"{ROLE}","Audience":"sts.example.org","UseRegionalSTS":true,"TokenExpiration":3600}}"#
    );
    assert_eq!(read(&entry), (Some(role(Some("sts.example.org"), Some(true), Some(3600))), None));
}

#[test]
fn what_is_absent_null_empty_or_zero_is_the_flags() {
    for more in [
        "",
        r#","Audience":"","TokenExpiration":0"#,
        r#","Audience":null,"UseRegionalSTS":null,"TokenExpiration":null"#,
        r#","Audience":"","TokenExpiration":-0"#,
        r#","Other":[{"x":null}],"audienc":7"#,
    ] {
        assert_eq!(
            read(&format!(r#"{{"RoleARN":"{ROLE}"{more}}}"#)),
            (Some(role(None, None, None)), None),
            "{more}"
        );
    }
    let entry = format!(r#"{{"RoleARN":"{ROLE}","UseRegionalSTS":false}}"#);
    assert_eq!(read(&entry), (Some(role(None, Some(false), None)), None));
}

#[test]
fn names_of_members_are_read_in_any_case_and_the_last_of_two_counts() {
    let entry = format!(
        r#"{{"ROLEARN":"x","rolearn":"{ROLE}","aUDIENCE":"a","useregionalSTS":true,"TOKENEXPIRATION":700}}"#
    );
    assert_eq!(read(&entry), (Some(role(Some("a"), Some(true), Some(700))), None));
}

#[test]
fn escapes_are_read() {
    let (grant, _) = read(r#"{"Role\u0041RN":"arn:aws:iam::123456789012:role\/orders"}"#);
    assert_eq!(grant, Some(role(None, None, None)));
    let document = format!(r#"{{"sh\u006fp\/orders":{{"RoleARN":"{ROLE}"}}}}"#);
    assert!(
        ConfigMapDocument::parse(&document)
            .unwrap()
            .entries
            .grant(AccountName::new("shop", "orders"))
            .is_some()
    );
}

#[test]
fn lifetimes_are_whole_numbers_of_any_size() {
    for (number, seconds) in [
        ("1", 1),
        ("-5", -5),
        ("4294967297", 4_294_967_297),
        ("99999999999999999999", i64::MAX),
        ("-99999999999999999999", i64::MIN),
    ] {
        let entry = format!(r#"{{"RoleARN":"{ROLE}","TokenExpiration":{number}}}"#);
        assert_eq!(read(&entry), (Some(role(None, None, Some(seconds))), None), "{number}");
    }
}

#[test]
fn entry_without_a_role_grants_none() {
    for entry in
        ["{}", r#"{"RoleARN":""}"#, r#"{"RoleARN":null}"#, r#"{"Audience":"a","TokenExpiration":700}"#]
    {
        assert_eq!(read(entry), (None, None), "{entry}");
    }
}

#[test]
fn entry_that_cannot_be_read_is_told_of_and_grants_nothing() {
    let with = |member: &str| format!(r#"{{"RoleARN":"{ROLE}",{member}}}"#);
    for (entry, reason) in [
        ("null".to_owned(), "not an object with RoleARN"),
        ("\"hush\"".to_owned(), "not an object with RoleARN"),
        ("[\"hush\"]".to_owned(), "not an object with RoleARN"),
        ("7".to_owned(), "not an object with RoleARN"),
        (r#"{"RoleARN":["hush"]}"#.to_owned(), "RoleARN is not a string"),
        (r#"{"RoleARN":7}"#.to_owned(), "RoleARN is not a string"),
        (r#"{"RoleARN":"\ud800"}"#.to_owned(), "RoleARN is not a string"),
        (with(r#""Audience":{"hush":1}"#), "Audience is not a string"),
        (with(r#""UseRegionalSTS":"true""#), "UseRegionalSTS is neither true nor false"),
        (with(r#""UseRegionalSTS":1"#), "UseRegionalSTS is neither true nor false"),
        (with(r#""TokenExpiration":"3600""#), "TokenExpiration is not a whole number of seconds"),
        (with(r#""TokenExpiration":3600.5"#), "TokenExpiration is not a whole number of seconds"),
        (with(r#""TokenExpiration":1e3"#), "TokenExpiration is not a whole number of seconds"),
        (with(r#""TokenExpiration":true"#), "TokenExpiration is not a whole number of seconds"),
    ] {
        let told = format!("entries passed over: 1: \"shop/orders\" in line 1: {reason}");
        assert_eq!(read(&entry), (None, Some(told)), "{entry}");
    }
}

#[test]
fn bad_entries_are_told_of_by_key_and_line_and_the_rest_serves() {
    let document = format!(
        "{{\n  \"orders\": {{\"RoleARN\": \"{ROLE}\"}},\n  \"shop/orders\":\n    {{\"RoleARN\": \"{ROLE}\"}},\n\
         \"a/b/c\": null, \"*/x?\": {{}},\n\"\\u0000\\n\": {{}}\n, \"shop/cart\": 7\n}}"
    );
    let ConfigMapDocument { entries, complaint } = ConfigMapDocument::parse(&document).unwrap();
    let told = "entries passed over: 5: \"orders\" in line 2: no / between namespace and name; \
                \"a/b/c\" in line 5: no ServiceAccount has such a name; the only wildcard is *; \
                \"*/x?\" in line 5: no ServiceAccount has such a name; the only wildcard is *; \
                \"\\0\\n\" in line 6: no / between namespace and name; \
                \"shop/cart\" in line 7: not an object with RoleARN";
    assert_eq!(complaint.unwrap().to_string(), told);
    assert_eq!(entries.len(), 2);
    assert!(entries.grant(AccountName::new("shop", "orders")).is_some());
    assert_eq!(entries.matching(AccountName::new("shop", "orders")).next().unwrap().line, 4);
}

#[test]
fn of_two_entries_with_one_key_the_last_counts_and_the_first_is_told_of() {
    for key in ["shop/orders", "*/orders"] {
        let document = format!("{{\"{key}\":{{\"RoleARN\":\"x\"}},\n\"{key}\":{{\"RoleARN\":\"{ROLE}\"}}}}");
        let ConfigMapDocument { entries, complaint } = ConfigMapDocument::parse(&document).unwrap();
        let told = format!("entries passed over: 1: \"{key}\" in line 1: stands again in line 2");
        assert_eq!(complaint.unwrap().to_string(), told);
        assert_eq!(entries.len(), 1);
        assert_eq!(
            entries.grant(AccountName::new("shop", "orders")).as_deref(),
            Some(&role(None, None, None))
        );
    }
}

#[test]
fn long_keys_are_cut_where_they_are_told_of() {
    let told = complaint(&format!("{{\"{}\":{{}}}}", "\u{e9}".repeat(1000)));
    assert!(told.contains("\u{e9}…\" in line 1: no /") && told.len() < 300, "{told}");
}

#[test]
fn nothing_is_a_document_without_entries() {
    for document in ["", " \r\n\t", "null", "{}", " { } "] {
        assert_eq!(ConfigMapDocument::parse(document), Ok(ConfigMapDocument::default()), "{document:?}");
    }
}

#[test]
fn text_that_is_no_document_is_refused_with_its_place_and_quotes_nothing() {
    for (document, message) in [
        ("[]", "not an object of entries at line 1 column "),
        ("\"hush\"", "not an object of entries at line 1 column "),
        ("\n 7", "not an object of entries at line 2 column "),
        ("{\"shop/orders\":{\"RoleARN\":", "not JSON: EOF while parsing a value at line 1 column 26"),
        ("{\"shop/orders\":{}", "not JSON: EOF while parsing an object at line 1 column 17"),
        ("{\n\"shop/orders\":{},}", "not JSON: trailing comma at line 2 column 18"),
        ("{}{}", "not JSON: trailing characters at line 1 column 3"),
        ("{}\0", "not JSON: trailing characters at line 1 column 3"),
        (
            "{\"a/b\":{\"RoleARN\":\"hush\0\"}}",
            "not JSON: control character (\\u0000-\\u001F) found while parsing a string at line 1 column ",
        ),
        ("{shop/orders: {}}", "not JSON: key must be a string at line 1 column 2"),
        ("shop/orders: {}", "not JSON: expected value at line 1 column 1"),
        ("\u{feff}{}", "not JSON: expected value at line 1 column 1"),
        ("{\"\\ud800/x\":{}}", "not JSON: "),
    ] {
        let refused = refused(document);
        assert!(refused.starts_with(message), "{document:?}: {refused}");
        assert!(!refused.contains("hush") && !refused.contains('\n'), "{refused}");
    }
}

#[test]
fn every_part_of_a_document_is_refused() {
    let document = format!(r#"{{"shop/orders":{{"RoleARN":"{ROLE}","TokenExpiration":3600}}}}"#);
    for end in 1..document.len() {
        assert!(refused(&document[..end]).starts_with("not JSON: EOF"), "{}", &document[..end]);
    }
}

#[test]
fn depth_does_no_harm() {
    let (open, close) = ("[".repeat(1 << 20), "]".repeat(1 << 20));
    assert!(refused(&open).starts_with("not an object of entries"));
    assert!(refused(&format!("{{\"a/b\":{open}")).starts_with("not JSON: EOF"));
    let deep =
        format!("{{\"a/b\":{open}{close},\"shop/orders\":{{\"RoleARN\":\"{ROLE}\",\"x\":{open}{close}}}}}");
    let ConfigMapDocument { entries, complaint } = ConfigMapDocument::parse(&deep).unwrap();
    assert_eq!(
        complaint.unwrap().to_string(),
        "entries passed over: 1: \"a/b\" in line 1: not an object with RoleARN"
    );
    assert_eq!(entries.grant(AccountName::new("shop", "orders")).as_deref(), Some(&role(None, None, None)));
}

/// A cluster could not hold such a large document, but a file can.
#[test]
fn size_does_no_harm() {
    const ENTRIES: usize = 20_000;
    let value = format!("{{\"RoleARN\":[\"{}\"]}}", "x".repeat(1024));
    for (key, counted) in [("shop/", ENTRIES), ("orders", 0)] {
        let entries: Vec<_> = (0..ENTRIES).map(|number| format!("\"{key}{number}\":{value}")).collect();
        let document = format!("{{{}}}", entries.join(",\n"));
        assert!(document.len() > 20 << 20);
        let told = complaint(&document);
        assert!(told.starts_with(&format!("entries passed over: {ENTRIES}: ")) && told.len() < 600, "{told}");
        assert_eq!(ConfigMapDocument::parse(&document).unwrap().entries.len(), counted);
    }
    for garbage in ["\0", "[", "{\"a/b\":", "\"", " ,"] {
        let refused = refused(&garbage.repeat((20 << 20) / garbage.len()));
        assert!(refused.len() < 200, "{refused}");
    }
}
