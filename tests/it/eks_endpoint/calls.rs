//! What calls do to the cluster's associations, and what its refusals are for clients of AWS.

use serde_json::json;

use super::endpoint::Endpoint;
use crate::associations_command::cluster::{Cluster, OTHER, ROLE};

const ALL: &str = "/clusters/prod/pod-identity-associations";

#[test]
fn an_association_is_made_told_changed_and_deleted() {
    let cluster = Cluster::start();
    let endpoint = Endpoint::start(&cluster);
    let made = endpoint.create("orders", ROLE, "t-1");
    let id = made.id();
    let arn = format!("arn:aws:eks:eu-west-1:111122223333:podidentityassociation/prod/{id}");
    assert_eq!(made.association()["associationArn"], arn);
    assert!(made.association()["createdAt"].is_f64(), "{made:?}");
    assert!(made.head.contains("x-amzn-requestid: ") && made.head.contains("\r\ndate: "), "{}", made.head);
    let one = format!("{ALL}/{id}");
    assert_eq!(endpoint.call("GET", &one, "").association(), made.association());
    let listed = endpoint.call("GET", ALL, "");
    assert_eq!(listed.body["associations"][0]["associationId"], id);
    assert_eq!(listed.body["associations"][0].get("roleArn"), None);
    let update = json!({"targetRoleArn": OTHER, "disableSessionTags": true, "policy": "{}"}).to_string();
    let changed = endpoint.call("POST", &one, &update);
    assert_eq!(changed.association()["targetRoleArn"], OTHER);
    assert_eq!(changed.association()["externalId"].as_str().unwrap().len(), 32);
    assert_eq!(
        cluster.spec("shop", "orders"),
        json!({"roleArn": ROLE, "targetRoleArn": OTHER, "disableSessionTags": true, "policy": "{}"})
    );
    let removed = json!({"targetRoleArn": "", "policy": ""}).to_string();
    assert_eq!(endpoint.call("POST", &one, &removed).association().get("targetRoleArn"), None);
    let deleted = endpoint.call("DELETE", &one, "");
    assert_eq!(deleted.id(), id);
    assert_eq!(cluster.spec("shop", "orders"), json!(null));
    for method in ["GET", "DELETE"] {
        assert_eq!(endpoint.call(method, &one, "").refusal().0, "ResourceNotFoundException");
    }
}

#[test]
fn tags_are_found_by_the_arn_however_it_is_written() {
    let cluster = Cluster::start();
    let endpoint = Endpoint::start(&cluster);
    let made = endpoint.create("orders", ROLE, "t-1");
    let arn = made.association()["associationArn"].as_str().unwrap();
    // An endpoint with another region and account has shown it like this.
    let other = arn.replace("eu-west-1", "us-east-1").replace("111122223333", "444455556666");
    let encoded = |arn: &str| format!("/tags/{}", arn.replace(':', "%3A").replace('/', "%2F"));
    let add =
        |path: &str, key: &str| endpoint.call("POST", path, &json!({"tags": {key: "v"}}).to_string()).status;
    assert_eq!(add(&encoded(arn), "a"), 200);
    assert_eq!(add(&format!("/tags/{arn}"), "b"), 200);
    assert_eq!(add(&encoded(&other), "c/d"), 200);
    let told = endpoint.call("GET", &encoded(arn), "");
    assert_eq!(told.body, json!({"tags": {"a": "v", "b": "v", "c/d": "v"}}));
    assert_eq!(endpoint.call("DELETE", &format!("{}?tagKeys=a&tagKeys=c%2Fd", encoded(arn)), "").status, 200);
    assert_eq!(cluster.spec("shop", "orders")["tags"], json!({"b": "v"}));
    let reserved = endpoint.call("POST", &encoded(arn), r#"{"tags": {"aws:x": "v"}}"#);
    assert_eq!(reserved.refusal().0, "BadRequestException");
    let elsewhere = endpoint.call("GET", &encoded(&arn.replace("/prod/", "/test/")), "");
    assert_eq!(elsewhere.refusal().0, "NotFoundException");
}

#[test]
fn pages_tell_every_association_once_whatever_is_made_and_deleted_meanwhile() {
    let cluster = Cluster::start();
    for number in 0..250 {
        cluster.put("shop", &format!("a-{number:03}"), &json!({"roleArn": ROLE}));
    }
    cluster.put("other", "z", &json!({"roleArn": ROLE}));
    cluster.put("shop", "elsewhere", &json!({"roleArn": ROLE, "clusterName": "test"}));
    let endpoint = Endpoint::start(&cluster);
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = endpoint.call("GET", &format!("{ALL}?maxResults=60{next}"), "");
        let names = page.body["associations"].as_array().unwrap().iter();
        seen.extend(names.map(|one| one["serviceAccount"].as_str().unwrap().to_owned()));
        // Before what was told, where an offset would tell one twice.
        cluster.put("other", &format!("b-{}", seen.len()), &json!({"roleArn": ROLE}));
        let Some(token) = page.body["nextToken"].as_str() else { break };
        next = format!("&nextToken={token}");
    }
    let expected: Vec<_> =
        ["z".to_owned()].into_iter().chain((0..250).map(|number| format!("a-{number:03}"))).collect();
    assert_eq!(seen, expected);
    let calls = cluster.calls();
    let lists = calls.iter().filter(|call| call.starts_with("list ")).count();
    assert_eq!(lists, 1, "one list for all pages: {calls:?}");
    let bad = endpoint.call("GET", &format!("{ALL}?nextToken=x"), "");
    assert_eq!(bad.refusal().0, "InvalidParameterException");
    let of_one = endpoint.call("GET", &format!("{ALL}?namespace=other&serviceAccount=z"), "");
    assert_eq!(of_one.body["associations"].as_array().unwrap().len(), 1);
}

