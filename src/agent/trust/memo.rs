//! The tokens that were verified, each by its digest until it ends; and those that the API server has just refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::time::Instant;

use super::{LEEWAY, Subject};

/// How long a refusal is remembered: the API server is not asked for each of an SDK's tries.
const REFUSAL: Duration = Duration::from_secs(3);

/// What stands for a token: who has it does not have the token, and no two tokens have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(token: &str) -> Self {
        Self(digest(&SHA256, token.as_bytes()).as_ref().try_into().unwrap_or_default())
    }
}

/// What is known of a token.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// It is this pod's.
    Subject(Arc<Subject>),
    /// The API server has just refused it.
    Refused,
}

#[derive(Debug)]
enum Remembered {
    Subject(Arc<Subject>),
    Refused(Instant),
}

/// The tokens that were verified.
#[derive(Debug)]
pub(super) struct Memo {
    tokens: Mutex<HashMap<Digest, Remembered>>,
    most: usize,
}

impl Memo {
    pub(super) fn new(most: usize) -> Self {
        Self { tokens: Mutex::default(), most: most.max(1) }
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<Known> {
        match self.lock().get(digest)? {
            Remembered::Subject(subject) => (!has_ended(subject)).then(|| Known::Subject(subject.clone())),
            Remembered::Refused(until) => (*until > Instant::now()).then_some(Known::Refused),
        }
    }

    pub(super) fn insert(&self, digest: Digest, subject: Arc<Subject>) {
        self.put(digest, Remembered::Subject(subject));
    }

    pub(super) fn refuse(&self, digest: Digest) {
        self.put(digest, Remembered::Refused(Instant::now() + REFUSAL));
    }

    /// Whether another token of the same pod and account was verified.
    pub(super) fn has_pod(&self, subject: &Subject) -> bool {
        let Subject { pod_uid, account_uid, .. } = subject;
        self.lock().values().any(|known| match known {
            Remembered::Subject(known) => known.pod_uid == *pod_uid && known.account_uid == *account_uid,
            Remembered::Refused(_) => false,
        })
    }

    pub(super) fn forget(&self, pod_uid: &str) {
        self.lock().retain(|_, known| match known {
            Remembered::Subject(subject) => &*subject.pod_uid != pod_uid,
            Remembered::Refused(_) => true,
        });
    }

    fn put(&self, digest: Digest, known: Remembered) {
        let mut tokens = self.lock();
        if tokens.len() >= self.most {
            tokens.retain(|_, known| match known {
                Remembered::Subject(subject) => !has_ended(subject),
                Remembered::Refused(until) => *until > Instant::now(),
            });
        }
        if tokens.len() >= self.most {
            // The token that ends first is the oldest, which its pod has mostly replaced.
            let first = tokens.iter().min_by_key(|(_, known)| match known {
                Remembered::Refused(_) => i64::MIN,
                Remembered::Subject(subject) => subject.expires,
            });
            if let Some(first) = first.map(|(digest, _)| *digest) {
                tokens.remove(&first);
            }
        }
        tokens.insert(digest, known);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Remembered>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_ended(subject: &Subject) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.saturating_sub(LEEWAY).as_secs()).is_ok_and(|now| now >= subject.expires)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(pod_uid: &str, ends_in: i64) -> Arc<Subject> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        Arc::new(Subject {
            namespace: "shop".into(),
            service_account: "orders".into(),
            account_uid: "a".into(),
            pod_name: "orders-1".into(),
            pod_uid: pod_uid.into(),
            expires: i64::try_from(now).unwrap() + ends_in,
        })
    }

    fn knows(memo: &Memo, token: &str) -> bool {
        matches!(memo.get(&Digest::of(token)), Some(Known::Subject(_)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_known_until_it_ends_and_its_pod_is_gone() {
        let memo = Memo::new(10);
        memo.insert(Digest::of("one"), subject("p1", 600));
        memo.insert(Digest::of("two"), subject("p2", -59));
        memo.insert(Digest::of("three"), subject("p3", -61));
        assert_eq!([knows(&memo, "one"), knows(&memo, "two"), knows(&memo, "three")], [true, true, false]);
        assert!(!knows(&memo, "on"));
        assert!(memo.has_pod(&subject("p1", 0)) && !memo.has_pod(&subject("p4", 0)));
        memo.forget("p1");
        assert!(!knows(&memo, "one") && knows(&memo, "two"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_known_for_seconds() {
        let memo = Memo::new(10);
        memo.refuse(Digest::of("one"));
        assert!(matches!(memo.get(&Digest::of("one")), Some(Known::Refused)));
        tokio::time::advance(REFUSAL).await;
        assert!(memo.get(&Digest::of("one")).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_known_than_there_is_room_for_and_the_oldest_goes_first() {
        let memo = Memo::new(2);
        memo.insert(Digest::of("new"), subject("p1", 600));
        memo.insert(Digest::of("old"), subject("p1", 60));
        memo.insert(Digest::of("other"), subject("p2", 300));
        assert_eq!([knows(&memo, "new"), knows(&memo, "old"), knows(&memo, "other")], [true, false, true]);
    }
}
