//! All objects of a collection, page by page. A list that does not end within the bounds is given up.

use std::collections::HashSet;

use injection::json::{Array, Elements, Fold, Object, Text, skip};
use kube::Client;
use kube::api::ListParams;
use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};
use serde_json::value::RawValue;
use tokio::time::{Duration, Instant, timeout_at};

use super::answer::{LARGEST_ANSWER, LARGEST_OBJECT, page};
use super::collection::{Collection, Form};
use super::error::{ApiError, WatchError};
use super::pace::{METADATA_PAGE, PAGE, PAGE_LIMIT};

/// Pages of one list at most. A million objects are 200 pages; what remains is for pages that were made
/// smaller because their objects are large.
const MOST_PAGES: usize = 4000;

/// Objects of one list at most: seven times as many accounts as the largest cluster that Kubernetes is tested
/// with has pods. An index of a million takes about 100 MiB.
const MOST_OBJECTS: usize = 1_000_000;

/// Characters of a `continue` token, which becomes part of a URL.
const LONGEST_TOKEN: usize = 4 << 10;

/// How long all pages together may take: the API server forgets the state with which a list began after five
/// minutes, and then refuses the next page.
const LIST_LIMIT: Duration = Duration::from_mins(5);

/// A page that was too large is asked for again with this many times fewer objects.
const SHRINK: u32 = 4;

/// After this many good pages the size of the next is doubled: sooner, it would mostly be too large again.
const STEADY: usize = 8;

/// A list that is being read.
pub(super) struct Pages<'a> {
    client: &'a Client,
    collection: &'a Collection,
    what: &'a str,
    params: ListParams,
    /// Objects a page: the full size, and that of the next page.
    size: (u32, u32),
    /// Good pages since one was too large.
    steady: usize,
    seen: HashSet<String>,
    asked: usize,
    objects: usize,
    until: Instant,
}

/// Reads all objects of a collection, once, page by page, and keeps what `keep` makes of each. Errors call
/// them `what`.
///
/// # Errors
/// A page could not be had, or `keep` could not take an object.
pub async fn list<T>(
    client: &Client,
    collection: &Collection,
    what: &str,
    fields: Option<String>,
    mut keep: impl FnMut(&RawValue) -> Result<T, ApiError>,
) -> Result<Vec<T>, WatchError> {
    let mut pages = Pages::new(client, collection, what, fields);
    let mut kept = Vec::new();
    loop {
        let text = pages.next().await?;
        let end = read_page(&text, &mut |object| {
            kept.push(keep(object)?);
            Ok(())
        });
        if pages.turn(end)?.is_some() {
            return Ok(kept);
        }
    }
}

/// What a page says besides its objects.
#[derive(Debug, Default)]
pub(super) struct PageEnd {
    api_version: String,
    kind: String,
    continue_token: Option<String>,
    version: Option<String>,
    objects: usize,
    /// Why an object could not be taken.
    error: Option<ApiError>,
}

impl<'a> Pages<'a> {
    /// Reads what the collection holds, or what a field selector chooses of it.
    pub(super) fn new(
        client: &'a Client,
        collection: &'a Collection,
        what: &'a str,
        fields: Option<String>,
    ) -> Self {
        let size = match collection.form() {
            Form::Whole => PAGE,
            Form::Metadata => METADATA_PAGE,
        };
        Self {
            client,
            collection,
            what,
            params: ListParams { field_selector: fields, ..ListParams::default() },
            size: (size, size),
            steady: 0,
            seen: HashSet::new(),
            asked: 0,
            objects: 0,
            until: Instant::now() + LIST_LIMIT,
        }
    }

    /// The text of the next page, for [`read_page`]: one that is too large is asked for again, smaller.
    pub(super) async fn next(&mut self) -> Result<String, WatchError> {
        loop {
            self.asked += 1;
            if self.asked > MOST_PAGES {
                return Err(self.failed(ApiError::Endless("pages", MOST_PAGES)));
            }
            self.params.limit = Some(self.size.1);
            let until = self.until.min(Instant::now() + PAGE_LIMIT);
            match timeout_at(until, page(self.client, self.collection, &self.params, self.largest())).await {
                Ok(Ok(text)) => {
                    self.steady += 1;
                    if self.steady >= STEADY {
                        self.steady = 0;
                        self.size.1 = self.size.0.min(self.size.1.saturating_mul(2));
                    }
                    return Ok(text);
                }
                Ok(Err(ApiError::TooLong(_))) if self.size.1 > 1 => {
                    self.size.1 = (self.size.1 / SHRINK).max(1);
                    self.steady = 0;
                }
                Ok(Err(error)) => return Err(self.failed(error)),
                Err(_) => {
                    let limit = if until == self.until { LIST_LIMIT } else { PAGE_LIMIT };
                    return Err(WatchError::Silent { what: self.what.into(), doing: "listing", limit });
                }
            }
        }
    }