#[test]
fn refusals_of_the_api_server_have_the_names_by_which_clients_try_again_or_not() {
    let cluster = Cluster::start();
    let endpoint = Endpoint::start(&cluster);
    cluster.lock().forbidden = vec!["create"];
    let denied = endpoint.create("orders", ROLE, "t-1");
    assert_eq!((denied.status, denied.refusal().0), (403, "AccessDeniedException"));
    assert!(denied.refusal().1.contains("cannot create resource"), "{denied:?}");
    cluster.lock().forbidden.clear();
    let invalid = endpoint.create("orders", "arn:aws:iam::111122223333:role/denied", "t-2");
    assert_eq!(invalid.refusal(), ("InvalidParameterException", "the webhook does not allow the role"));
    cluster.lock().namespaces.retain(|namespace| *namespace != "shop");
    let nowhere = endpoint.create("orders", ROLE, "t-3");
    assert!(nowhere.refusal().1.ends_with("in its namespace, which has to exist"), "{nowhere:?}");
    cluster.lock().namespaces.push("shop");
    cluster.lock().busy = 1;
    let busy = endpoint.create("orders", ROLE, "t-4");
    assert_eq!((busy.status, busy.refusal().0), (429, "ThrottlingException"));
    cluster.lock().is_defined = false;
    let undefined = endpoint.create("orders", ROLE, "t-5");
    assert_eq!(undefined.refusal().0, "InvalidRequestException");
    assert!(undefined.refusal().1.contains("associations.enabled=true"), "{undefined:?}");
    let other = endpoint.call("GET", "/clusters/test/pod-identity-associations", "");
    assert_eq!(other.refusal().0, "ResourceNotFoundException");
    assert!(other.refusal().1.contains("This endpoint serves the cluster prod"), "{other:?}");
}

#[test]
fn who_may_list_one_namespace_alone_finds_ids_there() {
    let cluster = Cluster::start();
    cluster.put("shop", "orders", &json!({"roleArn": ROLE}));
    cluster.put("other", "cart", &json!({"roleArn": ROLE}));
    let id = |namespace: &str| {
        let endpoint = Endpoint::start(&cluster);
        let listed = endpoint.call("GET", &format!("{ALL}?namespace={namespace}"), "");
        listed.body["associations"][0]["associationId"].as_str().unwrap().to_owned()
    };
    let (here, elsewhere) = (id("shop"), id("other"));
    cluster.lock().forbidden_everywhere = true;
    let endpoint = Endpoint::start(&cluster);
    assert_eq!(endpoint.call("GET", &format!("{ALL}/{here}"), "").id(), here);
    let refused = endpoint.call("GET", &format!("{ALL}/{elsewhere}"), "");
    assert_eq!(refused.refusal().0, "AccessDeniedException");
    let all = endpoint.call("GET", ALL, "");
    assert!(all.refusal().1.ends_with("has to name it (--namespace)"), "{all:?}");
}

