use super::*;
use crate::aws::ClusterName;

fn association() -> DescribedAssociation {
    let id = "a-abcdefghij1234567";
    DescribedAssociation {
        cluster_name: "prod".to_owned(),
        namespace: "shop".to_owned(),
        service_account: "orders".to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/shop".to_owned(),
        association_arn: format!("arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/{id}"),
        association_id: id.to_owned(),
        tags: BTreeMap::new(),
        created_at: UNIX_EPOCH + Duration::from_millis(1_565_806_986_506),
        modified_at: UNIX_EPOCH + Duration::new(1_565_806_987, 999_999_999),
        owner_arn: None,
        disable_session_tags: false,
        target_role_arn: None,
        external_id: None,
        policy: None,
    }
}

fn sent(answer: &Answer) -> Response<Vec<u8>> {
    answer.response(RequestId([0xab; 16]))
}

fn text(answer: &Answer) -> String {
    String::from_utf8(sent(answer).into_body()).unwrap()
}

#[test]
fn association_has_numbers_for_times_and_no_member_without_a_value() {
    let expected = concat!(
        r#"{"association":{"clusterName":"prod","namespace":"shop","serviceAccount":"orders","#,
        r#""roleArn":"arn:aws:iam::123456789012:role/shop","#,
        r#""associationArn":"arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/a-abcdefghij1234567","#,
        r#""associationId":"a-abcdefghij1234567","tags":{},"createdAt":1565806986.506,"modifiedAt":1565806987.999,"#,
        r#""disableSessionTags":false}}"#,
    );
    assert_eq!(text(&Answer::association(&association())), expected);
}

#[test]
fn association_has_all_that_it_may_have() {
    let all = DescribedAssociation {
        tags: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
        owner_arn: Some("owner".to_owned()),
        disable_session_tags: true,
        target_role_arn: Some("target".to_owned()),
        external_id: Some("external".to_owned()),
        policy: Some("{}".to_owned()),
        ..association()
    };
    let body: Value = serde_json::from_str(&text(&Answer::association(&all))).unwrap();
    let body = &body["association"];
    assert_eq!(body["tags"], json!({"k": "v"}));
    assert_eq!((&body["ownerArn"], &body["disableSessionTags"]), (&json!("owner"), &json!(true)));
    let optional = ["targetRoleArn", "externalId", "policy"].map(|name| &body[name]);
    assert_eq!(optional, [&json!("target"), &json!("external"), &json!("{}")]);
}

#[test]
fn list_tells_no_roles_tags_or_times_and_has_a_token_only_where_there_is_more() {
    let owned = DescribedAssociation { owner_arn: Some("owner".to_owned()), ..association() };
    let summary = json!({
        "clusterName": "prod", "namespace": "shop", "serviceAccount": "orders",
        "associationArn": owned.association_arn, "associationId": owned.association_id,
    });
    let mut with_owner = summary.clone();
    with_owner["ownerArn"] = json!("owner");
    let answer = Answer::associations(&[association(), owned], Some("token"));
    assert_eq!(answer.body, json!({"associations": [summary, with_owner], "nextToken": "token"}));
    assert_eq!(text(&Answer::associations([], None)), r#"{"associations":[]}"#);
}

#[test]
fn tags_clusters_and_nothing_have_their_shapes() {
    let tags = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    assert_eq!(text(&Answer::tags(&tags)), r#"{"tags":{"k":"v"}}"#);
    assert_eq!(text(&Answer::tags(&BTreeMap::new())), r#"{"tags":{}}"#);
    assert_eq!(text(&Answer::clusters(&["prod"])), r#"{"clusters":["prod"]}"#);
    assert_eq!(text(&Answer::empty()), "{}");
}

#[test]
fn cluster_has_what_clients_need_and_no_issuer_that_is_not_known() {
    let mut cluster = DescribedCluster {
        name: "prod".to_owned(),
        arn: "arn:aws:eks:eu-west-1:123456789012:cluster/prod".to_owned(),
        endpoint: "https://10.0.0.1:6443".to_owned(),
        certificate_authority: "LS0t".to_owned(),
        version: "1.33".to_owned(),
        created_at: UNIX_EPOCH + Duration::from_secs(1_565_806_986),
        issuer: Some("https://issuer".to_owned()),
        tags: BTreeMap::new(),
    };
    let expected = concat!(
        r#"{"cluster":{"name":"prod","arn":"arn:aws:eks:eu-west-1:123456789012:cluster/prod","#,
        r#""endpoint":"https://10.0.0.1:6443","certificateAuthority":{"data":"LS0t"},"status":"ACTIVE","#,
        r#""version":"1.33","createdAt":1565806986.0,"accessConfig":{"authenticationMode":"CONFIG_MAP"},"#,
        r#""platformVersion":"eks.0","tags":{},"identity":{"oidc":{"issuer":"https://issuer"}}}}"#,
    );
    assert_eq!(text(&Answer::cluster(&cluster)), expected);
    cluster.issuer = None;
    assert!(!text(&Answer::cluster(&cluster)).contains("identity"));
}

#[test]
fn error_has_its_name_in_the_header_and_its_message_in_the_body() {
    let cluster = ClusterName::new("prod").unwrap();
    let error = ErrorName::ResourceInUse.error("Association already exists: a-1").in_cluster(&cluster);
    let response = sent(&Answer::error(&error));
    assert_eq!(response.status(), 409);
    assert_eq!(response.headers()["x-amzn-ErrorType"], "ResourceInUseException");
    let body = r#"{"message":"Association already exists: a-1","clusterName":"prod"}"#;
    assert_eq!(String::from_utf8_lossy(response.body()), body);
    let plain = Answer::error(&ErrorName::Throttling.error("x"));
    assert_eq!((text(&plain), sent(&plain).status().as_u16()), (r#"{"message":"x"}"#.to_owned(), 429));
}

#[test]
fn answers_are_json_with_their_id_and_success_has_no_error_type() {
    let response = sent(&Answer::empty());
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-amzn-RequestId"], "abababab-abab-abab-abab-abababababab");
    assert!(!headers.contains_key("x-amzn-ErrorType"));
}

#[test]
fn ids_are_random_uuids() {
    let ids = [RequestId::random(), RequestId::random()].map(|id| id.to_string());
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        let groups: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "{id}");
    }
}

#[test]
fn moments_before_1970_are_1970() {
    assert_eq!(epoch_seconds(UNIX_EPOCH - Duration::from_secs(1)).to_bits(), 0);
}
