//! The tokens that were verified, each by its digest until it has to be verified again; those of which something else was
//! found a moment ago; and the pods that went a moment ago.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tokio::time::Instant;

use super::{LEEWAY, Subject};
use crate::agent::clock;

/// After this long a token is verified again, by the keys and by the API server of then: an account that was deleted, or a
/// key that was taken away, is told by nothing else.
const AGAIN: Duration = Duration::from_mins(5);

/// How long a refusal is remembered: the API server is not asked for each of an SDK's tries.
const REFUSAL: Duration = Duration::from_secs(3);

/// How long it is remembered that the API server could not say: less than from one of an SDK's tries to the next.
const SILENCE: Duration = Duration::from_millis(500);

/// How long a pod that went is remembered. An API server may confirm its token a moment longer: it remembers for 10 s what
/// it found of tokens.
const GONE: Duration = Duration::from_mins(1);

/// Tokens of one pod. It has two while kubelet replaces one; a signature of ECDSA can be written in two ways.
const MOST_OF_A_POD: usize = 4;

/// What stands for a token: who has it does not have the token, and no two tokens have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

/// A part of a digest is as good as all of it to choose a place by; whether it is the same is asked of the whole.
impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0[..8]);
    }
}

impl Digest {
    pub(super) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        // SHA-256 has 32 bytes.
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// What is known of a token.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// It is this pod's.
    Subject(Arc<Subject>),
    /// The API server has just refused it.
    Refused,
    /// The API server could not say just now.
    Silence,
}

#[derive(Debug)]
struct Remembered {
    known: Known,
    until: Instant,
}

/// The tokens that were verified.
#[derive(Debug)]
pub(super) struct Memo {
    state: Mutex<State>,
    most: usize,
}

#[derive(Debug, Default)]
struct State {
    tokens: HashMap<Digest, Remembered>,
    /// Pods that went, and when.
    gone: HashMap<Box<str>, Instant>,
}

