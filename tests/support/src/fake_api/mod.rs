//! A fake Kubernetes API server that fails on cue: it lists, watches and gets `ServiceAccounts`,
//! `ConfigMaps` and custom resources over plain HTTP on 127.0.0.1, as kube-apiserver does, patches the status of
//! custom resources, says which versions of a group it serves, gets the Service `kubernetes`, says who signs tokens and
//! reviews them, and nothing else.
//!
//! Tests hold a [`FakeApi`], change objects, set faults, and wait for what the client did; the
//! behaviour of a healthy server is tested against the real kube-apiserver, not here. Everything the
//! fake knows is one value (`World`) whose every change is announced, so nothing ever sleeps.
//! What it does not serve (selectors other than `metadata.name`, streaming lists, watches from version 0) it refuses aloud.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "test support: what cannot go on ends the test, with the reason"
)]
#![allow(clippy::must_use_candidate, reason = "the resourceVersion of a change is rarely of interest")]

mod call;
mod faults;
mod objects;
mod resource;
mod routes;
mod server;
mod shared;
mod stream;
mod traffic;
mod world;

use std::fmt::Debug;
use std::sync::Arc;

pub use faults::{Fault, Hold, Route};
pub use resource::{CONFIG_MAPS, Resource, SERVICE_ACCOUNTS};
pub use server::ReservedPort;
pub use traffic::{Collection, Traffic};

use objects::Form;
use serde_json::{Map, Value};
use server::Server;
use shared::Shared;
use world::{Publicity, World};

use crate::wait::PATIENCE;

/// A handle to one fake API server. Clones share the server; when the last is dropped, the listener
/// and every connection are closed.
#[derive(Clone)]
pub struct FakeApi {
    world: Shared,
    // Not reachable from the server's task: the last handle's drop must end it.
    server: Arc<Server>,
}

/// Starting and stopping.
impl FakeApi {
    /// Serves on a free port, with no accounts.
    pub async fn start() -> Self {
        Self::start_on(reserve_port()).await
    }

    /// Serves on a port reserved earlier, to which clients may have tried to connect meanwhile.
    // Async, as `start`: both need the runtime, and say so by their signature.
    #[allow(clippy::unused_async)]
    pub async fn start_on(port: ReservedPort) -> Self {
        let world = Shared::default();
        let server = Arc::new(Server::start(port, world.clone()));
        Self { world, server }
    }

    /// The cluster URL, `http://127.0.0.1:<port>`; the same after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        server::url(self.server.port())
    }

    /// Closes the listener and drops every connection where it stands; connections are refused from
    /// then on. Both are done when this returns. Accounts and traffic are kept.
    pub async fn stop(&self) {
        self.server.stop().await;
    }

    /// Serves again, on the same port and with the same accounts, after [`Self::stop`].
    pub fn restart(&self) {
        self.server.restart(self.world.clone());
    }
}

/// Accounts. Every change takes the next resourceVersion, which is returned.
impl FakeApi {
    /// Creates or replaces an account; open watches hear of it.
    pub fn put(&self, namespace: &str, name: &str, annotations: &[(&str, &str)]) -> u64 {
        self.world.change(|world| put_account(world, namespace, name, annotations, Publicity::Announced))
    }

    /// Creates or replaces an account whose owner has this name, which may have any length; open watches hear of it.
    pub fn put_owned(&self, namespace: &str, name: &str, owner: &str) -> u64 {
        let body = Map::from_iter([(objects::OWNER.to_owned(), Value::from(owner))]);
        let account = (namespace, name);
        self.world.change(|world| world.put(SERVICE_ACCOUNTS, account, &[], body, Publicity::Announced))
    }

    /// Creates or replaces an account of which no watch will ever hear: only GETs and lists show it.
    /// For news that is merely late, see [`Self::withhold_watch_events`].
    pub fn put_unannounced(&self, namespace: &str, name: &str, annotations: &[(&str, &str)]) -> u64 {
        self.world.change(|world| put_account(world, namespace, name, annotations, Publicity::Unannounced))
    }

