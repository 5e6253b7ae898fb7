//! A value that is made again on demand: what was read of files that may have changed, what a program said. Whoever
//! asks for it waits for a renewal that is due, but not for long; only one is under way at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

/// How a value is made.
pub(super) trait Renewable: Send + Sync + 'static {
    /// What is made.
    type Value: Send + Sync + 'static;

    /// How long is waited for a renewal before the last value is taken.
    const PATIENCE: Duration;
    /// How long after a renewal the next one is made of a value that was refused, or that could not be made.
    const PAUSE: Duration;
    /// What becomes of a value that could not be renewed.
    const FAILURE: OnFailure;

    /// Makes the value, and may block; `None` if it would be the last one again. The reason of a failure may be logged.
    fn renew(&self, last: Option<&Self::Value>) -> Result<Option<Self::Value>, String>;

    /// How long a value lasts; `None` if it does until it is refused.
    fn lasts(&self, value: &Self::Value) -> Option<Duration>;
}

/// What becomes of a value that could not be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// It stays, and the failure is logged: this is what is said then.
    Keep(&'static str),
    /// There is none until a renewal succeeds.
    Forget,
}

/// A value that is made again on demand.
pub(super) struct Renewed<R: Renewable>(Arc<Inner<R>>);

struct Inner<R: Renewable> {
    how: R,
    value: ArcSwapOption<R::Value>,
    state: Mutex<State>,
}

struct State {
    /// When the next renewal is due; `None` if never.
    due: Option<Instant>,
    /// When the last one began.
    began: Instant,
    running: Option<Shared<BoxFuture<'static, ()>>>,
    failure: Option<String>,
}

impl<R: Renewable> Renewed<R> {
    /// Makes the first value, and may block.
    pub(super) fn read(how: R) -> Result<Self, String> {
        let this = Self::unread(how);
        this.0.renew();
        match this.0.state().failure.take() {
            Some(failure) => Err(failure),
            None => Ok(this.clone()),
        }
    }

    /// Makes the first value when it is asked for.
    pub(super) fn unread(how: R) -> Self {
        let now = Instant::now();
        let state = State { due: Some(now), began: now, running: None, failure: None };
        Self(Arc::new(Inner { how, value: ArcSwapOption::empty(), state: Mutex::new(state) }))
    }

    /// The value, after a renewal if one is due.
    ///
    /// # Errors
    /// There is none; the reason may be logged.
    pub(super) async fn current(&self) -> Result<Arc<R::Value>, String> {
        let is_late = match self.renewal() {
            Some(renewal) => timeout(R::PATIENCE, renewal).await.is_err(),
            None => false,
        };
        let late = || format!("no end within {:?}", R::PATIENCE);
        let failure = match R::FAILURE {
            OnFailure::Keep(_) => {
                if is_late {
                    self.0.complain(&mut self.0.state(), late());
                }
                None
            }
            OnFailure::Forget if is_late => Some(late()),
            OnFailure::Forget => self.0.state().failure.clone(),
        };
        match (failure, self.0.value.load_full()) {
            (None, Some(value)) => Ok(value),
            (Some(failure), _) => Err(failure),
            (None, None) => Err("nothing was read yet".to_owned()),
        }
    }

    /// How the value is made.
    pub(super) fn how(&self) -> &R {
        &self.0.how
    }

    /// The value as it is.
    pub(super) fn last(&self) -> Option<Arc<R::Value>> {
        self.0.value.load_full()
    }

    /// This value was of no use: another is made when one is asked for, unless that has happened.
    pub(super) fn refused(&self, value: &Arc<R::Value>) {
        if self.last().is_some_and(|last| Arc::ptr_eq(&last, value)) {
            let mut state = self.0.state();
            let soon = state.began + R::PAUSE;
            state.due = Some(state.due.map_or(soon, |due| due.min(soon)));
        }
    }

