use std::collections::HashSet;

use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::OID_EC_P256;

use super::*;

const NOW: i64 = 1_800_000_000;
const LIFE: Duration = Duration::from_hours(1);

fn names() -> Names {
    Names::of_service("webhook", "eks")
}

#[test]
fn leaf_is_for_the_names_of_the_service_and_no_others_can_be_signed() {
    let authority = Authority::make(&names(), NOW, LIFE).unwrap();
    authority.leaf(&names(), NOW, LIFE).unwrap();
    let others = Names::of_service("kubernetes", "default");
    let error = authority.leaf(&others, NOW, LIFE).unwrap_err();
    assert!(matches!(error, IssueError::Refused(_)), "{error}");
}

#[test]
fn certificates_are_of_p256_begin_five_minutes_early_and_have_random_serials() {
    let mut serials = HashSet::new();
    for _ in 0..20 {
        let authority = Authority::make(&names(), NOW, LIFE).unwrap();
        let pair = authority.leaf(&names(), NOW, LIFE * 2).unwrap();
        for der in [authority.certificate().der(), &pair.certified().cert[0]] {
            let (_, parsed) = x509_parser::parse_x509_certificate(der).unwrap();
            let curve = parsed.public_key().algorithm.parameters.as_ref().unwrap().as_oid().unwrap();
            assert_eq!(curve, OID_EC_P256);
            assert_eq!(parsed.validity().not_before.timestamp(), NOW - 300);
            // The leaf does not outlive its authority.
            assert_eq!(parsed.validity().not_after.timestamp(), NOW + 3600);
            assert_eq!(parsed.raw_serial().len(), 16);
            assert!(serials.insert(parsed.raw_serial().to_vec()));
        }
    }
}

#[test]
fn authority_may_sign_for_no_address() {
    let authority = Authority::make(&names(), NOW, LIFE).unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(authority.certificate().der()).unwrap();
    let constraints = parsed.name_constraints().unwrap().unwrap();
    assert!(constraints.critical);
    let excluded = constraints.value.excluded_subtrees.as_deref().unwrap();
    let zeros = |bytes: usize| GeneralName::IPAddress(&[0; 32][..bytes]);
    assert_eq!(excluded.iter().map(|one| one.base.clone()).collect::<Vec<_>>(), [zeros(8), zeros(32)]);
}

#[test]
fn authority_is_read_as_it_was_written() {
    let made = Authority::make(&names(), NOW, LIFE).unwrap();
    let (certificate, key) = (made.certificate().pem(), made.key_pem());
    let read = Authority::read(&certificate, &key, &names(), NOW).unwrap();
    assert_eq!(read.certificate(), made.certificate());
    // What it signs is of the same authority.
    let pair = read.leaf(&names(), NOW, LIFE).unwrap();
    let at = UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs());
    made.verify(&pair, &names(), at).unwrap();
    let read = |now| Authority::read(&certificate, &key, &names(), now).map(|_| ()).unwrap_err();
    assert_eq!(read(NOW + 3601), AuthorityError::Expired(1));
    assert_eq!(read(NOW - 301), AuthorityError::NotYetValid(1));
    let error = Authority::read(&certificate, "", &names(), NOW).unwrap_err();
    assert_eq!(error, AuthorityError::Key);
}

#[test]
fn renewal_is_due_with_a_third_of_the_life_left_or_of_a_shorter_one_that_is_wanted() {
    let authority = Authority::make(&names(), NOW, LIFE).unwrap();
    assert_eq!(authority.renewal(LIFE), NOW + 2400);
    assert_eq!(authority.renewal(LIFE * 9), NOW + 2400);
    assert_eq!(authority.renewal(Duration::from_mins(3)), NOW + 120);
}
