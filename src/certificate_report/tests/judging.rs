use serde_json::json;

use super::world::{DAY, NOW, World, authority, failed, forbidden, names, previous, replica, served};
use crate::certificate_report::seen::{Replica, Replicas, Served};
use crate::certificates::self_managed::{Authority, Names, State};
use crate::certificates::{self, self_managed};

#[test]
fn cluster_in_which_all_is_well_has_no_problem() {
    let report = World::well().report();
    assert!(report.all_well && !report.partial, "{:?}", report.problems);
    assert!(report.notes.is_empty());
    assert!(report.service.replicas.iter().all(|replica| replica.accepted_by.len() == 2));
}

#[test]
fn rotation_at_any_stage_is_no_problem() {
    let (before, next) = (authority(1), authority(0));
    let mut world = World::well();
    let state =
        State { signing: world.signing.clone(), next: Some(next.clone()), previous: vec![previous(&before)] };
    world.store(&state, &[]);
    let all: Vec<_> = state.trusted().cloned().collect();
    world.trust(&all);
    world.replicas(vec![
        replica("old", true, served(&before, 3)),
        replica("now", true, served(&world.signing, 3)),
    ]);
    assert_eq!(world.reasons(), [""; 0]);
    let report = world.report();
    let signed_by =
        |index: usize| report.service.replicas[index].certificate.as_ref().unwrap().authority.clone();
    assert_eq!(signed_by(0).unwrap(), before.certificate().serial());
    assert_eq!(signed_by(1).unwrap(), world.signing.certificate().serial());
}

#[test]
fn secret_that_is_missing_or_unread_is_all_that_is_said_of_authorities() {
    let mut world = World::well();
    world.seen.secret = Ok(None);
    assert_eq!(world.reasons(), ["SecretMissing"]);
    for unread in [failed("no answer within 10s"), forbidden()] {
        world.seen.secret = Err(unread);
        assert_eq!(world.reasons(), ["SecretUnreadable"]);
    }
}

#[test]
fn secret_without_an_authority_is_empty() {
    let mut world = World::well();
    world.secret = json!({"data": {"tls.crt": "eA=="}});
    world.set("ca.crt", "");
    assert_eq!(world.reasons(), ["SecretEmpty"]);
}

