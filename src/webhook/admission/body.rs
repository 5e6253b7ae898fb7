//! Reads bodies, and counts what calls hold in memory: within the limit of one body and of all together.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::limits::Limits;
use super::refusal::Refusal;
use crate::server::pressure::Pressure;

/// A permit of the semaphore stands for this many bytes: a semaphore counts in `u32`.
const GRAIN: usize = 1024;

/// The bytes that a body gets at first, and again each time they have come: nearly all bodies are smaller.
/// One step for every possible connection is less than all memory, so bodies that are announced and do not
/// come keep no others out.
const STEP: usize = 16 << 10;

/// How often a call that waits for memory says so again.
const LOOK: Duration = Duration::from_millis(100);

/// The bytes that a call gets beside its body, for what is read of it and the answer: an ordinary call never
/// asks for more once it has its place.
const WORK: usize = 32 << 10;

/// The bytes that all calls together may hold: their bodies, what is read of them, and their answers.
#[derive(Debug)]
pub(super) struct Memory {
    permits: Arc<Semaphore>,
    limit: usize,
    pressure: Arc<Pressure>,
}

/// A call's part of the common memory, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    permits: Arc<Semaphore>,
    pressure: Arc<Pressure>,
    held: OwnedSemaphorePermit,
}

impl Memory {
    pub(super) fn new(limits: &Limits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.memory / GRAIN));
        Self { permits, limit: limits.body, pressure: Arc::default() }
    }

    /// Whether this memory is short.
    pub(super) fn pressure(&self) -> Arc<Pressure> {
        self.pressure.clone()
    }

    /// Reads a body to its end before `deadline`, after half of that time at most for a place; sooner, if
    /// others wait for its memory.
    pub(super) async fn read(&self, body: Body, deadline: Instant) -> Result<(Vec<u8>, Share), Refusal> {
        let announced = http_body::Body::size_hint(&body).exact();
        let announced = announced.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        if announced.is_some_and(|size| size > self.limit) {
            return Err(Refusal::TooLarge { limit: self.limit });
        }
        let first = announced.unwrap_or(STEP).min(STEP);
        let patience = deadline.saturating_duration_since(Instant::now()) / 2;
        let held = self.acquire(grains(first + WORK), Instant::now() + patience).await?;
        let share = Share { permits: self.permits.clone(), pressure: self.pressure.clone(), held };
        let most = announced.unwrap_or(self.limit);
        let read = self.collect(body, Vec::with_capacity(first), share, most, deadline);
        tokio::select! {
            biased;
            read = timeout_at(deadline, read) => read.unwrap_or(Err(Refusal::TooSlow)),
            () = self.pressure.ends(Instant::now()) => Err(Refusal::TooSlow),
        }
    }

    async fn collect(
        &self,
        mut body: Body,
        mut bytes: Vec<u8>,
        mut share: Share,
        most: usize,
        deadline: Instant,
    ) -> Result<(Vec<u8>, Share), Refusal> {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(Refusal::Broken)?.into_data() else {
                continue;
            };
            let size = bytes.len() + data.len();
            if size > self.limit {
                return Err(Refusal::TooLarge { limit: self.limit });
            }
            let wanted = size.next_multiple_of(STEP).min(most.max(size));
            let missing = share.missing(wanted + WORK);
            if missing > 0 {
                // Every call that waits here holds memory, but not for ever: one whose time is up gives way.
                share.held.merge(self.acquire(missing, deadline).await?);
            }
            if size > bytes.capacity() {
                // The capacity doubles, or else a large body would be copied for every piece of it; space
                // that was not written to takes no memory yet.
                let capacity = size.max(bytes.capacity() * 2).min(most.max(size));
                bytes.reserve_exact(capacity - bytes.len());
            }
            bytes.extend_from_slice(&data);
        }
        Ok((bytes, share))
    }

    /// Takes this many grains of the memory, once they are free.
    async fn acquire(&self, grains: u32, until: Instant) -> Result<OwnedSemaphorePermit, Refusal> {
        let acquired = self.permits.clone().acquire_many_owned(grains);
        tokio::pin!(acquired);
        let mut look = Instant::now();
        loop {
            tokio::select! {
                biased;
                // The semaphore is never closed.
                permits = &mut acquired => return permits.map_err(|_| Refusal::Busy),
                () = sleep_until(look.min(until)) => {}
            }
            if Instant::now() >= until {
                return Err(Refusal::Busy);
            }
            self.pressure.raise();
            look = Instant::now() + LOOK;
        }
    }
}

impl Share {
    /// Holds this many bytes in all, if so many are free. It never waits: a call that waited here would hold
    /// what others wait for.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let missing = self.missing(bytes);
        if missing > 0 {
            let Ok(more) = self.permits.clone().try_acquire_many_owned(missing) else {
                // Slow calls give way to pressure, so that the next attempt finds memory.
                self.pressure.raise();
                return Err(Refusal::Busy);
            };
            self.held.merge(more);
        }
        Ok(())
    }

    /// How many more grains this many bytes need.
    fn missing(&self, bytes: usize) -> u32 {
        let held = u32::try_from(self.held.num_permits()).unwrap_or(u32::MAX);
        grains(bytes).saturating_sub(held)
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
