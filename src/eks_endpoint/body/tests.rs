use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/shop";

/// A body with every member, some of them changed.
fn create(changes: &Value) -> Vec<u8> {
    let mut body = json!({
        "namespace": "shop", "serviceAccount": "orders.v2", "roleArn": ROLE,
        "clientRequestToken": "6f1b0a0e", "tags": {"b": "2", "a": ""}, "disableSessionTags": true,
        "targetRoleArn": "target", "policy": "{}", "unknown": [{"deep": null}],
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string().into_bytes()
}

fn read(changes: &Value) -> CreateInput {
    CreateInput::read(&create(changes)).unwrap()
}

fn update(body: &Value) -> Result<UpdateInput, ServiceError> {
    UpdateInput::read(body.to_string().as_bytes())
}

#[test]
fn create_has_every_member_and_ignores_others() {
    let tags = [("a", ""), ("b", "2")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let expected = CreateInput {
        namespace: "shop".to_owned(),
        service_account: "orders.v2".to_owned(),
        role_arn: ROLE.to_owned(),
        client_request_token: Some("6f1b0a0e".to_owned()),
        tags: tags.into(),
        disable_session_tags: Some(true),
        target_role_arn: Some("target".to_owned()),
        policy: Some("{}".to_owned()),
    };
    assert_eq!(read(&json!({})), expected);
}

#[test]
fn what_create_needs_not_have_may_be_absent_or_null() {
    let expected = CreateInput {
        namespace: "shop".to_owned(),
        service_account: "orders".to_owned(),
        role_arn: ROLE.to_owned(),
        client_request_token: None,
        tags: BTreeMap::new(),
        disable_session_tags: None,
        target_role_arn: None,
        policy: None,
    };
    let body = json!({"namespace": "shop", "serviceAccount": "orders", "roleArn": ROLE}).to_string();
    assert_eq!(CreateInput::read(body.as_bytes()), Ok(expected.clone()));
    for (tags, token) in [(json!(null), json!(null)), (json!({}), json!(""))] {
        let changes = json!({
            "serviceAccount": "orders", "clientRequestToken": token, "tags": tags, "disableSessionTags": null,
            "targetRoleArn": null, "policy": null,
        });
        assert_eq!(read(&changes), expected);
    }
}

#[test]
fn what_create_has_empty_is_there_to_be_refused() {
    let input = read(&json!({"targetRoleArn": "", "policy": ""}));
    assert_eq!((input.target_role_arn.as_deref(), input.policy.as_deref()), (Some(""), Some("")));
}

#[test]
fn create_names_the_member_that_is_wrong() {
    for (changes, message) in [
        (json!({"namespace": null}), "The member namespace is required."),
        (json!({"serviceAccount": null}), "The member serviceAccount is required."),
        (json!({"roleArn": null}), "The member roleArn is required."),
        (json!({"namespace": 1}), "The member namespace must be a string."),
        (json!({"namespace": ""}), "The member namespace is not a name that"),
        (json!({"namespace": "a.b"}), "The member namespace is not a name that"),
        (json!({"namespace": "../x"}), "The member namespace is not a name that"),
        (json!({"serviceAccount": "A"}), "The member serviceAccount is not a name that"),
        (json!({"serviceAccount": "a/b"}), "The member serviceAccount is not a name that"),
        (json!({"roleArn": [ROLE]}), "The member roleArn must be a string."),
        (json!({"clientRequestToken": 7}), "The member clientRequestToken must be a string."),
        (json!({"clientRequestToken": "a b"}), "The member clientRequestToken must be at most 128"),
        (json!({"clientRequestToken": "a".repeat(129)}), "The member clientRequestToken must be at most 128"),
        (json!({"tags": []}), "The member tags must be an object of strings."),
        (json!({"tags": {"a": 1}}), "The member tags must be an object of strings."),
        (json!({"tags": {"a": null}}), "The member tags must be an object of strings."),
        (json!({"disableSessionTags": "true"}), "The member disableSessionTags must be true or false."),
        (json!({"targetRoleArn": {}}), "The member targetRoleArn must be a string."),
        (json!({"policy": {}}), "The member policy must be a string."),
    ] {
        let error = CreateInput::read(&create(&changes)).unwrap_err();
        assert_eq!(error.name, ErrorName::InvalidParameter);
        assert!(error.message.starts_with(message), "{error}");
    }
    assert!(CreateInput::read(&create(&json!({"clientRequestToken": "a".repeat(128)}))).is_ok());
}

#[test]
fn body_that_is_no_object_is_refused_without_quoting_it() {
    let nested = format!("{{\"a\":{}", "[".repeat(BODY_LIMIT));
    for body in ["secret", "[]", "\"secret\"", "{\"a\":secret}", "{} x", "\u{feff}{}", "null", &nested] {
        for error in
            [CreateInput::read(body.as_bytes()).unwrap_err(), UpdateInput::read(body.as_bytes()).unwrap_err()]
        {
            assert_eq!(error.name, ErrorName::InvalidParameter);
            assert_eq!(error.message, "The request's body is not a JSON object.");
        }
        assert_eq!(TagInput::read(body.as_bytes()).unwrap_err().name, ErrorName::BadRequest);
    }
    assert!(CreateInput::read(b"{\"namespace\":\"\xff\"}").is_err());
}

#[test]
fn update_tells_what_is_given_from_what_is_absent() {
    let keep = UpdateInput {
        role_arn: None,
        client_request_token: None,
        disable_session_tags: None,
        target_role_arn: Edit::Keep,
        policy: Edit::Keep,
    };
    assert_eq!(UpdateInput::read(b""), Ok(keep.clone()));
    let null = json!({"roleArn": null, "targetRoleArn": null, "policy": null, "namespace": 1});
    assert_eq!(update(&null), Ok(keep));
    let given = json!({
        "roleArn": ROLE, "clientRequestToken": "t", "disableSessionTags": false, "targetRoleArn": "", "policy": "{}",
    });
    let expected = UpdateInput {
        role_arn: Some(ROLE.to_owned()),
        client_request_token: Some("t".to_owned()),
        disable_session_tags: Some(false),
        target_role_arn: Edit::Remove,
        policy: Edit::Set("{}".to_owned()),
    };
    assert_eq!(update(&given), Ok(expected));
    for member in ["roleArn", "clientRequestToken", "disableSessionTags", "targetRoleArn", "policy"] {
        let error = update(&json!({member: 1})).unwrap_err();
        assert_eq!(error.name, ErrorName::InvalidParameter);
        assert!(error.message.starts_with(&format!("The member {member} must be ")), "{error}");
    }
}

#[test]
fn tags_are_required_of_their_own_call_and_refused_in_its_words() {
    let read = |body: Value| TagInput::read(body.to_string().as_bytes());
    let tags = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    assert_eq!(read(json!({"tags": {"k": "v"}, "other": 1})), Ok(TagInput { tags }));
    assert_eq!(read(json!({"tags": {}})), Ok(TagInput { tags: BTreeMap::new() }));
    for (body, message) in [
        (json!({}), "The member tags is required."),
        (json!({"tags": null}), "The member tags is required."),
        (json!({"tags": {"k": 1}}), "The member tags must be an object of strings."),
    ] {
        let error = read(body).unwrap_err();
        assert_eq!((error.name, &*error.message), (ErrorName::BadRequest, message));
    }
    assert_eq!(TagInput::read(b"").unwrap_err().message, "The member tags is required.");
}

/// The digests are kept with associations: another version must find them.
#[test]
fn hashes_stay_the_same_in_every_version() {
    assert_eq!(read(&json!({})).hash(), "8886ac3f3f06bd917d6920daccfb5a10260853459fb77aec499d337a6bcdbcb2");
    let given = json!({"roleArn": ROLE, "targetRoleArn": "", "policy": "{}"});
    assert_eq!(
        update(&given).unwrap().hash(),
        "259f64ddf91af667427d899a3341ae3aa5abbf234d2ec660be4360514df02285"
    );
}

#[test]
fn hash_is_of_the_input_and_not_of_the_token_or_the_order() {
    let hash = read(&json!({})).hash();
    assert_eq!(read(&json!({"clientRequestToken": "other", "unknown": 1})).hash(), hash);
    assert_eq!(read(&json!({"tags": {"a": "", "b": "2"}})).hash(), hash);
    for changes in [
        json!({"namespace": "x"}),
        json!({"serviceAccount": "x"}),
        json!({"roleArn": "x"}),
        json!({"tags": {"a": ""}}),
        json!({"tags": {"a": "2", "b": ""}}),
        json!({"disableSessionTags": false}),
        json!({"disableSessionTags": null}),
        json!({"targetRoleArn": "x"}),
        json!({"targetRoleArn": null}),
        json!({"policy": "x"}),
        json!({"targetRoleArn": "{}", "policy": "target"}),
    ] {
        assert_ne!(read(&changes).hash(), hash, "{changes}");
    }
}

#[test]
fn hash_of_an_update_is_of_every_edit() {
    let inputs = [
        json!({}),
        json!({"roleArn": "x"}),
        json!({"disableSessionTags": true}),
        json!({"disableSessionTags": false}),
        json!({"targetRoleArn": "x"}),
        json!({"targetRoleArn": ""}),
        json!({"policy": "x"}),
        json!({"policy": ""}),
    ];
    let hashes: std::collections::HashSet<_> =
        inputs.iter().map(|input| update(input).unwrap().hash()).collect();
    assert_eq!(hashes.len(), inputs.len());
    assert_eq!(
        update(&json!({"clientRequestToken": "t"})),
        update(&json!({"clientRequestToken": "t", "x": 1}))
    );
    assert_eq!(
        update(&json!({"clientRequestToken": "t"})).unwrap().hash(),
        update(&json!({})).unwrap().hash()
    );
}

/// A body of the largest size that is all one kind of thing.
#[test]
fn largest_bodies_are_read_in_little_time() {
    let pair = |number: usize| format!("\"{number:04x}\":\"\"");
    let pairs: Vec<_> = (0..BODY_LIMIT / 10).map(pair).collect();
    let pairs = format!("{{\"tags\":{{{}}}}}", pairs.join(","));
    let members = pairs.replace("{\"tags\":{", "{").replace("}}", "}");
    let escapes = format!("{{\"policy\":\"{}\"}}", "\\u0041".repeat(BODY_LIMIT / 6 - 3));
    // The thread's own time: a machine that is busy takes longer.
    let on_cpu = || -> std::time::Duration {
        rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).try_into().unwrap()
    };
    let begun = on_cpu();
    assert_eq!(TagInput::read(pairs.as_bytes()).unwrap().tags.len(), BODY_LIMIT / 10);
    for body in [&members, &escapes] {
        assert!(body.len() <= BODY_LIMIT + 9 && UpdateInput::read(body.as_bytes()).is_ok());
    }
    let taken = on_cpu().saturating_sub(begun);
    assert!(taken < std::time::Duration::from_secs(1), "{taken:?}");
}
