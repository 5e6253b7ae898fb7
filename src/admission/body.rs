//! Reads bodies, within the limit of one and of all together.

use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;
use crate::settings::Limits;

/// A permit of the semaphore stands for this many bytes: a semaphore counts in `u32`.
const GRAIN: usize = 1024;

/// What a body gets at first, and then again when it has come: nearly all bodies are smaller.
const STEP: usize = 64 << 10;

/// The bytes that all bodies may take together.
#[derive(Debug)]
pub(super) struct Memory {
    permits: Arc<Semaphore>,
    limit: usize,
}

/// A body, and its share of the common memory until it is dropped.
#[derive(Debug)]
pub(super) struct Bytes {
    bytes: Vec<u8>,
    share: OwnedSemaphorePermit,
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
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
    pub(super) async fn read(&self, body: Body, deadline: Instant) -> Result<Bytes, Refusal> {
        let announced = http_body::Body::size_hint(&body).exact();
        let announced = announced.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        if announced.is_some_and(|size| size > self.limit) {
            return Err(Refusal::TooLarge { limit: self.limit });
        }
        let first = announced.unwrap_or(STEP).min(STEP);
        let patience = deadline.saturating_duration_since(Instant::now()) / 2;
        let share = self.permits.clone().acquire_many_owned(grains(first));
        let share = timeout_at(Instant::now() + patience, share).await;
        // Never closed: the only failure is the wait.
        let share = share.ok().and_then(Result::ok).ok_or(Refusal::Busy)?;
        let read = Bytes { bytes: Vec::with_capacity(first), share };
        timeout_at(deadline, self.collect(body, read)).await.unwrap_or(Err(Refusal::TooSlow))
    }

    async fn collect(&self, mut body: Body, mut read: Bytes) -> Result<Bytes, Refusal> {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(Refusal::Broken)?.into_data() else {
                continue;
            };
            let size = read.bytes.len() + data.len();
            if size > self.limit {
                return Err(Refusal::TooLarge { limit: self.limit });
            }
            while read.share.num_permits() < size.div_ceil(GRAIN) {
                let more = self.permits.clone().try_acquire_many_owned(grains(STEP));
                read.share.merge(more.map_err(|_| Refusal::Busy)?);
            }
            read.bytes.extend_from_slice(&data);
        }
        Ok(read)
    }
}

fn grains(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(GRAIN)).unwrap_or(u32::MAX)
}
