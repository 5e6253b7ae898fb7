use super::*;
use crate::telemetry::Registry;

/// A call that takes this long is a long one.
const LONG: Duration = Duration::from_secs(4);

/// Longer than a handshake may take, shorter than a long call.
const A_WHILE: Duration = Duration::from_secs(2);

fn connections(most: usize, per_peer: usize) -> Arc<Connections> {
    let limits = Limits { connections: most, connections_per_peer: per_peer, ..Limits::default() };
    let metrics = Arc::new(Metrics::new(&Registry::new().unwrap()).unwrap());
    Arc::new(Connections::new(&limits, metrics, Port::Webhook, None, None))
}

fn peer(number: u8) -> Peer {
    Peer::of([192, 0, 2, number].into())
}

/// Opens connections of one peer, and brings each into the state that `then` gives it.
fn some(connections: &Arc<Connections>, number: u8, count: usize, then: fn(&Activity)) -> Vec<Place> {
    let place = |_| {
        let place = connections.admit(peer(number)).unwrap();
        then(&place.entry.activity);
        place
    };
    (0..count).map(place).collect()
}

fn opening(_: &Activity) {}

fn calling(activity: &Activity) {
    activity.calling();
}

fn idle(activity: &Activity) {
    activity.calling();
    activity.answering(false);
    activity.flushed();
}

fn open(connections: &Connections, places: &[Place]) -> Vec<bool> {
    let state = connections.state();
    places.iter().map(|place| state.all.members().any(|entry| entry.id == place.entry.id)).collect()
}

fn all_open(connections: &Connections, places: &[Place]) -> bool {
    !open(connections, places).contains(&false)
}

#[test]
fn burst_of_one_peer_goes_beyond_its_share_while_there_is_room() {
    let connections = connections(10, 5);
    let burst = some(&connections, 1, 10, opening);
    assert!(all_open(&connections, &burst));
    // The burst gets no more places than there are.
    let _one_more = connections.admit(peer(1)).unwrap();
    assert_eq!(open(&connections, &burst).iter().filter(|is_open| **is_open).count(), 9);
}

#[test]
fn who_asks_nothing_for_a_while_is_no_burst() {
    let connections = connections(10, 5);
    let silent = some(&connections, 1, 5, opening);
    let _newcomer = connections.admit_at(peer(1), connections.origin.elapsed() + A_WHILE).unwrap();
    assert_eq!(open(&connections, &silent), [false, true, true, true, true]);
}

#[test]
fn idle_connection_goes_before_a_handshake() {
    let connections = connections(4, 0);
    let handshakes = some(&connections, 1, 3, opening);
    let idle = some(&connections, 1, 1, idle);
    let _newcomer = connections.admit(peer(2)).unwrap();
    assert!(all_open(&connections, &handshakes));
    assert_eq!(open(&connections, &idle), [false]);
}

#[test]
fn handshakes_of_who_has_more_than_a_share_go_before_what_idles() {
    let connections = connections(10, 5);
    let kept = some(&connections, 1, 3, idle);
    let burst = some(&connections, 2, 7, opening);
    let _newcomer = connections.admit(peer(1)).unwrap();
    assert!(all_open(&connections, &kept));
    assert_eq!(open(&connections, &burst), [false, true, true, true, true, true, true]);
}

#[test]
fn who_was_let_in_is_not_closed_for_the_next_of_a_larger_peer() {
    let connections = connections(10, 5);
    let _calls = some(&connections, 1, 5, calling);
    let calls = some(&connections, 2, 4, calling);
    let let_in = some(&connections, 3, 1, opening);
    let _newcomer = connections.admit(peer(2)).unwrap();
    assert!(all_open(&connections, &let_in));
    assert_eq!(open(&connections, &calls), [false, true, true, true]);
}

#[test]
fn call_of_a_peer_with_its_share_stays_while_another_with_a_share_idles() {
    let connections = connections(10, 5);
    let calls = some(&connections, 1, 5, calling);
    let idle = some(&connections, 2, 5, idle);
    let _newcomers = some(&connections, 1, 1, calling);
    assert!(all_open(&connections, &calls));
    assert_eq!(open(&connections, &idle), [false, true, true, true, true]);
    // A peer that has less than a share keeps what it has.
    let _newcomer = connections.admit(peer(1)).unwrap();
    assert_eq!(open(&connections, &calls), [false, true, true, true, true]);
}

#[test]
fn long_call_of_a_peer_with_its_share_goes_for_the_next_of_it() {
    let connections = connections(10, 5);
    let calls = some(&connections, 1, 5, calling);
    let idle = some(&connections, 2, 5, idle);
    let _newcomer = connections.admit_at(peer(1), connections.origin.elapsed() + LONG).unwrap();
    assert_eq!(open(&connections, &calls), [false, true, true, true, true]);
    assert!(all_open(&connections, &idle));
}

#[test]
fn no_more_are_on_their_way_out_than_that() {
    let connections = connections(2 * GOING, 0);
    let idle = some(&connections, 1, 2 * GOING, idle);
    let newcomers = some(&connections, 2, 2 * GOING, opening);
    assert!(!open(&connections, &idle).contains(&true));
    assert!(all_open(&connections, &newcomers));
    assert_eq!(connections.state().going.len(), GOING);
    drop(idle);
    assert_eq!(connections.state().going.len(), 0);
}
