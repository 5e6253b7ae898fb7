use injection::AccountName;
use serde_json::{Value, json};

use super::super::kept::Kept;
use super::super::{Association, Existence, KIND, Kind};
use super::{ack, crossplane, read, synced, with};

fn association(cluster: Option<&str>, existence: Existence) -> Association {
    let account = AccountName::new("shop", "orders").into_owned();
    Association { account, cluster: cluster.map(Into::into), existence, terms: None }
}

#[test]
fn takes_what_the_controllers_write() {
    let settled = || Existence::Settled("a-1".into());
    assert_eq!(read(ack(), &synced("shop", "orders", "prod")), Ok(association(Some("prod"), settled())));
    let object = json!({
        "spec": { "forProvider": {
            "region": "eu-west-1", "namespace": "shop", "serviceAccount": "orders", "clusterName": "prod",
        } },
        "status": {
            "atProvider": { "associationId": "a-1", "associationArn": "arn" },
            "conditions": [
                { "type": "LastAsyncOperation", "status": "True" },
                { "type": "Synced", "status": "False" },
                { "type": "Ready", "status": "True" },
            ],
        },
    });
    assert_eq!(read(crossplane(), &object), Ok(association(Some("prod"), settled())));
}

#[test]
fn of_crossplane_takes_what_is_wanted_at_creation_or_observed() {
    let initial = json!({ "spec": {
        "forProvider": { "region": "eu-west-1", "serviceAccount": "orders", "namespace": "" },
        "initProvider": { "namespace": "shop", "serviceAccount": "late", "clusterName": "prod" },
    } });
    assert_eq!(read(crossplane(), &initial), Ok(association(Some("prod"), Existence::Awaited)));
    let observed = json!({
        "spec": { "forProvider": { "region": "eu-west-1" } },
        "status": { "atProvider": {
            "namespace": "shop", "serviceAccount": "orders", "clusterName": "prod", "associationId": "a-1",
        } },
    });
    let unsettled = Existence::Unsettled("a-1".into());
    assert_eq!(read(crossplane(), &observed), Ok(association(Some("prod"), unsettled)));
}

#[test]
fn knows_the_cluster_of_a_reference_from_the_arn() {
    let by_reference = |arn: &str| {
        json!({
            "spec": { "namespace": "shop", "serviceAccount": "orders", "clusterRef": { "from": { "name": "x" } } },
            "status": { "ackResourceMetadata": { "arn": arn } },
        })
    };
    for (arn, cluster) in [
        ("arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/a-1", Some("prod")),
        ("arn:aws-cn:eks:cn-north-1:123456789012:podidentityassociation/my_prod-2/a-1", Some("my_prod-2")),
        ("arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod", None),
        ("arn:aws:eks:eu-west-1:123456789012:podidentityassociation//a-1", None),
        ("arn:aws:eks:eu-west-1:123456789012:cluster/prod", None),
        ("podidentityassociation/prod/a-1", None),
        ("", None),
    ] {
        assert_eq!(read(ack(), &by_reference(arn)), Ok(association(cluster, Existence::Awaited)), "{arn}");
    }
    let later = json!({
        "spec": { "namespace": "shop", "serviceAccount": "orders" },
        "status": { "associationARN": "arn:aws:eks:r:1:podidentityassociation/prod/a-1" },
    });
    assert_eq!(read(ack(), &later), Ok(association(Some("prod"), Existence::Awaited)));
}

