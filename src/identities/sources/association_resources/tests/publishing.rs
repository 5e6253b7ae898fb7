use std::sync::Arc;
use std::time::Duration;

use injection::AccountName;

use super::super::objects::{Name, Resource};
use super::super::watch::Reading;
use super::super::{Association, AssociationResources, Existence, Malformed};
use super::{ack, synced};
use crate::identities::association_set::AssociationSet;
use crate::identities::sources::association_resources::{Controller, Namespaces, Selection};
use crate::kubernetes::{ApiError, Change, WatchError};
use crate::process::Readiness;
use crate::source;
use crate::source::Source;
use crate::telemetry::Registry;

struct World {
    resources: AssociationResources,
    source: Arc<Source<AssociationSet>>,
    readiness: Readiness,
    registry: Registry,
}

fn any() -> Selection {
    Selection { namespaces: Namespaces::Any, ..Selection::default() }
}

fn world(controller: Controller, selection: Selection) -> World {
    let (readiness, registry) = (Readiness::default(), Registry::new().unwrap());
    let metrics = source::Metrics::new(&registry).unwrap();
    let source = Source::new(controller.name(), AssociationSet::len, &readiness, &metrics);
    let resources = super::super::Metrics::new(&registry).unwrap();
    let resources = AssociationResources::new(controller, selection, source.clone(), resources);
    World { resources, source, readiness, registry }
}

impl World {
    fn report(&self) -> String {
        self.readiness.report().1.lines().next().unwrap().to_owned()
    }

    fn metric(&self, name: &str) -> String {
        let text = self.registry.scrape().unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(&format!("pod_identity_webhook_{name} ")));
        value.unwrap_or("none").to_owned()
    }
}

fn resources(names: &[(&str, &str)]) -> Vec<Resource> {
    let resource = |(name, account): &(&str, &str)| Resource {
        name: Name { namespace: Some("infra".into()), name: (*name).into() },
        association: Association::read(ack(), &synced("shop", account, "prod"), ""),
    };
    names.iter().map(resource).collect()
}

fn refused() -> Reading {
    let message = "podidentityassociations is forbidden".to_owned();
    let (status, reason) = (None, "Forbidden".to_owned());
    let status = kube::core::Status { status, code: 403, message, reason, ..Default::default() };
    let what = "podidentityassociations.eks.aws.upbound.io".into();
    Reading::Failed(WatchError::List { what, source: ApiError::Client(kube::Error::Api(Box::new(status))) })
}

#[tokio::test(start_paused = true)]
async fn a_controller_is_read_once_all_its_kinds_are() {
    let mut world = world(Controller::Crossplane, any());
    world.resources.take(0, Reading::Everything(resources(&[("x", "orders")])));
    assert!(world.source.current().is_none());
    assert_eq!(world.report(), "[-]crossplane not read yet");
    world.resources.take(1, Reading::Unserved);
    assert!(world.source.current().unwrap().contains(AccountName::new("shop", "orders")));
    world.resources.take(1, Reading::Everything(resources(&[("y", "cart")])));
    assert_eq!(world.source.current().unwrap().len(), 2);
    world.resources.take(0, Reading::Unserved);
    assert_eq!(*world.source.current().unwrap(), [("shop", "cart")].into_iter().collect());
}

#[tokio::test(start_paused = true)]
async fn trouble_with_one_kind_is_shown_until_it_is_over_and_keeps_the_last_set() {
    let mut world = world(Controller::Crossplane, any());
    world.resources.take(1, Reading::Unserved);
    world.resources.take(0, refused());
    let trouble = "failed to list podidentityassociations.eks.aws.upbound.io: 403 Forbidden: \
                   podidentityassociations is forbidden; the webhook's ClusterRole must allow list and watch \
                   on podidentityassociations in the API group eks.aws.upbound.io";
    assert_eq!(world.report(), format!("[-]crossplane not read yet: {trouble}"));
    world.resources.take(0, Reading::Everything(resources(&[("x", "orders")])));
    assert_eq!(world.report(), "[+]crossplane ok");
    world.resources.take(0, refused());
    tokio::time::advance(Duration::from_secs(3)).await;
    // What the other kind says counts all the same.
    let change = Change::Applied(resources(&[("y", "cart")]).remove(0));
    world.resources.take(1, Reading::Changes(vec![change]));
    assert_eq!(world.source.current().unwrap().len(), 2);
    assert_eq!(world.report(), format!("[+]crossplane ok (keeps the set read 3s ago: {trouble})"));
    world.resources.take(0, Reading::Same);
    assert_eq!(world.report(), "[+]crossplane ok");
}

#[tokio::test(start_paused = true)]
async fn a_list_does_not_end_the_trouble_of_a_watch() {
    let mut world = world(Controller::Ack, any());
    world.resources.take(0, Reading::Everything(vec![]));
    let what = "x".into();
    world.resources.take(0, Reading::Failed(WatchError::Cut { what }));
    world.resources.take(0, Reading::Everything(resources(&[("x", "orders")])));
    assert_eq!(world.source.current().unwrap().len(), 1);
    let report = "[+]ack ok (keeps the set read 0s ago: the watch of x was cut at once)";
    assert_eq!(world.report(), report);
    world.resources.take(0, Reading::Same);
    assert_eq!(world.report(), "[+]ack ok");
}

#[tokio::test]
async fn counts_what_becomes_of_them_and_complains_of_what_is_malformed() {
    let mut world = world(Controller::Ack, any());
    let mut all = resources(&[("a", "orders"), ("b", "orders"), ("c", "cart")]);
    all[1].association.as_mut().unwrap().existence = Existence::Awaited;
    all[2].association = Err(Malformed::Missing("spec.namespace".into()));
    world.resources.take(0, Reading::Everything(all));
    let state =
        |state: &str| world.metric(&format!("association_resources{{source=\"ack\",state=\"{state}\"}}"));
    let states = ["used", "pending", "other_cluster", "other_namespace"].map(state);
    assert_eq!(states, ["1", "1", "0", "0"]);
    assert_eq!(world.metric("source_entries{source=\"ack\"}"), "1");
    assert_eq!(world.metric("source_passed_over_entries{source=\"ack\"}"), "1");
    assert_eq!(world.report(), "[+]ack ok (entries passed over: 1: infra/c: spec.namespace is missing)");
    world
        .resources
        .take(0, Reading::Changes(resources(&[("c", "cart")]).into_iter().map(Change::Applied).collect()));
    assert_eq!((world.report().as_str(), world.source.current().unwrap().len()), ("[+]ack ok", 2));
}

#[test]
fn cluster_scoped_kinds_are_not_even_read_if_own_namespaces_alone_count() {
    let groups = |namespaces| {
        let world = world(Controller::Crossplane, Selection { namespaces, ..Selection::default() });
        world.resources.parts.iter().map(|part| part.kind.group).collect::<Vec<_>>()
    };
    assert_eq!(groups(Namespaces::Any), ["eks.aws.upbound.io", "eks.aws.m.upbound.io"]);
    assert_eq!(groups(Namespaces::Own), ["eks.aws.m.upbound.io"]);
}
