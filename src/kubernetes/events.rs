//! The events of one watch that is open: a line each, read up to a bound and checked against what was asked for.

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::ops::Range;

use http_body_util::BodyExt;
use hyper::body::Bytes;
use kube::Client;
use kube::api::WatchParams;
use kube::client::Body;
use kube::core::Status;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{LARGEST_OBJECT, open};
use super::collection::{Collection, Form, Head};
use super::error::ApiError;

/// The events of a watch that is open.
pub(super) struct Events {
    collection: Collection,
    body: Body,
    /// Bytes that have come and have not been looked at yet.
    rest: Bytes,
    /// The first part of a line whose end has not come yet.
    begun: Vec<u8>,
    is_over: bool,
}

/// One event.
#[derive(Debug)]
pub(super) enum Event {
    /// This object was created or changed, and has this version now.
    Applied(Box<RawValue>, Option<String>),
    /// This object was deleted; the version is that of its deletion.
    Deleted(Box<RawValue>, Option<String>),
    /// Every event up to this version was sent.
    Bookmark(Option<String>),
    /// The API server ends the watch, for this reason.
    Refused(Box<Status>),
}

#[derive(Deserialize)]
struct EventLine<'a> {
    #[serde(rename = "type", borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
}

impl Events {
    /// Opens a watch of what the collection holds, from `version` on.
    pub(super) async fn open(
        client: &Client,
        collection: &Collection,
        params: &WatchParams,
        version: &str,
    ) -> Result<Self, ApiError> {
        let requests = collection.requests();
        let request = match collection.form() {
            Form::Whole => requests.watch(params, version),
            Form::Metadata => requests.watch_metadata(params, version),
        };
        let request = request.map_err(|error| ApiError::Client(kube::Error::BuildRequest(error)))?;
        let body = open(client, request).await?.into_body();
        let collection = collection.clone();
        Ok(Self { collection, body, rest: Bytes::new(), begun: Vec::new(), is_over: false })
    }

    /// The next event, `None` once the watch has ended or was cut. Nothing is lost if the future is dropped
    /// before it is done.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, ApiError> {
        loop {
            let Some(line) = self.line().await? else { return Ok(None) };
            match self.read(line) {
                // The watch was cut in the middle of a line.
                Err(_) if self.is_over => return Ok(None),
                Ok(None) => {}
                read => return read,
            }
        }
    }

    async fn line(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(end + 1);
                self.grow(&line)?;
                return Ok(Some(std::mem::take(&mut self.begun)));
            }
            let rest = std::mem::take(&mut self.rest);
            self.grow(&rest)?;
            if self.is_over {
                let last = std::mem::take(&mut self.begun);
                return Ok((!last.is_empty()).then_some(last));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) if !is_cut(&error) => return Err(ApiError::Client(error)),
                Some(Err(_)) | None => self.is_over = true,
            }
        }
    }

    fn grow(&mut self, more: &[u8]) -> Result<(), ApiError> {
        if self.begun.len() + more.len() > LARGEST_OBJECT {
            self.begun = Vec::new();
            return Err(ApiError::TooLong(LARGEST_OBJECT));
        }
        self.begun.extend_from_slice(more);
        Ok(())
    }

    /// The event of a line; `None` for one that is blank.
    fn read(&self, line: Vec<u8>) -> Result<Option<Event>, ApiError> {
        let text = String::from_utf8(line).map_err(|_| ApiError::Unreadable("no UTF-8".to_owned()))?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let EventLine { event, object } = serde_json::from_str(&text).map_err(ApiError::unreadable)?;
        let object = object.unwrap_or(RawValue::NULL);
        Ok(Some(match &*event {
            "ADDED" | "MODIFIED" => {
                let version = self.version(object)?;
                let place = place(&text, object);
                Event::Applied(cut(text, place)?, version)
            }
            "DELETED" => {
                let version = self.version(object)?;
                let place = place(&text, object);
                Event::Deleted(cut(text, place)?, version)
            }
            "BOOKMARK" => Event::Bookmark(self.version(object)?),
            "ERROR" => {
                let status: Status = serde_json::from_str(object.get()).map_err(ApiError::unreadable)?;
                Event::Refused(status.boxed())
            }
            // Some servers answer with a Status alone.
            "" => match serde_json::from_str::<Status>(&text) {
                Ok(status) if status.code != 0 => Event::Refused(status.boxed()),
                _ => return Err(ApiError::unknown_event("")),
            },
            other => return Err(ApiError::unknown_event(other)),
        }))
    }

    fn version(&self, object: &RawValue) -> Result<Option<String>, ApiError> {
        let head = Head::of(object)?;
        self.collection.check(&head)?;
        Ok(head.into_version())
    }
}

/// Where in the text of its line an object stands.
fn place(text: &str, object: &RawValue) -> Range<usize> {
    let start = object.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + object.get().len()
}

/// The object alone, cut out of its line: a copy would hold the largest object twice.
fn cut(mut text: String, place: Range<usize>) -> Result<Box<RawValue>, ApiError> {
    text.truncate(place.end);
    text.drain(..place.start);
    RawValue::from_string(text).map_err(ApiError::unreadable)
}

/// Whether a connection ended in the middle of a watch, as it does when an API server leaves: that counts as an
/// end like any other, and the next watch goes on from there.
fn is_cut(error: &kube::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let is_end =
            error.downcast_ref::<io::Error>().map(io::Error::kind) == Some(io::ErrorKind::UnexpectedEof);
        if is_end || error.to_string().contains("unexpected EOF during chunk") {
            return true;
        }
        cause = error.source();
    }
    false
}
