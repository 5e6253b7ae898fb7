//! One connection from its handshake to its end: its deadlines, its requests, how it is closed.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONNECTION, HeaderValue};
use futures_util::FutureExt;
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};
use tower::ServiceExt;

use super::answers::Answers;
use super::connections::Place;
use super::entry::Entry;
use super::handshake::Handshakes;
use super::limits::Limits;
use super::metrics::Metrics;
use super::stream::Stream;
use super::tls;
use crate::process::Shutdown;
use crate::telemetry::Throttle;

/// How long a connection without a request is kept when the server stops: a call follows its
/// handshake within a round trip.
const FAREWELL: Duration = Duration::from_secs(1);

/// What every connection shares.
pub(super) struct Context {
    pub(super) tls: Option<Handshakes>,
    pub(super) answers: Answers,
    pub(super) strangers: Option<Answers>,
    pub(super) limits: Limits,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shutdown: Shutdown,
    pub(super) complaints: Throttle,
}

/// What answers on a connection, depending on its client.
#[derive(Clone, Copy)]
enum Client<'c> {
    /// Any client: no certificate is asked for, or the client has none.
    Anybody(&'c Answers),
    /// A client whose certificate was verified.
    Verified(&'c Answers),
}

impl Context {
    /// Serves one connection, which occupies `place`.
    pub(super) async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, place: Place) {
        let first_request = Instant::now() + self.limits.first_request;
        // Answers are written whole; waiting for more to send would only delay them.
        drop(stream.set_nodelay(true));
        let entry = &place.entry;
        match &self.tls {
            None => self.http(stream, peer, Client::Anybody(&self.answers), entry, first_request).await,
            Some(tls) => match timeout_at(first_request, tls.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let is_verified = stream.get_ref().1.peer_certificates().is_some();
                    let client = match &self.strangers {
                        Some(_) if is_verified => Client::Verified(&self.answers),
                        Some(strangers) => Client::Anybody(strangers),
                        None => Client::Anybody(&self.answers),
                    };
                    self.http(stream, peer, client, entry, first_request).await;
                }
                Ok(Err(error)) => self.complain(tls::reason(&error), &error, peer),
                Err(elapsed) => self.complain("timeout", &elapsed, peer),
            },
        }
    }

    async fn http(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: SocketAddr,
        client: Client<'_>,
        entry: &Arc<Entry>,
        first_request: Instant,
    ) {
        let activity = &entry.activity;
        let peer = peer.ip().to_canonical();
        let service = hyper::service::service_fn(|request: Request<Incoming>| {
            activity.calling();
            let answers = match client {
                Client::Anybody(answers) => answers,
                Client::Verified(answers) => {
                    if request.uri().path().starts_with("/mutate") {
                        activity.known();
                    }
                    answers
                }
            };
            let answer = match answers {
                Answers::Router(router) => Either::Left(router.clone().oneshot(request.map(Body::new))),
                Answers::Direct(answer) => Either::Right(answer(request, peer).map(Ok)),
            };
            async {
                let mut answer = answer.await?;
                // A client that keeps connections makes its next one, elsewhere, before this one is closed.
                if self.shutdown.leaving.is_cancelled() || entry.is_told() {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                let status = answer.status();
                activity.answering(status.is_client_error() || status.is_server_error());
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_buf_size(self.limits.head)
            .serve_connection(TokioIo::new(Stream::new(stream, entry.clone())), service);
        tokio::pin!(connection);
        let first_request = sleep_until(first_request);
        tokio::pin!(first_request);
        let told = entry.told();
        tokio::pin!(told);
        let mut is_waiting = true;
        let mut is_serving = true;
        let mut is_kept = true;
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.stopping.cancelled(), if is_serving => {
                    is_serving = false;
                    if activity.was_asked() {
                        connection.as_mut().graceful_shutdown();
                    } else {
                        // hyper would close it at once, and lose the call that it was opened for, which may
                        // be under way. The answer to that call ends the connection.
                        let soon = first_request.deadline().min(Instant::now() + FAREWELL);
                        first_request.as_mut().reset(soon);
                    }
                }
                result = &mut connection => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "connection ended");
                    }
                    return;
                }
                // This comes after the connection, which by then has read whatever arrived meanwhile.
                is_idle = &mut told, if is_kept => {
                    is_kept = false;
                    if is_idle {
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                }
                () = &mut first_request, if is_waiting => {
                    is_waiting = false;
                    if !activity.was_asked() {
                        tracing::debug!("connection closed: no request in time");
                        return;
                    }
                }
            }
        }
    }

    fn complain(&self, reason: &'static str, error: &dyn std::fmt::Display, peer: SocketAddr) {
        self.metrics.handshake_error(reason);
        if let Some(left_out) = self.complaints.allow() {
            let advice = if reason == tls::CLIENT_CERTIFICATE {
                "if this is the API server, the authority of its client certificate is not in --client-ca-file"
            } else {
                "if this is the API server, the webhook's caBundle does not match the certificate"
            };
            tracing::warn!(%peer, reason, %error, left_out, "TLS handshake failed; {advice}");
        }
    }
}