#[test]
fn nobody_is_asked_for_a_request_that_was_not_signed_for_this_endpoint() {
    let cluster = Cluster::start();
    let endpoint = Endpoint::start(&cluster);
    cluster.calls();
    let own = (endpoint.id.as_str(), endpoint.secret.as_str());
    let signed = |key| endpoint.signed("GET", ALL, "", key);
    let name = |headers: &[(String, String)]| {
        let answer = endpoint.send("GET", ALL, "", headers);
        assert_eq!(answer.status, 403);
        answer.refusal().0.to_owned()
    };
    let host = |host: &str| vec![("host".to_owned(), host.to_owned())];
    assert_eq!(name(&host(&endpoint.address)), "MissingAuthenticationTokenException");
    assert_eq!(name(&host("evil.example")), "AccessDeniedException");
    let of_browser = [signed(own), vec![("origin".to_owned(), "null".to_owned())]].concat();
    assert_eq!(name(&of_browser), "AccessDeniedException");
    assert_eq!(name(&signed((own.0, "another"))), name(&signed(("AKIAANOTHERANOTHER22", own.1))));
    assert_eq!(cluster.calls(), Vec::<String>::new());
    assert_eq!(endpoint.send("GET", ALL, "", &signed(own)).status, 200);
}

#[test]
fn what_is_larger_than_any_call_is_refused() {
    let cluster = Cluster::start();
    let endpoint = Endpoint::start(&cluster);
    cluster.calls();
    let role = "r".repeat(530_000);
    let large = endpoint.create("orders", &role, "t");
    assert_eq!(
        large.refusal(),
        ("InvalidRequestException", "The request's body has more than 524288 bytes.")
    );
    let long = endpoint.call("GET", &format!("{ALL}?nextToken={}", "x".repeat(61_500)), "");
    assert_eq!(long.refusal().0, "InvalidRequestException");
    assert_eq!(cluster.calls(), Vec::<String>::new());
}

#[test]
fn the_largest_association_is_made_and_all_its_tags_are_taken_away_in_one_call() {
    let cluster = Cluster::start();
    let endpoint = Endpoint::start(&cluster);
    // Each character as a pair of escapes, which is the longest form that JSON has.
    let wide = |count| "\\ud800\\udf48".repeat(count);
    let tag = |number: usize| format!("\"{number:02}{}\":\"{}\"", wide(126), wide(256));
    let tags = (0..50).map(tag).collect::<Vec<_>>().join(",");
    let role = format!("arn:aws:iam::111122223333:role/{}/{}", "p".repeat(510), "r".repeat(64));
    let escaped = role.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<Vec<_>>().concat();
    let policy = format!("{{\\\"\\\":\\\"{}\\\"}}", wide(2048 - 7));
    let body = format!(
        "{{\"namespace\":\"shop\",\"serviceAccount\":\"orders\",\"roleArn\":\"{escaped}\",\"targetRoleArn\":\"{escaped}\",\
         \"disableSessionTags\":true,\"policy\":\"{policy}\",\"tags\":{{{tags}}}}}"
    );
    assert!(body.len() > 250_000, "{}", body.len());
    let made = endpoint.call("POST", ALL, &body);
    assert_eq!(made.association()["roleArn"], role.as_str());
    assert_eq!(cluster.spec("shop", "orders")["tags"].as_object().unwrap().len(), 50);
    // Fifty keys of 128 characters of three bytes, which are nine when they are escaped.
    let arn = made.association()["associationArn"].as_str().unwrap().replace('/', "%2F");
    let keys: Vec<_> = (0..50).map(|number| format!("{number:02}{}", "\u{4e2d}".repeat(126))).collect();
    cluster.change("shop", "orders", |object| {
        object["spec"]["tags"] = keys.iter().map(|key| (key.clone(), json!("v"))).collect();
    });
    let keys = keys.iter().map(|key| format!("tagKeys={}", key.replace('\u{4e2d}', "%E4%B8%AD")));
    let query = keys.collect::<Vec<_>>().join("&");
    assert!(query.len() > 57_000);
    let untagged = endpoint.call("DELETE", &format!("/tags/{arn}?{query}"), "");
    assert_eq!(untagged.status, 200, "{untagged:?}");
    assert_eq!(cluster.spec("shop", "orders").get("tags"), None);
}

#[test]
fn what_is_given_empty_is_refused_and_does_not_widen() {
    let cluster = Cluster::start();
    let endpoint = Endpoint::start(&cluster);
    for member in ["policy", "targetRoleArn"] {
        let body = json!({
            "namespace": "shop", "serviceAccount": "orders", "roleArn": ROLE, "disableSessionTags": true, member: "",
        });
        let refused = endpoint.call("POST", ALL, &body.to_string());
        assert_eq!(refused.refusal().0, "InvalidParameterException");
        assert!(refused.refusal().1.starts_with(&format!("{member} is empty: ")), "{refused:?}");
    }
    assert_eq!(cluster.spec("shop", "orders"), json!(null));
}
