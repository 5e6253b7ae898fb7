//! From a request to its answer: what is asked, what the world says, and what the fault in force
//! makes of it.

use std::io;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Request, Response};
use serde_json::{Value, json};

use super::call::{self, Call, Refused};
use super::faults::{Fault, Hold, Route, SERVICE, TOKENS};
use super::objects::{self, Form};
use super::shared::Shared;
use super::stream::Watch;
use super::traffic::{Collection, GetRequest, ListRequest, PatchRequest, WatchRequest};
use super::world::{Expired, Object, PatchError, World};

/// An answer's body; its error cuts the connection.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What is sent if no fault intervenes.
enum Answer {
    Json(u16, Value),
    Text(u16, &'static str),
    /// Opened as it is sent: a watch that a fault intercepts never counts as open, and one that is
    /// delayed misses nothing, since it starts from a version.
    Stream(WatchRequest),
}

/// What a PATCH does to the world.
type Patched = fn(&mut World, &PatchRequest) -> Result<Arc<Object>, PatchError>;

pub(super) async fn answer(
    world: Shared,
    request: Request<Incoming>,
) -> Result<Response<Body>, hyper::Error> {
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head, body.collect().await?.to_bytes());
    Ok(match call::parse(&request) {
        Ok(Call::List(list)) => {
            let (fault, answer) = page(&world, list);
            faulty(&world, fault, answer).await
        }
        Ok(Call::Watch(watch)) => {
            let fault = world.change(|world| {
                world.traffic.watches.push(watch.clone());
                world.faults.of(&watch.of.resource, Route::Watch)
            });
            faulty(&world, fault, Answer::Stream(watch)).await
        }
        Ok(Call::Get(get)) => look_up(&world, get).await,
        Ok(Call::PatchStatus(request)) => {
            let (fault, answer) = patch(&world, request, Route::PatchStatus, World::patch_status);
            faulty(&world, fault, answer).await
        }
        Ok(Call::Patch(request)) => {
            let (fault, answer) = patch(&world, request, Route::Patch, World::patch);
            faulty(&world, fault, answer).await
        }
        Ok(Call::Discover { group, version }) => {
            let (fault, answer) = discover(&world, &group, version.as_deref());
            faulty(&world, fault, answer).await
        }
        Ok(Call::Service) => {
            let (fault, families) = world.change(|world| {
                world.traffic.services += 1;
                (world.faults.of(SERVICE, Route::Service), world.ip_families.clone())
            });
            faulty(&world, fault, Answer::Json(200, objects::service(&families))).await
        }
        Ok(Call::Document(path)) => {
            let (fault, answer) = document(&world, path);
            faulty(&world, fault, answer).await
        }
        Ok(Call::Review { token, audience }) => {
            let (fault, answer) = review(&world, &token, &audience);
            faulty(&world, fault, answer).await
        }
        Err(Refused { code, message }) => {
            world.change(|world| {
                let other = format!("{} {}", request.method(), request.uri());
                world.traffic.others.push(other);
            });
            json_text(code, &objects::status(code, &message))
        }
    })
}

fn page(world: &Shared, request: ListRequest) -> (Fault, Answer) {
    world.change(|world| {
        let fault = world.faults.of(&request.of.resource, Route::List);
        let mut asked = request.clone();
        if matches!(fault, Fault::Endless | Fault::Circle) {
            // The world did not issue this token: the first page is sent again.
            asked.continue_token = None;
        }
        let answer = match (form(world, request.metadata_only, &request.of), world.page(&asked)) {
            (None, _) => nowhere(),
            (Some(form), Ok(page)) => Answer::Json(200, objects::list(&page, form)),
            (Some(_), Err(Expired)) => {
                Answer::Json(410, objects::status(410, "The provided continue parameter is too old"))
            }
        };
        world.traffic.lists.push(request);
        (fault, answer)
    })
}

