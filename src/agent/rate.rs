//! How many requests are answered a second: of all together, as AWS's agent has it, and of one address, so that no pod
//! takes the others' share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A pod's part of the requests a second: its SDKs ask a few times an hour each.
const SHARE: u32 = 5;

/// Addresses that are counted at the same time, more than a node has pods.
const MOST_PEERS: usize = 4096;

/// How many requests a listener answers.
#[derive(Debug)]
pub(super) struct Rates {
    began: Instant,
    all: Mutex<Bucket>,
    peers: Mutex<HashMap<IpAddr, Bucket>>,
    rate: u32,
    burst: u32,
}

/// When the next request would be in time if all had come evenly; requests may come before it by the burst.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket(Duration);

impl Rates {
    /// So many requests a second, and so many at once.
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        Self {
            began: Instant::now(),
            all: Mutex::default(),
            peers: Mutex::default(),
            rate: rate.max(1),
            burst: burst.max(1),
        }
    }

    /// Whether a request from this address is answered. What one address is refused takes nothing of the others'.
    pub(super) fn allow(&self, peer: IpAddr) -> bool {
        let now = self.began.elapsed();
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= MOST_PEERS {
            peers.retain(|_, bucket| bucket.0 > now);
        }
        // Still full: all of them are busy. The listener's own bucket holds then.
        if peers.len() < MOST_PEERS || peers.contains_key(&peer) {
            let (rate, burst) = ((self.rate / SHARE).max(1), (self.burst / SHARE).max(1));
            if !peers.entry(peer).or_default().take(now, rate, burst) {
                return false;
            }
        }
        drop(peers);
        self.all.lock().unwrap_or_else(PoisonError::into_inner).take(now, self.rate, self.burst)
    }
}

impl Bucket {
    fn take(&mut self, now: Duration, rate: u32, burst: u32) -> bool {
        let each = Duration::from_secs(1) / rate;
        let next = self.0.max(now) + each;
        let is_allowed = next <= now + each * burst;
        if is_allowed {
            self.0 = next;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(rates: &Rates, peer: &str, of: usize) -> usize {
        let peer = peer.parse().unwrap();
        (0..of).filter(|_| rates.allow(peer)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn all_together_have_a_burst_and_then_a_rate() {
        let rates = Rates::new(1000, 500);
        let each_once = || (0..2000_u32).filter(|pod| rates.allow(IpAddr::from(pod.to_be_bytes()))).count();
        assert_eq!(each_once(), 500);
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(each_once(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_address_asks_too_much_is_not_taken_from_others() {
        let rates = Rates::new(1000, 500);
        assert_eq!(allowed(&rates, "10.0.0.1", 100_000), 100);
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(allowed(&rates, "10.0.0.1", 100_000), 20);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(allowed(&rates, "10.0.0.1", 100_000), 100);
        for other in 2..6 {
            assert_eq!(allowed(&rates, &format!("10.0.0.{other}"), 100), 100, "{other}");
        }
        assert_eq!(allowed(&rates, "10.0.0.6", 100), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_are_silent_are_forgotten() {
        let rates = Rates::new(1_000_000, 1_000_000);
        for number in 0..u32::try_from(MOST_PEERS).unwrap() {
            rates.allow(IpAddr::from(number.to_be_bytes()));
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        rates.allow("fd00::1".parse().unwrap());
        assert_eq!(rates.peers.lock().unwrap().len(), 1);
    }
}