    /// Bytes of the next page at most. A smaller page may be as large as one object: a large account among many small
    /// ones must not bring them all down to a page each.
    fn largest(&self) -> usize {
        let (full, now) = self.size;
        let is_small = now < full && self.collection.form() == Form::Metadata;
        if now <= 1 || is_small { LARGEST_OBJECT } else { LARGEST_ANSWER }
    }

    /// Goes on from a page that was read. After the last, answers with the version up to which everything is known.
    pub(super) fn turn(&mut self, end: Result<PageEnd, ApiError>) -> Result<Option<String>, WatchError> {
        end.and_then(|end| self.check(end)).map_err(|error| self.failed(error))
    }

    fn check(&mut self, end: PageEnd) -> Result<Option<String>, ApiError> {
        self.collection.check_list(&end.api_version, &end.kind)?;
        if let Some(error) = end.error {
            return Err(error);
        }
        self.objects += end.objects;
        if self.objects > MOST_OBJECTS {
            return Err(ApiError::Endless("objects", MOST_OBJECTS));
        }
        match end.continue_token.filter(|token| !token.is_empty()) {
            None => Ok(Some(end.version.unwrap_or_default())),
            Some(token) if token.len() > LONGEST_TOKEN => Err(ApiError::Token("too long")),
            Some(token) if !self.seen.insert(token.clone()) => Err(ApiError::Token("the same again")),
            Some(token) => {
                self.params.continue_token = Some(token);
                Ok(None)
            }
        }
    }

    fn failed(&self, source: ApiError) -> WatchError {
        WatchError::List { what: self.what.into(), source }
    }
}

/// Reads a page, and hands on every object of it as it passes, to be checked by
/// [`Collection::check_item`]: all of a page together would be many times its text.
pub(super) fn read_page(
    text: &str,
    take: &mut dyn FnMut(&RawValue) -> Result<(), ApiError>,
) -> Result<PageEnd, ApiError> {
    let mut reading = PageReading { end: PageEnd::default(), take };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Object(&mut reading).deserialize(&mut deserializer).map_err(ApiError::unreadable)?;
    deserializer.end().map_err(ApiError::unreadable)?;
    Ok(reading.end)
}

struct PageReading<'r> {
    end: PageEnd,
    take: &'r mut dyn FnMut(&RawValue) -> Result<(), ApiError>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMetadata {
    #[serde(rename = "continue")]
    continue_token: Option<String>,
    resource_version: Option<String>,
}

impl<'de> Fold<'de> for PageReading<'_> {
    const WHAT: &'static str = "a list";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let Some(name) = map.next_key_seed(Text)? else { return Ok(false) };
        match &*name {
            "apiVersion" => self.end.api_version = map.next_value()?,
            "kind" => self.end.kind = map.next_value()?,
            "metadata" => {
                let metadata: Option<ListMetadata> = map.next_value()?;
                let ListMetadata { continue_token, resource_version } = metadata.unwrap_or_default();
                (self.end.continue_token, self.end.version) = (continue_token, resource_version);
            }
            "items" => drop(map.next_value_seed(Array(Items(self)))?),
            _ => skip(map)?,
        }
        Ok(true)
    }
}

struct Items<'i, 'r>(&'i mut PageReading<'r>);

impl<'de> Elements<'de> for Items<'_, '_> {
    const WHAT: &'static str = "a list's objects";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let Some(object) = seq.next_element::<&'de RawValue>()? else { return Ok(false) };
        let PageReading { end, take } = &mut *self.0;
        if end.error.is_none() {
            end.objects += 1;
            end.error = take(object).err();
        }
        Ok(true)
    }
}