impl Memo {
    pub(super) fn new(most: usize) -> Self {
        Self { state: Mutex::default(), most: most.max(1) }
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<Known> {
        let state = self.lock();
        let remembered = state.tokens.get(digest)?;
        let holds = match &remembered.known {
            Known::Subject(subject) => remembered.until > Instant::now() && !has_ended(subject),
            Known::Refused | Known::Silence => remembered.until > Instant::now(),
        };
        holds.then(|| remembered.known.clone())
    }

    /// Remembers whose the token is; `false` if the pod went a moment ago, whatever the API server has said since.
    pub(super) fn insert(&self, digest: Digest, subject: Arc<Subject>) -> bool {
        let mut state = self.lock();
        if state.gone.contains_key(&*subject.pod_uid) {
            return false;
        }
        let of_pod =
            |known: &Known| matches!(known, Known::Subject(other) if other.pod_uid == subject.pod_uid);
        let mut own: Vec<_> = state.tokens.iter().filter(|(_, token)| of_pod(&token.known)).collect();
        if own.len() >= MOST_OF_A_POD {
            own.sort_unstable_by_key(|(_, token)| token.until);
            let first = own.first().map(|(digest, _)| **digest);
            first.map(|first| state.tokens.remove(&first));
        }
        self.put(&mut state, digest, Known::Subject(subject), AGAIN);
        true
    }

    /// The API server does not take the token: neither this one counts nor the pod's others.
    pub(super) fn refuse(&self, digest: Digest, subject: &Subject) {
        let mut state = self.lock();
        state.forget(&subject.pod_uid);
        self.put(&mut state, digest, Known::Refused, REFUSAL);
    }

    /// The API server could not say whose the token is.
    pub(super) fn silent(&self, digest: Digest) {
        self.put(&mut self.lock(), digest, Known::Silence, SILENCE);
    }

    /// Whether a token of the same pod and account was verified, at whatever time, that has not ended.
    pub(super) fn has_pod(&self, subject: &Subject) -> bool {
        let Subject { pod_uid, account_uid, .. } = subject;
        self.lock().tokens.values().any(|remembered| match &remembered.known {
            Known::Subject(known) => {
                known.pod_uid == *pod_uid && known.account_uid == *account_uid && !has_ended(known)
            }
            Known::Refused | Known::Silence => false,
        })
    }

    /// A pod is gone.
    pub(super) fn forget(&self, pod_uid: &str) {
        let mut state = self.lock();
        state.forget(pod_uid);
        state.gone.retain(|_, went| went.elapsed() < GONE);
        state.gone.insert(pod_uid.into(), Instant::now());
    }

    fn put(&self, state: &mut State, digest: Digest, known: Known, time: Duration) {
        let now = Instant::now();
        let tokens = &mut state.tokens;
        if tokens.len() >= self.most {
            tokens.retain(|_, remembered| match &remembered.known {
                Known::Subject(subject) => !has_ended(subject),
                Known::Refused | Known::Silence => remembered.until > now,
            });
        }
        if tokens.len() >= self.most && !tokens.contains_key(&digest) {
            if !matches!(known, Known::Subject(_)) {
                return;
            }
            // The one that was verified longest ago has to be verified again first.
            let first = tokens.iter().min_by_key(|(_, remembered)| remembered.until);
            if let Some(first) = first.map(|(digest, _)| *digest) {
                tokens.remove(&first);
            }
        }
        tokens.insert(digest, Remembered { known, until: now + time });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, pod_uid: &str) {
        self.tokens.retain(|_, remembered| match &remembered.known {
            Known::Subject(subject) => &*subject.pod_uid != pod_uid,
            Known::Refused | Known::Silence => true,
        });
    }
}

fn has_ended(subject: &Subject) -> bool {
    let now = clock::since_1970().saturating_sub(LEEWAY).as_secs();
    i64::try_from(now).is_ok_and(|now| now >= subject.expires)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::clock::tests::{set_back, set_forward};

    fn subject(pod_uid: &str, ends_in: i64) -> Arc<Subject> {
        Arc::new(Subject {
            namespace: "shop".into(),
            service_account: "orders".into(),
            account_uid: "a".into(),
            pod_name: "orders-1".into(),
            pod_uid: pod_uid.into(),
            expires: clock::seconds() + ends_in,
        })
    }

    fn knows(memo: &Memo, token: &str) -> bool {
        matches!(memo.get(&Digest::of(token)), Some(Known::Subject(_)))
    }

    fn add(memo: &Memo, token: &str, pod: &str, ends_in: i64) -> bool {
        memo.insert(Digest::of(token), subject(pod, ends_in))
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_known_until_it_ends_or_has_to_be_verified_again() {
        let memo = Memo::new(10);
        for (token, pod, ends_in) in [("one", "p1", 600), ("two", "p2", -59), ("three", "p3", -61)] {
            assert!(add(&memo, token, pod, ends_in));
        }
        assert_eq!([knows(&memo, "one"), knows(&memo, "two"), knows(&memo, "three")], [true, true, false]);
        assert!(!knows(&memo, "on"));
        tokio::time::advance(AGAIN).await;
        assert!(!knows(&memo, "one"));
        // The API server may be away then: who was confirmed before goes on.
        assert!(memo.has_pod(&subject("p1", 0)) && !memo.has_pod(&subject("p4", 0)));
        assert!(!memo.has_pod(&subject("p3", 600)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_has_tokens_end_by_it_and_keeps_none_known_for_longer() {
        let memo = Memo::new(10);
        assert!(add(&memo, "one", "p1", 600));
        set_forward(Duration::from_secs(659));
        assert!(knows(&memo, "one"));
        set_forward(Duration::from_secs(1));
        assert!(!knows(&memo, "one") && !memo.has_pod(&subject("p1", 600)));
        set_back(Duration::from_hours(2));
        tokio::time::advance(AGAIN.saturating_sub(Duration::from_secs(1))).await;
        assert!(knows(&memo, "one"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!knows(&memo, "one"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pod_that_went_is_not_remembered_again_for_a_while() {
        let memo = Memo::new(10);
        assert!(add(&memo, "one", "p1", 600) && add(&memo, "two", "p2", 600));
        memo.forget("p1");
        assert!(!knows(&memo, "one") && knows(&memo, "two"));
        assert!(!add(&memo, "another", "p1", 600));
        tokio::time::advance(GONE).await;
        memo.forget("p9");
        assert!(add(&memo, "another", "p1", 600));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_known_for_seconds_and_takes_the_pods_other_tokens() {
        let memo = Memo::new(10);
        assert!(add(&memo, "one", "p1", 600) && add(&memo, "two", "p2", 600));
        memo.refuse(Digest::of("new"), &subject("p1", 600));
        memo.silent(Digest::of("unsaid"));
        assert!(matches!(memo.get(&Digest::of("new")), Some(Known::Refused)));
        assert!(matches!(memo.get(&Digest::of("unsaid")), Some(Known::Silence)));
        assert!(!knows(&memo, "one") && knows(&memo, "two"));
        tokio::time::advance(SILENCE).await;
        assert!(memo.get(&Digest::of("unsaid")).is_none());
        tokio::time::advance(REFUSAL).await;
        assert!(memo.get(&Digest::of("new")).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_known_than_there_is_room_for_and_a_pod_takes_few_places() {
        let memo = Memo::new(6);
        assert!(add(&memo, "one", "p1", 600) && add(&memo, "two", "p2", 600));
        for number in 0..20 {
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(add(&memo, &format!("greedy-{number}"), "greedy", 600));
        }
        assert!(knows(&memo, "greedy-19") && knows(&memo, "greedy-16") && !knows(&memo, "greedy-15"));
        assert!(knows(&memo, "one") && knows(&memo, "two"));
        // What is no subject takes nobody's place.
        memo.silent(Digest::of("unsaid"));
        assert!(knows(&memo, "one") && memo.get(&Digest::of("unsaid")).is_none());
        assert!(add(&memo, "one", "p1", 600) && add(&memo, "three", "p3", 600));
        // The one that was verified longest ago made room.
        assert!(
            !knows(&memo, "two") && knows(&memo, "one") && knows(&memo, "greedy-16") && knows(&memo, "three")
        );
    }
}