fn document(world: &Shared, path: String) -> (Fault, Answer) {
    world.change(|world| {
        let document = world.documents.get(&path).cloned();
        world.traffic.documents.push(path);
        let answer = document.map_or_else(nowhere, |document| Answer::Json(200, document));
        (world.faults.of(TOKENS, Route::Document), answer)
    })
}

fn review(world: &Shared, token: &str, audience: &str) -> (Fault, Answer) {
    world.change(|world| {
        world.traffic.reviews += 1;
        let uids = world.tokens.get(token);
        let answer = Answer::Json(201, objects::token_review(uids, audience));
        (world.faults.of(TOKENS, Route::Review), answer)
    })
}

fn discover(world: &Shared, group: &str, version: Option<&str>) -> (Fault, Answer) {
    world.change(|world| {
        let served = world.served_of(group, version);
        let mut versions: Vec<_> = served.iter().map(|resource| resource.version).collect();
        versions.dedup();
        let answer = match (served.is_empty(), version) {
            (true, _) => nowhere(),
            (false, None) => Answer::Json(200, objects::group(group, &versions)),
            (false, Some(_)) => Answer::Json(200, objects::resources(&served)),
        };
        let asked = version.map_or_else(|| group.to_owned(), |version| format!("{group}/{version}"));
        world.traffic.discoveries.push(asked);
        (world.faults.of(group, Route::Discovery), answer)
    })
}

/// kube-apiserver's answer for a kind that it does not serve, which is not a Status.
fn nowhere() -> Answer {
    Answer::Text(404, "404 page not found\n")
}

async fn look_up(world: &Shared, get: GetRequest) -> Response<Body> {
    let GetRequest { metadata_only, collection, namespace, name, .. } = &get;
    let look = |world: &World| {
        let form = form(world, *metadata_only, collection);
        let answer = match (form, world.object(&collection.resource, namespace, name)) {
            (None, _) => nowhere(),
            (Some(form), Some(object)) => Answer::Json(200, objects::object(&object, form)),
            (Some(_), None) => Answer::Json(404, objects::not_found(&collection.resource, name)),
        };
        (world.faults.of(&collection.resource, Route::Get), answer)
    };
    // Recorded and looked up under one lock: a test that sees the request knows what it will show.
    let (hold, releases, early) = world.change(|world| {
        world.traffic.gets.push(get.clone());
        (world.hold, world.releases, look(world))
    });
    let _running = world.ongoing(
        |traffic| {
            traffic.gets_running += 1;
            traffic.gets_running_max = traffic.gets_running_max.max(traffic.gets_running);
        },
        |traffic| traffic.gets_running -= 1,
    );
    if hold.is_some() {
        let mut changes = world.subscribe();
        // The guard it returns is a lock, dropped at once. It cannot fail while a sender is held.
        let _ = changes.wait_for(|world| world.releases > releases).await.is_ok();
    }
    let (fault, answer) = match hold {
        Some(Hold::Request) => world.read(look),
        Some(Hold::Answer) | None => early,
    };
    faulty(world, fault, answer).await
}

fn patch(world: &Shared, request: PatchRequest, route: Route, change: Patched) -> (Fault, Answer) {
    world.change(|world| {
        let fault = world.faults.of(&request.of.resource, route);
        let is_done = !matches!(fault, Fault::Status(_) | Fault::Hang);
        let (of, name) = (&request.of.resource, &request.name);
        let answer = match form(world, false, &request.of).filter(|_| is_done) {
            None => nowhere(),
            Some(form) => match change(world, &request) {
                Ok(object) => Answer::Json(200, objects::object(&object, form)),
                Err(PatchError::Missing) => Answer::Json(404, objects::not_found(of, name)),
                Err(PatchError::Conflict) => Answer::Json(409, objects::conflict(of, name)),
                Err(PatchError::Inapplicable(why)) => Answer::Json(422, objects::status(422, &why)),
            },
        };
        world.traffic.patches.push(request);
        (fault, answer)
    })
}

