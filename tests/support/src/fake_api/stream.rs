//! One open watch: a chunked body of JSON lines, made from the world's history as the client reads.

use std::io;
use std::time::Duration;

use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::objects::{self, Form};
use super::routes::Body;
use super::shared::Shared;
use super::traffic::{Collection, WatchRequest};
use super::world::World;

/// kube-apiserver ends a watch that names no `timeoutSeconds` after 30 to 60 minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);

pub(super) struct Watch {
    changes: watch::Receiver<World>,
    form: Form,
    of: Collection,
    selected: Option<String>,
    /// The version up to which the client knows everything.
    seen: u64,
    bookmarks: Bookmarks,
    ends: Instant,
    over: bool,
    open: Open,
}

enum Bookmarks {
    Refused,
    /// How many of [`World::bookmarks`] are done.
    Allowed {
        done: u64,
    },
}

/// Counts the watch as open until it is dropped, however its connection ends.
struct Open {
    world: Shared,
    number: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.world.change(|world| world.close_watch(self.number));
    }
}

/// What a watch has to do next.
enum Due {
    Send(Value),
    /// The last line, then the end.
    SendLast(Value),
    End,
    Cut,
    /// Nothing until the world changes or the watch's time is over.
    Wait,
    /// Nothing until the world changes.
    Freeze,
}

impl Watch {
    pub(super) fn open(world: &Shared, request: &WatchRequest, form: Form) -> Self {
        let timeout = request.timeout_seconds.map_or(DEFAULT_TIMEOUT, Duration::from_secs);
        let (number, done) = world.change(|world| (world.open_watch(), world.bookmarks));
        Self {
            changes: world.subscribe(),
            form,
            of: request.of.clone(),
            selected: request.selected.clone(),
            seen: request.resource_version,
            bookmarks: if request.bookmarks { Bookmarks::Allowed { done } } else { Bookmarks::Refused },
            ends: Instant::now() + timeout,
            over: false,
            open: Open { world: world.clone(), number },
        }
    }

    pub(super) fn into_body(self) -> Body {
        StreamBody::new(stream::unfold(self, Self::next)).boxed_unsync()
    }

    async fn next(mut self) -> Option<(io::Result<Frame<Bytes>>, Self)> {
        while !self.over {
            match self.due() {
                Due::Send(event) => {
                    self.open.world.change(|world| world.traffic.told += 1);
                    return Some((Ok(line(&event)), self));
                }
                Due::SendLast(event) => {
                    self.over = true;
                    return Some((Ok(line(&event)), self));
                }
                Due::Cut => {
                    self.over = true;
                    return Some((Err(io::ErrorKind::ConnectionAborted.into()), self));
                }
                Due::End => return None,
                // An error of `changed` would mean that the senders are gone; `open` holds one.
                Due::Freeze => self.changes.changed().await.ok()?,
                Due::Wait => tokio::select! {
                    changed = self.changes.changed() => changed.ok()?,
                    () = tokio::time::sleep_until(self.ends) => {}
                },
            }
        }
        None
    }

    fn due(&mut self) -> Due {
        let world = self.changes.borrow_and_update();
        if self.open.number <= world.dropped {
            return Due::Cut;
        }
        if self.open.number <= world.frozen {
            return Due::Freeze;
        }
        if self.seen < world.oldest {
            return Due::SendLast(objects::too_old(self.seen, world.oldest));
        }
        if let Some(change) = world.change_after(self.seen, &self.of, self.selected.as_ref()) {
            self.seen = change.object.version;
            return Due::Send(objects::change(change, self.form));
        }
        // kube-apiserver ends the watches of a kind that it no longer serves.
        if world.served(&self.of).is_none() {
            return Due::End;
        }
        let over = Instant::now() >= self.ends;
        match &mut self.bookmarks {
            Bookmarks::Allowed { done } if over || *done < world.bookmarks => {
                *done = world.bookmarks;
                self.seen = self.seen.max(world.told_version());
                let bookmark = objects::bookmark(self.seen, self.form);
                if over { Due::SendLast(bookmark) } else { Due::Send(bookmark) }
            }
            _ if over => Due::End,
            _ => Due::Wait,
        }
    }
}

fn line(event: &Value) -> Frame<Bytes> {
    Frame::data(Bytes::from(format!("{event}\n")))
}
