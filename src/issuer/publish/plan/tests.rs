use std::sync::LazyLock;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use tokens::JsonWebKeySet;

use super::*;

/// Keys by which the tests go, in the order of their ids.
static KEYS: LazyLock<Vec<JsonWebKey>> = LazyLock::new(|| {
    let mut keys: Vec<_> = (0..3).map(|_| generate()).collect();
    keys.sort_by_key(|key| key.kid().unwrap().to_owned());
    keys
});

fn generate() -> JsonWebKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    JsonWebKey::ec("P-256", pair.public_key().as_ref()).unwrap()
}

fn kid(index: usize) -> String {
    KEYS[index].kid().unwrap().to_owned()
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
}

/// What is published, from publication to publication.
#[derive(Default)]
struct World {
    published: Vec<JsonWebKey>,
    history: History,
}

impl World {
    /// Publishes what sources with these keys have.
    fn publish(
        &mut self,
        hour: i64,
        sources: &[&[usize]],
        is_complete: bool,
        rules: &Rules,
    ) -> Result<Vec<Fate>, PlanError> {
        let sources: Vec<_> = sources
            .iter()
            .enumerate()
            .map(|(index, keys)| Source {
                name: format!("source {index}"),
                keys: keys.iter().map(|key| KEYS[*key].clone()).collect(),
            })
            .collect();
        let Self { published, history } = self;
        let known = Known { sources: &sources, is_complete, published, history, now: at(hour) };
        let plan = Plan::new(&known, rules)?;
        let fates = plan.entries.iter().map(|entry| entry.fate).collect();
        self.published = plan.keys().into_iter().cloned().collect();
        // As it is read again.
        self.history = History::parse(plan.history.to_json().as_bytes()).unwrap();
        assert_eq!(self.history, plan.history);
        Ok(fates)
    }

    fn kids(&self) -> Vec<String> {
        self.published.iter().map(|key| key.kid().unwrap().to_owned()).collect()
    }
}

fn retention(hours: u64) -> Rules {
    Rules { retention: Some(Duration::from_secs(hours * 3600)), ..Rules::default() }
}

fn remove(index: usize) -> Rules {
    Rules { remove: vec![kid(index)], ..Rules::default() }
}

fn restore(index: usize) -> Rules {
    Rules { restore: vec![kid(index)], ..Rules::default() }
}

#[test]
fn the_union_is_published_and_a_key_of_several_sources_once() {
    let mut world = World::default();
    let fates = world.publish(0, &[&[0, 1], &[1, 1]], true, &Rules::default()).unwrap();
    assert_eq!((fates, world.kids()), (vec![Fate::Added; 2], vec![kid(0), kid(1)]));
    let history = world.history.clone();
    // Nothing is new: not a byte of the history changes.
    let fates = world.publish(5, &[&[1], &[0]], true, &Rules::default()).unwrap();
    assert_eq!((fates, world.history), (vec![Fate::Stays; 2], history));
}

#[test]
fn a_key_that_no_source_has_stays_for_ever_without_a_retention() {
    let mut world = World::default();
    world.publish(0, &[&[0, 1]], true, &Rules::default()).unwrap();
    for hour in [1, 100_000] {
        let fates = world.publish(hour, &[&[1]], true, &Rules::default()).unwrap();
        assert_eq!(fates, [Fate::Kept, Fate::Stays]);
    }
    assert_eq!(world.history.of(&kid(0)).absent_since, Some(at(1)));
}

#[test]
fn a_retention_counts_from_when_a_key_was_first_missed() {
    let mut world = World::default();
    world.publish(0, &[&[0, 1]], true, &retention(48)).unwrap();
    for (hour, keys, fate) in [
        (100, &[1][..], Fate::Kept),
        (147, &[1], Fate::Kept),
        // It is back, and the time begins anew.
        (147, &[0, 1], Fate::Stays),
        (200, &[1], Fate::Kept),
        (247, &[1], Fate::Kept),
        (248, &[1], Fate::Expires),
    ] {
        let fates = world.publish(hour, &[keys], true, &retention(48)).unwrap();
        assert_eq!(fates[0], fate, "{hour}");
    }
    assert_eq!((world.kids(), world.history.keys.len()), (vec![kid(1)], 1));
}

