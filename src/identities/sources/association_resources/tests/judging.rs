use serde_json::{Value, json};

use super::super::Association;
use super::super::objects::{Name, Objects, Resource, ResourceStanding};
use super::{ack, synced, with};
use crate::aws::ClusterName;
use crate::identities::sources::association_resources::{Namespaces, Pending, Selection};
use crate::kubernetes::Change;

fn resource(namespace: Option<&str>, name: &str, object: &Value) -> Resource {
    let name = Name { namespace: namespace.map(Into::into), name: name.into() };
    Resource { name, association: Association::read(ack(), object, "") }
}

fn standing(objects: &Objects) -> Vec<ResourceStanding> {
    objects.judged().map(|(_, standing)| standing).collect()
}

/// A selection in which a resource may name any account.
fn any() -> Selection {
    Selection { namespaces: Namespaces::Any, ..Selection::default() }
}

/// What becomes of this object, in the namespace `infra`.
fn judged(object: &Value, selection: &Selection) -> ResourceStanding {
    let mut objects = Objects::default();
    assert!(objects.apply(Change::Applied(resource(Some("infra"), "x", object)), selection));
    standing(&objects)[0]
}

fn pending(object: Value) -> Value {
    with(object, "/status/associationID", json!(null))
}

fn unsynced(object: Value) -> Value {
    with(object, "/status/conditions/0/status", json!("False"))
}

#[test]
fn what_aws_has_counts_and_what_it_has_not_only_if_asked_for() {
    let good = synced("shop", "orders", "prod");
    assert_eq!(judged(&good, &any()), ResourceStanding::Used);
    for object in [pending(good.clone()), unsynced(good)] {
        assert_eq!(judged(&object, &any()), ResourceStanding::Pending);
        let used = Selection { pending: Pending::Use, ..any() };
        assert_eq!(judged(&object, &used), ResourceStanding::Used);
    }
}

#[test]
fn only_those_for_the_cluster_count() {
    let prod = || ClusterName::new("prod");
    let selection = Selection { cluster: prod(), ..any() };
    assert_eq!(judged(&synced("shop", "orders", "prod"), &selection), ResourceStanding::Used);
    for other in ["test", "Prod", "prod-2"] {
        assert_eq!(judged(&synced("shop", "orders", other), &selection), ResourceStanding::OtherCluster);
    }
    // A reference that is not resolved yet may be to any cluster.
    let unknown = with(synced("shop", "orders", ""), "/spec/clusterName", json!(null));
    for pending in [Pending::Wait, Pending::Use] {
        let selection = Selection { cluster: prod(), pending, ..any() };
        assert_eq!(judged(&unknown, &selection), ResourceStanding::Pending);
    }
    assert_eq!(judged(&unknown, &any()), ResourceStanding::Used);
}

#[test]
fn those_for_another_namespace_do_not_count_if_own_ones_alone_may() {
    let selection = Selection::default();
    assert_eq!(judged(&synced("shop", "orders", "prod"), &selection), ResourceStanding::OtherNamespace);
    assert_eq!(judged(&synced("infra", "orders", "prod"), &selection), ResourceStanding::Used);
    let mut objects = Objects::default();
    let cluster_scoped = resource(None, "x", &synced("shop", "orders", "prod"));
    objects.replace(vec![cluster_scoped], &selection);
    assert_eq!(standing(&objects), [ResourceStanding::OtherNamespace]);
}

#[test]
fn what_counted_counts_while_its_controller_is_in_trouble() {
    let selection = any();
    let good = synced("shop", "orders", "prod");
    let applied = |object: &Value| Change::Applied(resource(Some("infra"), "x", object));
    let mut objects = Objects::default();
    assert!(objects.apply(applied(&good), &selection));
    assert!(!objects.apply(applied(&good), &selection), "the same again");
    let unsynced = unsynced(good.clone());
    objects.apply(applied(&unsynced), &selection);
    assert_eq!(standing(&objects), [ResourceStanding::Used]);
    // A list keeps it used, just as an event does.
    objects.replace(vec![resource(Some("infra"), "x", &unsynced)], &selection);
    assert_eq!(standing(&objects), [ResourceStanding::Used]);
    // A new id means that the old association is gone from AWS.
    let other_id = with(unsynced.clone(), "/status/associationID", json!("a-2"));
    objects.apply(applied(&other_id), &selection);
    assert_eq!(standing(&objects), [ResourceStanding::Pending]);
    objects.apply(applied(&good), &selection);
    objects.apply(applied(&pending(good.clone())), &selection);
    assert_eq!(standing(&objects), [ResourceStanding::Pending]);
    // The object is deleted and made again under the same name.
    objects.apply(applied(&good), &selection);
    assert!(objects.apply(Change::Deleted(resource(Some("infra"), "x", &good)), &selection));
    objects.apply(applied(&unsynced), &selection);
    assert_eq!(standing(&objects), [ResourceStanding::Pending]);
}

#[test]
fn one_that_is_malformed_keeps_nobody_else_away() {
    let selection = any();
    let bad = with(synced("shop", "a", "prod"), "/spec/serviceAccount", json!("A B"));
    let mut objects = Objects::default();
    objects.replace(
        vec![resource(Some("infra"), "bad", &bad), resource(None, "good", &synced("shop", "b", "prod"))],
        &selection,
    );
    assert_eq!(standing(&objects), [ResourceStanding::Used]);
    let told: Vec<_> = objects.malformed().map(|(name, malformed)| format!("{name}: {malformed}")).collect();
    assert_eq!(told, ["infra/bad: spec.serviceAccount is not a valid Kubernetes name"]);
}