async fn faulty(world: &Shared, fault: Fault, answer: Answer) -> Response<Body> {
    match fault {
        Fault::None => whole(world, answer),
        Fault::Status(code) => json_text(code, &objects::status(code, "the test wants it so")),
        Fault::Hang => std::future::pending().await,
        Fault::Delay(delay) => {
            tokio::time::sleep(delay).await;
            whole(world, answer)
        }
        Fault::Garbage => text(200, "{\"kind\": no JSON, this\n".to_owned()),
        Fault::CloseMidway => truncated(answer),
        Fault::Says(body) => text(200, format!("{body}\n")),
        Fault::Flood => response(200, flood(world.clone())),
        Fault::Endless | Fault::Circle => whole(world, endless(world, fault, answer)),
    }
}

fn whole(world: &Shared, answer: Answer) -> Response<Body> {
    match answer {
        Answer::Json(code, value) => json_text(code, &value),
        Answer::Text(code, body) => text(code, body.to_owned()),
        Answer::Stream(request) => {
            match world.read(|world| form(world, request.metadata_only, &request.of)) {
                Some(form) => response(200, Watch::open(world, &request, form).into_body()),
                None => whole(world, nowhere()),
            }
        }
    }
}

/// The same page, with a `continue` token.
fn endless(world: &Shared, fault: Fault, answer: Answer) -> Answer {
    let Answer::Json(_, mut value) = answer else { return answer };
    let pages = world.read(|world| world.traffic.lists.len());
    let token = if fault == Fault::Circle { "again".to_owned() } else { format!("page-{pages}") };
    value["metadata"] = json!({ "resourceVersion": "1001", "continue": token });
    Answer::Json(200, value)
}

/// A body that goes on for 64 MiB, as fast as it is read.
fn flood(world: Shared) -> Body {
    let piece = Bytes::from(vec![b' '; 1 << 20]);
    let pieces = stream::iter(0..64).map(move |number| {
        world.change(|world| world.traffic.flooded += 1);
        // A value begins with this, so that the line is not blank.
        let first = Bytes::from_static(b"{");
        Ok(Frame::data(if number == 0 { first } else { piece.clone() }))
    });
    StreamBody::new(pieces).boxed_unsync()
}

fn truncated(answer: Answer) -> Response<Body> {
    let (code, text, length) = match answer {
        Answer::Json(code, value) => {
            let text = value.to_string();
            let length = text.len();
            (code, text, Some(length))
        }
        Answer::Text(code, body) => (code, body.to_owned(), Some(body.len())),
        Answer::Stream(_) => (200, objects::bookmark(1, Form::Metadata).to_string(), None),
    };
    let half = text.get(..text.len() / 2).unwrap_or_default().to_owned();
    let mut response = response(code, cut_after(half));
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response
}

/// Sends `text`, then cuts the connection.
fn cut_after(text: String) -> Body {
    let sent = stream::once(async { Ok(Frame::data(Bytes::from(text))) });
    let cut = stream::once(async {
        // hyper flushes when the body has nothing for the moment, and not after an error.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    StreamBody::new(sent.chain(cut)).boxed_unsync()
}

fn json_text(code: u16, value: &Value) -> Response<Body> {
    text(code, value.to_string())
}

fn text(code: u16, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = response(code, body);
    if matches!(code, 429 | 503) {
        response.headers_mut().insert(RETRY_AFTER, 1.into());
    }
    response
}

fn response(code: u16, body: Body) -> Response<Body> {
    Response::builder()
        .status(code)
        .header(CONTENT_TYPE, "application/json")
        .body(body)
        .expect("the test asked for a valid status code")
}

/// `None` if the kind is not served in that version.
fn form(world: &World, metadata_only: bool, of: &Collection) -> Option<Form> {
    let resource = world.served(of)?;
    Some(if metadata_only { Form::Metadata } else { Form::Full(resource) })
}