    /// Deletes an account; open watches hear of it. `None` if there was none.
    pub fn delete(&self, namespace: &str, name: &str) -> Option<u64> {
        self.world
            .change(|world| world.delete(&SERVICE_ACCOUNTS.name(), namespace, name, Publicity::Announced))
    }

    /// Deletes an account; no watch will ever hear of it. `None` if there was none.
    pub fn delete_unannounced(&self, namespace: &str, name: &str) -> Option<u64> {
        self.world
            .change(|world| world.delete(&SERVICE_ACCOUNTS.name(), namespace, name, Publicity::Unannounced))
    }
}

/// Objects of any kind.
impl FakeApi {
    /// Creates or replaces an object: `body` is all but kind, version and metadata. An empty namespace means
    /// none. Open watches hear of it.
    pub fn put_object(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
        body: Map<String, Value>,
    ) -> u64 {
        self.world.change(|world| world.put(resource, (namespace, name), &[], body, Publicity::Announced))
    }

    /// Deletes an object; open watches hear of it. `None` if there was none.
    pub fn delete_object(&self, resource: Resource, namespace: &str, name: &str) -> Option<u64> {
        self.world.change(|world| world.delete(&resource.name(), namespace, name, Publicity::Announced))
    }

    /// An object as a GET would show it; `None` if there is none.
    #[must_use]
    pub fn object(&self, resource: Resource, namespace: &str, name: &str) -> Option<Value> {
        let object = self.world.read(|world| world.object(&resource.name(), namespace, name))?;
        Some(objects::object(&object, Form::Full(resource)))
    }

    /// Serves a kind from now on, as if its `CustomResourceDefinition` was established.
    pub fn install(&self, resource: Resource) {
        self.world.change(|world| world.install(resource));
    }

    /// Stops serving a kind in this version: its watches end, and its objects go with its last version.
    pub fn uninstall(&self, resource: Resource) {
        self.world.change(|world| world.uninstall(resource));
    }
}

/// Watches.
impl FakeApi {
    /// `true`: watches learn nothing of later changes, in their order, until
    /// [`Self::release_watch_events`] (or `false`); GETs and lists show them at once. The watch's lag.
    pub fn withhold_watch_events(&self, withhold: bool) {
        self.world.change(|world| world.withhold(withhold));
    }

    /// Delivers what was withheld, and ends the withholding.
    pub fn release_watch_events(&self) {
        self.withhold_watch_events(false);
    }

    /// Cuts the watches open now, in the middle of their chunked body, and their connections.
    pub fn drop_watches(&self) {
        self.world.change(World::drop_watches);
    }

    /// Leaves the watches open now open but silent, even past their `timeoutSeconds`: a dead peer.
    /// Watches opened later work; to take those too, set [`Fault::Hang`] on [`Route::Watch`].
    pub fn freeze_watches(&self) {
        self.world.change(World::freeze_watches);
    }

    /// Sends the ERROR event with Status 410 on every open watch and ends it, and makes every
    /// resourceVersion and `continue` token handed out so far too old.
    pub fn expire_watches(&self) {
        self.world.change(World::expire);
    }
}

/// The Service `kubernetes`, in the namespace `default`.
impl FakeApi {
    /// Sets its `spec.ipFamilies`; there are none to begin with.
    pub fn set_ip_families(&self, families: &[&'static str]) {
        self.world.change(|world| world.ip_families = families.to_vec());
    }
}

/// Tokens of `ServiceAccounts`.
impl FakeApi {
    /// Publishes the issuer of tokens, and the keys that sign them.
    pub fn sign_tokens(&self, issuer: &str, keys: &Value) {
        self.world.change(|world| {
            let discovery = serde_json::json!({ "issuer": issuer });
            world.documents.insert("/.well-known/openid-configuration".to_owned(), discovery);
            world.documents.insert("/openid/v1/jwks".to_owned(), keys.clone());
        });
    }

