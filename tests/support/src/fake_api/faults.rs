//! The ways in which a request can fail, and the gate for GETs.

use std::collections::HashMap;
use std::time::Duration;

use super::resource::{Resource, SERVICE_ACCOUNTS};

/// The kinds of requests that can be made to fail separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// The list, any of its pages.
    List,
    /// The start of a watch. Open watches have their own controls on [`super::FakeApi`].
    Watch,
    /// The GET of one object.
    Get,
    /// The PATCH of an object's status. It is refused by [`Fault::Status`] and not reached by [`Fault::Hang`]; by the
    /// others it is done, and only its answer suffers.
    PatchStatus,
    /// The PATCH of a node, likewise.
    Patch,
    /// What the group serves, and its versions.
    Discovery,
    /// The GET of the Service `kubernetes`.
    Service,
    /// What is said of the tokens that the API server signs.
    Document,
    /// The review of a token.
    Review,
}

/// How a request fails. The request is recorded in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// It does not fail.
    #[default]
    None,
    /// This HTTP status with a Kubernetes Status body; 429 and 503 come with `Retry-After: 1`.
    ///
    /// kube's client retries 429, 503 and 504 by itself, for minutes (`Config::default_retry`).
    /// 410 here is not what kube-apiserver does for an old watch: see
    /// [`super::FakeApi::expire_watches`].
    Status(u16),
    /// Accepted and never answered, until the client gives up.
    Hang,
    /// Answered later. The answer is made up on arrival, so it may be out of date when it comes.
    Delay(Duration),
    /// 200 with a body, or for a watch a line and then the end, that is not JSON.
    Garbage,
    /// 200 with this body, or for a watch this line and then the end, whatever was asked for.
    Says(&'static str),
    /// 200 with a body, or for a watch a line, that does not end: a MiB, 64 times over. It is counted as
    /// [`super::Traffic::flooded`].
    Flood,
    /// Of a list: this page again and again, each with a `continue` token that was not there before.
    Endless,
    /// Of a list: this page again and again, each with the same `continue` token.
    Circle,
    /// 200, half of the body (of a watch: half of an event's line), then the connection is closed.
    CloseMidway,
}

/// Where a GET waits while GETs are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Before the account is looked up: the answer shows changes made during the hold.
    Request,
    /// After it was looked up: the answer is of the moment of arrival, old news that comes late.
    Answer,
}

/// The name by which [`Route::Service`] has its fault.
pub(super) const SERVICE: &str = "services";

/// The name by which what concerns tokens has its faults.
pub(super) const TOKENS: &str = "tokens";

/// The faults in force, by the name of a resource; of discovery, by that of its group.
#[derive(Debug, Default)]
pub(super) struct Faults(HashMap<(String, Route), Fault>);

impl Faults {
    pub(super) fn set(&mut self, route: Route, fault: Fault) {
        self.set_of(SERVICE_ACCOUNTS, route, fault);
    }

    pub(super) fn set_of(&mut self, resource: Resource, route: Route, fault: Fault) {
        let name = match route {
            Route::List | Route::Watch | Route::Get | Route::PatchStatus | Route::Patch => resource.name(),
            Route::Discovery => resource.group.to_owned(),
            Route::Service => SERVICE.to_owned(),
            Route::Document | Route::Review => TOKENS.to_owned(),
        };
        self.0.insert((name, route), fault);
    }

    pub(super) fn of(&self, name: &str, route: Route) -> Fault {
        self.0.get(&(name.to_owned(), route)).copied().unwrap_or_default()
    }
}