#[test]
fn exists_once_it_has_an_id_and_its_controller_is_content() {
    let existence = |status: Value| {
        let spec = json!({ "namespace": "shop", "serviceAccount": "orders" });
        read(ack(), &json!({ "spec": spec, "status": status })).unwrap().existence
    };
    let condition = |status: &str| json!([{ "type": "ACK.ResourceSynced", "status": status }]);
    let of = |status: &str| existence(json!({ "associationID": "a-1", "conditions": condition(status) }));
    let (settled, unsettled) = (Existence::Settled("a-1".into()), Existence::Unsettled("a-1".into()));
    assert_eq!(of("True"), settled);
    // AWS did not answer.
    assert_eq!(of("Unknown"), settled);
    for status in ["False", "true", ""] {
        assert_eq!(of(status), unsettled, "{status}");
    }
    for conditions in [json!(null), json!([]), json!({}), json!([1, null, {}]), json!([{ "type": "Ready" }])]
    {
        assert_eq!(existence(json!({ "associationID": "a-1", "conditions": conditions })), unsettled);
    }
    for id in [json!(null), json!(""), json!(1)] {
        let status = json!({ "associationID": id, "conditions": condition("True") });
        assert_eq!(existence(status), Existence::Awaited);
    }
    assert_eq!(existence(json!("x")), Existence::Awaited);
}

#[test]
fn says_what_is_wrong_and_nothing_of_what_is_there() {
    let good = synced("shop", "orders", "prod");
    for (pointer, value, message) in [
        ("/spec/namespace", json!(null), "spec.namespace is missing"),
        ("/spec/namespace", json!(""), "spec.namespace is missing"),
        ("/spec/namespace", json!(7), "spec.namespace is not a string"),
        ("/spec/namespace", json!("Hush"), "spec.namespace is not a valid Kubernetes name"),
        ("/spec/namespace", json!("a.b"), "spec.namespace is not a valid Kubernetes name"),
        ("/spec/serviceAccount", json!(["hush"]), "spec.serviceAccount is not a string"),
        ("/spec/serviceAccount", json!("a/b"), "spec.serviceAccount is not a valid Kubernetes name"),
        ("/spec/clusterName", json!({}), "spec.clusterName is not a string"),
        ("/spec", json!("hush"), "spec.namespace is missing"),
        ("/spec", json!(null), "spec.namespace is missing"),
    ] {
        let object = with(good.clone(), pointer, value);
        assert_eq!(read(ack(), &object), Err(message.to_owned()), "{object}");
    }
    assert_eq!(read(ack(), &json!([])), Err("spec.namespace is missing".to_owned()));
    let missing = Err("spec.forProvider.namespace is missing".to_owned());
    assert_eq!(read(crossplane(), &json!({})), missing);
    let object = json!({ "spec": { "initProvider": { "namespace": 1 } } });
    assert_eq!(read(crossplane(), &object), Err("spec.initProvider.namespace is not a string".to_owned()));
}

#[test]
fn tells_the_kinds_by_group_whatever_the_version() {
    let find = |api_version: &str, kind: &str| Kind::find(api_version, kind).map(Kind::name);
    for version in ["v1alpha1", "v1"] {
        let found = find(&format!("eks.services.k8s.aws/{version}"), KIND).unwrap();
        assert_eq!(found, "podidentityassociations.eks.services.k8s.aws");
    }
    assert_eq!(
        find("eks.aws.upbound.io/v1beta1", KIND).unwrap(),
        "podidentityassociations.eks.aws.upbound.io"
    );
    for (api_version, kind) in
        [("eks.services.k8s.aws/v1alpha1", "Cluster"), ("eks.example.com/v1", KIND), ("v1", KIND), ("", KIND)]
    {
        assert_eq!(find(api_version, kind), None, "{api_version}");
    }
}

#[test]
fn what_nobody_reads_is_not_kept() {
    let many = "{},".repeat(100_000);
    let text = format!(
        "{{\"spec\":{{\"namespace\":\"shop\",\"serviceAccount\":\"orders\",\"tags\":[{many}{{}}],\"clusterName\":\"{}\"}},\
         \"status\":{{\"associationID\":{{\"a\":[{many}1]}},\"conditions\":[{many}{{}}]}},\"more\":[{many}{{}}]}}",
        "x".repeat(100_000)
    );
    let Kept(kept) = serde_json::from_str(&text).unwrap();
    assert!(kept.to_string().len() < 2000, "{}", kept.to_string().len());
    let read = Association::read(ack(), &kept, "").unwrap();
    assert_eq!(read.account.get(), AccountName::new("shop", "orders"));
    assert!(read.cluster.unwrap().len() <= 512);
}
