//! How the parts of the fake share its [`World`]: in a tokio watch channel, so whoever waits for anything
//! (an open watch for a change, a test for a request) waits for the same notification, and no lock can
//! be held across an await.

use std::sync::Arc;

use tokio::sync::watch;

use super::traffic::Traffic;
use super::world::World;

/// The world as its parts share it.
#[derive(Clone)]
pub(super) struct Shared(Arc<watch::Sender<World>>);

impl Default for Shared {
    fn default() -> Self {
        let mut world = World::default();
        world.advance();
        Self(Arc::new(watch::Sender::new(world)))
    }
}

impl Shared {
    /// Changes the world and wakes everyone who waits for something in it.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let mut result = None;
        self.0.send_modify(|world| result = Some(change(world)));
        result.expect("send_modify calls its closure")
    }

    pub(super) fn read<R>(&self, read: impl FnOnce(&World) -> R) -> R {
        read(&self.0.borrow())
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<World> {
        self.0.subscribe()
    }

    /// Counts something as going on until the guard is dropped, however its future ends.
    pub(super) fn ongoing(&self, begin: impl FnOnce(&mut Traffic), end: fn(&mut Traffic)) -> Ongoing {
        self.change(|world| begin(&mut world.traffic));
        Ongoing { world: self.clone(), end }
    }
}

pub(super) struct Ongoing {
    world: Shared,
    end: fn(&mut Traffic),
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.world.change(|world| (self.end)(&mut world.traffic));
    }
}
