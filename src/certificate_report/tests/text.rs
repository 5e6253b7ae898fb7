use super::world::{World, authority, failed, forbidden, previous, replica, served};
use crate::certificate_report::report::Report;
use crate::certificate_report::seen::Replica;
use crate::certificate_report::text::Text;
use crate::certificates::self_managed::{Certificate, State};

/// The text, with the names of the test in place of random serial numbers.
fn shown(report: &Report, named: &[(&Certificate, &str)]) -> String {
    let mut text = Text(report).to_string();
    for (certificate, name) in named {
        text = text.replace(certificate.serial(), &format!("<serial of {name}>"));
    }
    let leaves = report.service.replicas.iter().filter_map(|replica| replica.certificate.as_ref());
    for (index, leaf) in leaves.enumerate() {
        text = text.replace(&leaf.serial, &format!("<serial of leaf {}>", index + 1));
    }
    text
}

#[test]
fn all_is_well() {
    let world = World::well();
    insta::assert_snapshot!(shown(&world.report(), &[(world.signing.certificate(), "signing")]));
}

#[test]
fn much_is_wrong() {
    let mut world = World::well();
    let (next, before, foreign) = (authority(0), authority(1), authority(2));
    let state =
        State { signing: world.signing.clone(), next: Some(next.clone()), previous: vec![previous(&before)] };
    world.set("previous-cas.json", "corrupt");
    let unusable =
        crate::certificates::self_managed::read(&world.secret, &super::world::names(), super::world::NOW);
    world.store(&state, &unusable.unusable);
    let certificates = [&world.signing, &next, &before, &foreign].map(|one| one.certificate());
    let [signing, next, before, foreign] = certificates;
    let pem = |certificates: &[&Certificate]| certificates.iter().map(|one| one.pem()).collect::<String>();
    world.seen.entries = Ok(None);
    let (whole, other) = (pem(&[signing, next, before]), pem(&[foreign, before]));
    let (signing, next, before, foreign) = (signing.clone(), next.clone(), before.clone(), foreign.clone());
    world.bundle(&[("iam-for-pods.amazonaws.com", &whole), ("required.pod-identity\u{202e}", &other)]);
    let unread = |pod: &str, is_ready, why| Replica { pod: pod.to_owned(), is_ready, served: Err(why) };
    world.replicas(vec![
        replica("webhook-a", true, served(&world.signing, 1)),
        replica("webhook-b", true, served(&world.signing, 30)),
        unread("webhook-c", true, failed("503 ServiceUnavailable: connection refused")),
        unread("webhook-d", false, forbidden()),
    ]);
    let named = [(&signing, "signing"), (&next, "next"), (&before, "previous"), (&foreign, "foreign")];
    insta::assert_snapshot!(shown(&world.report(), &named));
}

#[test]
fn what_could_not_be_read_is_no_reason_to_worry() {
    let mut world = World::well();
    world.seen.replicas = Err(forbidden());
    world.seen.own = Some(Ok(served(&world.signing, 1)));
    insta::assert_snapshot!(shown(&world.report(), &[(world.signing.certificate(), "signing")]));
}