    /// Confirms a token from now on, as that of the account and of the pod with these UIDs.
    pub fn confirm_token(&self, token: &str, account_uid: &str, pod_uid: &str) {
        let uids = [account_uid, pod_uid].map(str::to_owned);
        self.world.change(|world| world.tokens.insert(token.to_owned(), uids));
    }

    /// Confirms a token no longer: its pod or its account is gone.
    pub fn deny_token(&self, token: &str) {
        self.world.change(|world| world.tokens.remove(token));
    }

    /// How requests that concern tokens fail from now on: see [`Self::set_fault`].
    pub fn set_fault_of_tokens(&self, route: Route, fault: Fault) {
        self.world.change(|world| world.faults.set(route, fault));
    }
}

/// Failing.
impl FakeApi {
    /// How requests of `route` for `ServiceAccounts` fail from now on; [`Fault::None`] ends it. Requests
    /// that hang already hang on, watches that stream already stream on.
    pub fn set_fault(&self, route: Route, fault: Fault) {
        self.world.change(|world| world.faults.set(route, fault));
    }

    /// Leaves the connections open now open but dead, in both directions: a peer that vanished. Later
    /// ones work.
    pub fn silence_connections(&self) {
        self.world.change(World::silence_connections);
    }

    /// How requests of `route` for objects of another kind fail from now on: see [`Self::set_fault`].
    pub fn set_fault_of(&self, resource: Resource, route: Route, fault: Fault) {
        self.world.change(|world| world.faults.set_of(resource, route, fault));
    }

    /// Holds the GETs that arrive from now on until [`Self::release_gets`].
    pub fn hold_gets(&self, hold: Hold) {
        self.world.change(|world| world.hold = Some(hold));
    }

    /// Lets every held GET go, and later ones pass.
    pub fn release_gets(&self) {
        self.world.change(|world| {
            world.hold = None;
            world.releases += 1;
        });
    }
}

/// What the client did.
impl FakeApi {
    /// All that was asked so far, and what is under way.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.world.read(|world| world.traffic.clone())
    }

    /// Forgets the requests recorded so far; what is under way stays counted.
    pub fn forget_requests(&self) {
        self.world.change(|world| world.traffic.forget_requests());
    }

    /// Waits until `condition` holds of the traffic, which is returned.
    ///
    /// # Panics
    /// After [`PATIENCE`], with `what` and the traffic seen.
    pub async fn wait_for(&self, what: impl Debug, mut condition: impl FnMut(&Traffic) -> bool) -> Traffic {
        let mut changes = self.world.subscribe();
        let reached = changes.wait_for(|world| condition(&world.traffic));
        let Ok(world) = tokio::time::timeout(PATIENCE, reached).await else {
            panic!("waited {PATIENCE:?} for {what:?} in vain: {:#?}", self.traffic());
        };
        world.expect("we hold a sender").traffic.clone()
    }

    /// Waits until `n` watches are open, which then hear of every change. Dropped and expired ones
    /// no longer count, so this waits for the client's next; frozen ones do: to see a client leave
    /// those, wait for the length of [`Traffic::watches`].
    ///
    /// # Panics
    /// After [`PATIENCE`].
    pub async fn wait_for_watches(&self, n: usize) -> Traffic {
        self.wait_for(format!("{n} open watches"), |traffic| traffic.watches_open == n).await
    }

    /// Waits until `n` GETs are being answered, held ones included.
    ///
    /// # Panics
    /// After [`PATIENCE`].
    pub async fn wait_for_gets_running(&self, n: usize) -> Traffic {
        self.wait_for(format!("{n} running gets"), |traffic| traffic.gets_running == n).await
    }
}

fn put_account(
    world: &mut World,
    namespace: &str,
    name: &str,
    annotations: &[(&str, &str)],
    publicity: Publicity,
) -> u64 {
    world.put(SERVICE_ACCOUNTS, (namespace, name), annotations, Map::new(), publicity)
}

/// Reserves a free port of 127.0.0.1: connections to it are refused until [`FakeApi::start_on`], and no
/// other process is given it.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn reserve_port() -> ReservedPort {
    ReservedPort::new(0)
}
