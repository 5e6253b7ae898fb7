//! Reads bodies, and counts what calls hold in memory: within the limit of one body and of all together.

use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;
use crate::settings::Limits;

/// A permit of the semaphore stands for this many bytes: a semaphore counts in `u32`.
const GRAIN: usize = 1024;

/// What a body gets at first: nearly all bodies are smaller.
const STEP: usize = 64 << 10;

/// What a call gets beside its body, for what is read of it and the answer: an ordinary one never asks for
/// more once it has its place.
const WORK: usize = 32 << 10;

/// The bytes that all calls together may hold: their bodies, what is read of them, and their answers.
#[derive(Debug)]
pub(super) struct Memory {
    permits: Arc<Semaphore>,
    limit: usize,
}

/// A call's part of the common memory, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    permits: Arc<Semaphore>,
    held: OwnedSemaphorePermit,
}

impl Memory {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { permits: Arc::new(Semaphore::new(limits.request_memory / GRAIN)), limit: limits.body }
    }

    /// Reads a body to its end before `deadline`, after half of that time at most for a place.
    ///
    /// A body waits for its first step alone. For the others it would wait while it holds some,
    /// and so might all the others; and what is announced but does not come takes no more than a
    /// step from those that do.
    pub(super) async fn read(&self, body: Body, deadline: Instant) -> Result<(Vec<u8>, Share), Refusal> {
        let announced = http_body::Body::size_hint(&body).exact();
        let announced = announced.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        if announced.is_some_and(|size| size > self.limit) {
            return Err(Refusal::TooLarge { limit: self.limit });
        }
        let first = announced.unwrap_or(STEP).min(STEP);
        let patience = deadline.saturating_duration_since(Instant::now()) / 2;
        let held = self.permits.clone().acquire_many_owned(grains(first + WORK));
        let held = timeout_at(Instant::now() + patience, held).await;
        // Never closed: the only failure is the wait.
        let held = held.ok().and_then(Result::ok).ok_or(Refusal::Busy)?;
        let share = Share { permits: self.permits.clone(), held };
        let most = announced.unwrap_or(self.limit);
        let read = self.collect(body, Vec::with_capacity(first), share, most);
        timeout_at(deadline, read).await.unwrap_or(Err(Refusal::TooSlow))
    }

    async fn collect(
        &self,
        mut body: Body,
        mut bytes: Vec<u8>,
        mut share: Share,
        most: usize,
    ) -> Result<(Vec<u8>, Share), Refusal> {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(Refusal::Broken)?.into_data() else {
                continue;
            };
            let size = bytes.len() + data.len();
            if size > self.limit {
                return Err(Refusal::TooLarge { limit: self.limit });
            }
            if size > bytes.capacity() {
                // Doubled, or else a large body would be copied for every piece of it; and what is set
                // aside counts, not what has come.
                let capacity = size.max(bytes.capacity() * 2).min(most.max(size));
                share.grow(capacity + WORK)?;
                bytes.reserve_exact(capacity - bytes.len());
            }
            bytes.extend_from_slice(&data);
        }
        Ok((bytes, share))
    }
}

impl Share {
    /// Holds this many bytes in all, if there are so many. Never waits: whoever waited here would hold
    /// what others wait for.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let missing = (grains(bytes) as usize).saturating_sub(self.held.num_permits());
        if missing > 0 {
            let more = u32::try_from(missing).unwrap_or(u32::MAX);
            let more = self.permits.clone().try_acquire_many_owned(more);
            self.held.merge(more.map_err(|_| Refusal::Busy)?);
        }
        Ok(())
    }

    /// Gives back what is beyond this many bytes.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let surplus = self.held.num_permits().saturating_sub(grains(bytes) as usize);
        drop(self.held.split(surplus));
    }
}

fn grains(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(GRAIN)).unwrap_or(u32::MAX)
}
