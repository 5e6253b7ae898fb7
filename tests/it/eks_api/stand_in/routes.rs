//! From a request to its answer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Method, Request, Response};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::request::{self, ListRequest};
use super::world::{Fault, Page, World};
use super::{CLUSTER, REGION, SECRET, SESSION};

type Answer = Response<BoxBody<Bytes, io::Error>>;

pub(super) async fn answer(
    world: Arc<watch::Sender<World>>,
    request: Request<Incoming>,
) -> io::Result<Answer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let refused = |why: String| {
        world.send_modify(|world| world.refused.push(why.clone()));
        error(400, "InvalidParameterException", &why)
    };
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/credentials") => return Ok(container_credentials()),
        (&Method::POST, "/") if world.borrow().denies_tokens() => return Ok(token_denied()),
        (&Method::POST, "/") => return Ok(web_identity(&body)),
        _ => {}
    }
    let Some(cluster) = request::cluster(head.uri.path()) else {
        return Ok(refused(format!("{} {}", head.method, head.uri)));
    };
    let key = match request::signer(&head.headers) {
        Ok(key) => key,
        Err(why) => return Ok(refused(why)),
    };
    Ok(match head.method {
        Method::GET => match ListRequest::new(cluster, head.uri.query().unwrap_or_default(), &key) {
            Ok(list) => list_associations(&world, list).await?,
            Err(why) => refused(why),
        },
        Method::POST => create(&world, cluster, &body),
        _ => refused(head.method.to_string()),
    })
}

/// Counts a request as running until its future ends or is dropped.
struct Running<'w>(&'w watch::Sender<World>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|world| world.running -= 1);
    }
}

async fn list_associations(world: &watch::Sender<World>, list: ListRequest) -> io::Result<Answer> {
    let mut fault = Fault::None;
    world.send_modify(|world| {
        world.running += 1;
        fault = world.note(&list);
    });
    let _running = Running(world);
    world.subscribe().wait_for(|world| !world.is_held).await.unwrap();
    match fault {
        Fault::None => {}
        Fault::Throttled => return Ok(error(429, "ThrottlingException", "Rate exceeded")),
        Fault::Failing => return Ok(error(500, "ServerException", "Something went wrong")),
        Fault::Denied => {
            let words = "User: arn:aws:sts::111122223333:assumed-role/webhook/session is not authorized to \
                         perform: eks:ListPodIdentityAssociations";
            return Ok(error(403, "AccessDeniedException", words));
        }
        Fault::NotAccepted => {
            let words = format!(
                "The request signature we calculated does not match. x-amz-security-token:{SESSION}\n\n\
                 The Canonical String should have been\n'GET\nx-amz-security-token:{SESSION}'"
            );
            return Ok(error(403, "InvalidSignatureException", &words));
        }
        Fault::Proxy(status) => return Ok(html(status)),
        Fault::Gone => return Err(io::ErrorKind::ConnectionReset.into()),
        Fault::Body(text) => return Ok(Response::new(full(text))),
        Fault::Cut => return Ok(cut(&page_json(&world.borrow().page(&list)))),
        Fault::Hanging => std::future::pending().await,
        Fault::Slow(time) => sleep(time).await,
        Fault::Endless => {
            let page = Page { associations: Vec::new(), next: Some(list.offset) };
            return Ok(json(200, &page_json(&page)));
        }
    }
    if !list.is_of_the_cluster() {
        let words = format!("No cluster found for name: {}.", list.cluster);
        return Ok(error(404, "ResourceNotFoundException", &words));
    }
    let page = world.borrow().page(&list);
    Ok(json(200, &page_json(&page)))
}

fn page_json(page: &Page) -> Value {
    let associations: Vec<_> =
        page.associations.iter().map(|(namespace, account)| summary(namespace, account)).collect();
    json!({ "associations": associations, "nextToken": page.next.map(request::token) })
}

fn summary(namespace: &str, service_account: &str) -> Value {
    let id = "a-0123456789abcdefg";
    json!({
        "clusterName": CLUSTER,
        "namespace": namespace,
        "serviceAccount": service_account,
        "associationArn": format!("arn:aws:eks:{REGION}:111122223333:podidentityassociation/{CLUSTER}/{id}"),
        "associationId": id,
    })
}

fn create(world: &watch::Sender<World>, cluster: &str, body: &[u8]) -> Answer {
    let input: Value = serde_json::from_slice(body).unwrap();
    let [Some(namespace), Some(account), Some(role)] =
        ["namespace", "serviceAccount", "roleArn"].map(|name| input[name].as_str())
    else {
        return error(400, "InvalidParameterException", "namespace, serviceAccount and roleArn are needed");
    };
    if cluster != CLUSTER {
        return error(404, "ResourceNotFoundException", &format!("No cluster found for name: {cluster}."));
    }
    let mut is_new = false;
    world.send_modify(|world| is_new = world.put_new(namespace, account));
    if !is_new {
        return error(409, "ResourceInUseException", "Association already exists");
    }
    let mut association = summary(namespace, account);
    association["roleArn"] = json!(role);
    association["createdAt"] = json!(1_788_000_000.25);
    json(200, &json!({ "association": association }))
}

/// What the EKS Pod Identity agent answers.
fn container_credentials() -> Answer {
    let credentials = json!({
        "AccessKeyId": "ASIACONTAINER",
        "SecretAccessKey": SECRET,
        "Token": SESSION,
        "AccountId": "111122223333",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    json(200, &credentials)
}

/// STS' `AssumeRoleWithWebIdentity`.
fn web_identity(body: &[u8]) -> Answer {
    let form = String::from_utf8_lossy(body);
    if !form.contains("Action=AssumeRoleWithWebIdentity")
        || !form.contains("WebIdentityToken=the.projected.token")
    {
        return error(400, "InvalidAction", &form);
    }
    let text = format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEBIDENTITY</AccessKeyId>\
         <SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{SESSION}</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
         </AssumeRoleWithWebIdentityResponse>"
    );
    Response::builder().header("Content-Type", "text/xml").body(full(text)).unwrap()
}

/// STS's answer if the role does not trust the token, with a different request id each time.
fn token_denied() -> Answer {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let id = COUNT.fetch_add(1, Ordering::Relaxed);
    let text = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message>\
         </Error><RequestId>0a1b2c3d-{id}</RequestId></ErrorResponse>"
    );
    Response::builder().status(403).header("Content-Type", "text/xml").body(full(text)).unwrap()
}

fn json(status: u16, body: &Value) -> Answer {
    let response = Response::builder().status(status).header("Content-Type", "application/json");
    response.body(full(body.to_string())).unwrap()
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let mut answer = json(status, &json!({ "message": message }));
    answer.headers_mut().insert("x-amzn-ErrorType", code.parse().unwrap());
    answer
}

fn html(status: u16) -> Answer {
    Response::builder().status(status).body(full("<html>busy</html>")).unwrap()
}

/// The first half of a body, and then the end of the connection.
fn cut(body: &Value) -> Answer {
    let text = body.to_string();
    let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
    let end = async {
        // The half is sent as soon as the body has nothing more to give for now.
        yield_now().await;
        Err(io::ErrorKind::ConnectionReset.into())
    };
    let frames = stream::iter([Ok(Frame::data(half))]).chain(stream::once(end));
    Response::new(BoxBody::new(StreamBody::new(frames)))
}

fn full(body: impl Into<Bytes>) -> BoxBody<Bytes, io::Error> {
    Full::new(body.into()).map_err(|never| match never {}).boxed()
}