#[test]
fn part_that_cannot_be_used_is_named() {
    for (key, part) in [
        (
            "ca.key",
            "the signing authority in the Secret eks/authority cannot be used: its key cannot be read",
        ),
        (
            "next-ca.crt",
            "the next authority in the Secret eks/authority cannot be used: its certificate cannot be read",
        ),
        (
            "previous-cas.json",
            "the list of previous authorities in the Secret eks/authority cannot be used: it cannot be read",
        ),
    ] {
        let mut world = World::well();
        world.set(key, "hunter2");
        assert_eq!(world.reasons(), ["PartUnusable"], "{key}");
        let told = &world.report().problems[0].problem;
        assert!(told.starts_with(part) && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn what_was_set_aside_is_a_note() {
    let mut world = World::well();
    world.set("ca.key", "hunter2");
    let unusable = self_managed::read(&world.secret, &names(), NOW).unusable;
    world.store(&State::of(world.signing.clone()), &unusable);
    assert_eq!(world.reasons(), [""; 0]);
    let report = world.report();
    assert!(
        report.notes[0].contains("remove the keys set-aside.ca.crt, set-aside.ca.key and "),
        "{:?}",
        report.notes
    );
    let aside = report.secret.set_aside.unwrap();
    assert_eq!(aside.reasons, ["2027-01-15T08:00:00Z: the signing authority: its key cannot be read"]);
}

#[test]
fn authority_past_its_renewal_wants_a_next_one() {
    let mut world = World::well();
    // Two thirds of 365 days are 243 and a third.
    world.signing = authority(244);
    let state = State::of(world.signing.clone());
    world.store(&state, &[]);
    world.trust(&[world.signing.certificate().clone()]);
    world.replicas(vec![replica("a", true, served(&world.signing, 1))]);
    assert_eq!(world.reasons(), ["NextAuthorityOverdue"]);
    assert_eq!(world.report().problems[0].problem, "the next authority was due 16h ago, and there is none");
    let next = authority(0);
    world.store(&State { next: Some(next.clone()), ..state }, &[]);
    world.trust(&[world.signing.certificate().clone(), next.certificate().clone()]);
    assert_eq!(world.reasons(), [""; 0]);
}

#[test]
fn entry_that_lacks_an_authority_is_named_once_for_each() {
    let mut world = World::well();
    let next = authority(0);
    let signing = world.signing.certificate().pem();
    world.store(&State { next: Some(next.clone()), ..State::of(world.signing.clone()) }, &[]);
    world.bundle(&[("a", &signing), ("b", &format!("{signing}{}", next.certificate().pem()))]);
    assert_eq!(world.reasons(), ["AuthorityMissing"]);
    let told = &world.report().problems[0].problem;
    assert_eq!(*told, format!("the caBundle of a lacks the next authority {}", next.certificate().serial()));
    world.bundle(&[("a", &next.certificate().pem())]);
    assert_eq!(world.reasons(), ["AuthorityMissing", "CertificateRefused", "CertificateRefused"]);
}

#[test]
fn entry_that_trusts_somebody_else_is_named_with_the_serial_number() {
    let mut world = World::well();
    let foreign = authority(3);
    world.trust(&[world.signing.certificate().clone(), foreign.certificate().clone()]);
    assert_eq!(world.reasons(), ["AuthorityUnknown", "AuthorityUnknown"]);
    let report = world.report();
    assert!(report.problems[0].problem.contains(foreign.certificate().serial()));
    assert_eq!(report.registration.entries[0].unknown, [foreign.certificate().serial()]);
    // Without the Secret nobody knows who is foreign.
    world.seen.secret = Ok(None);
    assert_eq!(world.reasons(), ["SecretMissing"]);
}

#[test]
fn bundle_with_something_else_in_it_is_unreadable() {
    let mut world = World::well();
    let pem = world.signing.certificate().pem();
    world.bundle(&[("a", &format!("{pem}-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"))]);
    assert_eq!(world.reasons(), ["BundleUnreadable"]);
    world.bundle(&[("a", "")]);
    let refused = ["CertificateRefused"; 2];
    assert_eq!(world.reasons(), [&["BundleUnreadable", "AuthorityMissing"][..], &refused].concat());
}

#[test]
fn registration_that_is_missing_unread_or_empty_is_told_apart() {
    let mut world = World::well();
    world.seen.entries = Ok(None);
    assert_eq!(world.reasons(), ["RegistrationMissing"]);
    world.seen.entries = Ok(Some(Vec::new()));
    assert_eq!(world.reasons(), ["RegistrationEmpty"]);
    world.seen.entries = Err(forbidden());
    assert_eq!(world.reasons(), ["RegistrationUnreadable"]);
}

#[test]
fn service_without_a_ready_pod_answers_nobody() {
    let mut world = World::well();
    world.seen.replicas = Ok(Replicas::NoService);
    assert_eq!(world.reasons(), ["ServiceMissing"]);
    world.seen.replicas = Ok(Replicas::NoSelector);
    assert_eq!(world.reasons(), ["ServiceWithoutSelector"]);
    world.seen.replicas = Err(failed("503"));
    assert_eq!(world.reasons(), ["ReplicasUnreadable"]);
    world.replicas(Vec::new());
    assert_eq!(world.reasons(), ["NoReadyReplica"]);
    world.replicas(vec![replica("a", false, served(&world.signing, 1))]);
    assert_eq!(world.reasons(), ["NoReadyReplica"]);
}

#[test]
fn certificate_that_has_expired_is_told_so_alone() {
    let mut world = World::well();
    world.replicas(vec![replica("a", true, served(&world.signing, 25))]);
    assert_eq!(world.reasons(), ["CertificateExpired"]);
    let report = world.report();
    assert_eq!(report.problems[0].problem, "the certificate that a serves expired 1h ago");
    let authority = report.service.replicas[0].certificate.as_ref().unwrap().authority.clone();
    assert_eq!(authority.unwrap(), world.signing.certificate().serial());
}

#[test]
fn certificate_is_refused_entry_by_entry_and_the_reason_is_in_words() {
    let mut world = World::well();
    let stranger = authority(2);
    let (own, other) = (world.signing.certificate().pem(), stranger.certificate().pem());
    world.replicas(vec![replica("a", true, served(&stranger, 1))]);
    world.bundle(&[("own", &own), ("both", &format!("{own}{other}"))]);
    assert_eq!(world.reasons(), ["AuthorityUnknown", "CertificateRefused"]);
    let report = world.report();
    assert_eq!(
        report.problems[1].problem,
        "the certificate that a serves is refused by the caBundle of own: none of its authorities has signed the \
         certificate"
    );
    let replica = &report.service.replicas[0];
    assert_eq!((&replica.accepted_by[..], replica.refused_by.len()), (&["both".to_owned()][..], 1));
    assert_eq!(
        replica.certificate.as_ref().unwrap().authority.as_deref(),
        Some(stranger.certificate().serial())
    );
}

#[test]
fn certificate_for_other_names_is_refused() {
    let mut world = World::well();
    let files = certificates::Authority::new().unwrap();
    let leaf = files.leaf(&["webhook.other.svc".to_owned()]).unwrap();
    // Made now by this machine's clock, which is not the test's.
    world.seen.now = leaf.pair().unwrap().not_after() - 60;
    world.seen.secret = Ok(None);
    world.bundle(&[("a", &files.certificate_pem())]);
    world.replicas(vec![replica("a", true, Served::of_pem(&leaf.certificate_pem).unwrap())]);
    assert_eq!(world.reasons(), ["SecretMissing", "CertificateRefused"]);
    assert!(world.report().problems[1].problem.ends_with(": the certificate is not for webhook.eks.svc"));
}

#[test]
fn certificate_that_cannot_be_read_is_a_problem_of_ready_replicas() {
    let mut world = World::well();
    let unread = |is_ready| Replica {
        pod: "b".to_owned(),
        is_ready,
        served: Served::of_pem("<html>").map(|_| unreachable!()),
    };
    world.replicas(vec![replica("a", true, served(&world.signing, 1)), unread(true)]);
    assert_eq!(world.reasons(), ["CertificateUnreadable"]);
    world.replicas(vec![replica("a", true, served(&world.signing, 1)), unread(false)]);
    assert_eq!(world.reasons(), [""; 0]);
    let notes = world.report().notes;
    assert_eq!(notes[0], "b is not ready, so that no API server calls it");
    assert_eq!(notes[1], "the certificate that b serves could not be read: the answer holds no certificate");
}

#[test]
fn what_the_caller_may_not_read_is_a_note_and_this_pod_is_judged_instead() {
    let mut world = World::well();
    world.seen.replicas = Err(forbidden());
    world.seen.own = Some(Ok(served(&world.signing, 1)));
    let report = world.report();
    assert!(report.all_well && report.partial);
    assert_eq!(report.notes.len(), 2);
    assert_eq!(report.service.replicas.len(), 1);
    assert_eq!(report.service.replicas[0].pod, None);
    world.seen.own = Some(Ok(served(&world.signing, 30)));
    assert_eq!(world.reasons(), ["CertificateExpired"]);
    world.seen.own = Some(Err(failed("connection refused")));
    assert_eq!(world.reasons(), [""; 0]);
    // Pods may be read, and not what they serve.
    world.replicas(vec![Replica { pod: "a".to_owned(), is_ready: true, served: Err(forbidden()) }]);
    world.seen.own = None;
    assert_eq!((world.reasons().len(), world.report().partial), (0, true));
}

#[test]
fn authority_for_other_names_is_none_of_this_service() {
    let mut world = World::well();
    let other = Names::of_service("other", "eks");
    let other = Authority::make(&other, NOW - DAY, super::world::YEAR).unwrap();
    world.store(&State::of(other), &[]);
    assert_eq!(world.reasons()[0], "PartUnusable");
}