    /// The renewal that is under way or due.
    fn renewal(&self) -> Option<Shared<BoxFuture<'static, ()>>> {
        let mut state = self.0.state();
        if let Some(running) = state.running.as_ref().filter(|running| running.peek().is_none()) {
            return Some(running.clone());
        }
        if state.due.is_none_or(|due| due > Instant::now()) {
            return None;
        }
        let inner = self.0.clone();
        // It goes on if all who wait for it give up: a program that is slower than they are would never be of use.
        let renewal = spawn_blocking(move || inner.renew());
        let renewal = async move { drop(renewal.await) }.boxed().shared();
        state.running = Some(renewal.clone());
        Some(renewal)
    }
}

impl<R: Renewable> Inner<R> {
    fn renew(&self) {
        let began = Instant::now();
        let last = self.value.load_full();
        let made = self.how.renew(last.as_deref());
        let mut state = self.state();
        let lasts = match made {
            Ok(Some(value)) => {
                state.failure = None;
                let lasts = self.how.lasts(&value);
                self.value.store(Some(Arc::new(value)));
                lasts
            }
            Ok(None) => {
                state.failure = None;
                last.and_then(|last| self.how.lasts(&last))
            }
            Err(failure) => {
                self.complain(&mut state, failure);
                Some(R::PAUSE)
            }
        };
        state.due = lasts.map(|lasts| began + lasts);
        state.began = began;
        state.running = None;
    }

    /// Notes a failure. It is logged, once, where the last value goes on to be used: nobody is told of it otherwise.
    fn complain(&self, state: &mut State, failure: String) {
        if let (OnFailure::Keep(text), true) = (R::FAILURE, self.value.load().is_some())
            && state.failure.as_ref() != Some(&failure)
        {
            tracing::warn!(error = %failure, "{text}");
        }
        state.failure = Some(failure);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Renewable> Clone for Renewed<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A patience that is over before anything is said, and one that is not, however busy the machine is.
    const SHORT: u64 = 20;
    const LONG: u64 = 60_000;

    /// Says what comes through a channel, and blocks until then. Whoever asks waits for so many milliseconds.
    struct Said<const PATIENCE: u64>(Mutex<Receiver<Result<u32, &'static str>>>);

    impl<const PATIENCE: u64> Renewable for Said<PATIENCE> {
        type Value = u32;

        const PATIENCE: Duration = Duration::from_millis(PATIENCE);
        const PAUSE: Duration = Duration::ZERO;
        const FAILURE: OnFailure = OnFailure::Keep("not renewed");

        fn renew(&self, last: Option<&u32>) -> Result<Option<u32>, String> {
            let said = self.0.lock().unwrap().recv().unwrap().map_err(str::to_owned)?;
            Ok((last != Some(&said)).then_some(said))
        }

        fn lasts(&self, _: &u32) -> Option<Duration> {
            None
        }
    }

    fn said<const PATIENCE: u64>() -> (Sender<Result<u32, &'static str>>, Renewed<Said<PATIENCE>>) {
        let (sender, receiver) = channel();
        sender.send(Ok(1)).unwrap();
        (sender, Renewed::read(Said(Mutex::new(receiver))).unwrap())
    }

    #[tokio::test]
    async fn a_value_is_made_again_only_once_it_was_refused() {
        let (sender, renewed) = said::<LONG>();
        sender.send(Ok(2)).unwrap();
        let first = renewed.current().await.unwrap();
        assert_eq!(*first, 1);
        renewed.refused(&first);
        let second = renewed.current().await.unwrap();
        assert_eq!(*second, 2);
        // What was refused late is not the value of now.
        renewed.refused(&first);
        assert!(Arc::ptr_eq(&renewed.current().await.unwrap(), &second));
    }

    #[tokio::test]
    async fn a_renewal_that_hangs_or_fails_leaves_the_last_value_and_only_one_is_under_way() {
        let (sender, renewed) = said::<SHORT>();
        let first = renewed.current().await.unwrap();
        renewed.refused(&first);
        for _ in 0..3 {
            assert!(Arc::ptr_eq(&renewed.current().await.unwrap(), &first));
        }
        // Had another one begun, it would take what is said next, and this would be lost.
        sender.send(Ok(2)).unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while *renewed.current().await.unwrap() != 2 {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let second = renewed.current().await.unwrap();
        renewed.refused(&second);
        sender.send(Err("broken")).unwrap();
        assert!(Arc::ptr_eq(&renewed.current().await.unwrap(), &second));
        drop(sender);
    }
}
