//! The keys with which the cluster signs tokens, and its issuer, as the API server publishes them. They are kept in
//! memory for as long as this runs: an API server that is down, or says nothing of use, takes none away.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use kube::Client;
use serde::Deserialize;
use tokens::JsonWebKeySet;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::kubernetes::{self, ApiError};

/// How long one question may take: less than an SDK waits.
const REQUEST: Duration = Duration::from_secs(1);

/// How soon keys are asked for again: anyone may send a token that names a key which does not exist.
const PAUSE: Duration = Duration::from_secs(10);

/// Bytes of one answer: a key has some hundred, and a cluster a handful.
const LARGEST: usize = 1 << 20;

/// Who signs tokens.
#[derive(Debug)]
pub(super) struct Signers {
    pub(super) issuer: String,
    pub(super) keys: JsonWebKeySet,
}

/// The keys as they were last read.
pub(super) struct Keys {
    client: Client,
    current: ArcSwapOption<Signers>,
    /// When they were last asked for.
    asked: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Keys").field("current", &self.current).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

impl Keys {
    pub(super) fn new(client: Client) -> Arc<Self> {
        Arc::new(Self { client, current: ArcSwapOption::empty(), asked: Mutex::default() })
    }

    pub(super) fn current(&self) -> Option<Arc<Signers>> {
        self.current.load_full()
    }

    /// Reads them now.
    pub(super) async fn fetch(self: &Arc<Self>) -> Result<(), ApiError> {
        self.read_unless(|_, _| false).await
    }

    /// Reads them, unless that was done a moment ago. Of many that ask at the same time one reads, and the others wait.
    pub(super) async fn fetch_again(self: &Arc<Self>) -> Result<(), ApiError> {
        let came = Instant::now();
        self.read_unless(move |this, asked| {
            // Without any keys an SDK that tries again has them once they can be had.
            let pause = if this.current.load().is_some() { PAUSE } else { Duration::from_millis(500) };
            asked >= came || asked.elapsed() < pause
        })
        .await
    }

    /// Reads them unless `is_enough` holds for when they were last asked for. It goes on if whoever asked has left: a pod
    /// that leaves at once could otherwise keep them from being read.
    async fn read_unless(
        self: &Arc<Self>,
        is_enough: impl FnOnce(&Self, Instant) -> bool + Send + 'static,
    ) -> Result<(), ApiError> {
        let this = self.clone();
        let reading = tokio::spawn(async move {
            let mut asked = this.asked.lock().await;
            if asked.is_some_and(|asked| is_enough(&this, asked)) {
                return Ok(());
            }
            *asked = Some(Instant::now());
            this.read().await
        });
        // It is not aborted; if it panicked, that is in the log.
        reading.await.unwrap_or_else(|_| Err(ApiError::Late(REQUEST)))
    }

    async fn read(&self) -> Result<(), ApiError> {
        let document = self.text("/.well-known/openid-configuration");
        let keys = self.text("/openid/v1/jwks");
        let (document, keys) = tokio::try_join!(document, keys)?;
        let Discovery { issuer } = serde_json::from_str(&document).map_err(ApiError::unreadable)?;
        let keys = JsonWebKeySet::parse(keys.as_bytes())
            .map_err(|error| ApiError::Unreadable(format!("no key set: {error}")))?;
        tracing::debug!(issuer, keys = keys.keys().len(), "the cluster's keys were read");
        self.current.store(Some(Arc::new(Signers { issuer, keys })));
        Ok(())
    }

    async fn text(&self, path: &str) -> Result<String, ApiError> {
        let asked = timeout(REQUEST, kubernetes::text(&self.client, path, LARGEST));
        asked.await.unwrap_or_else(|_| Err(ApiError::Late(REQUEST)))
    }
}