#[test]
fn while_a_source_is_away_no_key_is_missed_or_goes() {
    let mut world = World::default();
    world.publish(0, &[&[0, 1]], true, &retention(1)).unwrap();
    let fates = world.publish(10, &[&[1]], false, &retention(1)).unwrap();
    assert_eq!((fates[0], world.history.of(&kid(0)).absent_since), (Fate::Kept, None));
    world.publish(20, &[&[1]], true, &retention(1)).unwrap();
    let fates = world.publish(30, &[&[1, 2]], false, &retention(1)).unwrap();
    assert_eq!(fates, [Fate::Kept, Fate::Stays, Fate::Added]);
    let fates = world.publish(30, &[&[1, 2]], true, &retention(1)).unwrap();
    assert_eq!(fates[0], Fate::Expires);
}

#[test]
fn a_removed_key_does_not_come_back_until_it_is_restored() {
    let mut world = World::default();
    world.publish(0, &[&[0, 1]], true, &Rules::default()).unwrap();
    assert_eq!(world.publish(1, &[&[0, 1]], true, &remove(0)).unwrap(), [Fate::Withdrawn, Fate::Stays]);
    assert_eq!(world.publish(2, &[&[0, 1]], true, &Rules::default()).unwrap(), [Fate::LeftOut, Fate::Stays]);
    // Nor after it was nowhere for a while.
    world.publish(3, &[&[1]], true, &retention(1)).unwrap();
    assert_eq!(world.publish(9, &[&[0, 1]], true, &retention(1)).unwrap(), [Fate::LeftOut, Fate::Stays]);
    assert_eq!(world.history.of(&kid(0)).withdrawn_since, Some(at(1)));
    assert_eq!(world.kids(), [kid(1)]);
    assert_eq!(world.publish(10, &[&[0, 1]], true, &restore(0)).unwrap(), [Fate::Added, Fate::Stays]);
    assert_eq!(world.history.of(&kid(0)).published_since, Some(at(10)));
}

#[test]
fn what_the_user_cannot_have_meant_is_refused() {
    let mut world = World::default();
    world.publish(0, &[&[0]], true, &Rules::default()).unwrap();
    for (rules, error) in [
        (remove(0), PlanError::NothingLeft),
        (remove(1), PlanError::NothingToRemove(kid(1))),
        (restore(0), PlanError::NothingToRestore(kid(0))),
    ] {
        assert_eq!(world.publish(1, &[&[0]], true, &rules).unwrap_err(), error);
    }
    world.publish(1, &[&[0, 1]], true, &remove(1)).unwrap();
    let error = world.publish(2, &[&[0]], true, &restore(1)).unwrap_err();
    assert_eq!(error, PlanError::NowhereToRestoreFrom(kid(1)));
}

#[test]
fn two_keys_of_one_id_and_more_keys_than_aws_takes_are_refused() {
    let json = KEYS[1].to_json().replace(&kid(1), &kid(0));
    let set = JsonWebKeySet::parse(format!("{{\"keys\":[{json}]}}").as_bytes()).unwrap();
    let source = Source { name: "a.pub".to_owned(), keys: vec![KEYS[0].clone()] };
    let (published, history) = (set.keys(), History::default());
    let known = Known { sources: &[source], is_complete: true, published, history: &history, now: at(0) };
    let error = Plan::new(&known, &Rules::default()).unwrap_err();
    assert_eq!(
        error,
        PlanError::Clash { kid: kid(0), one: "what is published".to_owned(), other: "a.pub".to_owned() }
    );
    let source = Source { name: "many".to_owned(), keys: (0..101).map(|_| generate()).collect() };
    let known =
        Known { sources: &[source], is_complete: true, published: &[], history: &history, now: at(0) };
    let error = Plan::new(&known, &Rules::default()).unwrap_err();
    assert_eq!(error, PlanError::TooMany { count: 101, kind: "EC" });
}
