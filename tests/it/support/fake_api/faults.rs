//! The ways in which a request can fail, and the gate for GETs.

use std::time::Duration;

/// The kinds of requests that can be made to fail separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The cluster-wide list, any of its pages.
    List,
    /// The start of a watch. Open watches have their own controls on [`super::FakeApi`].
    Watch,
    /// The GET of one account.
    Get,
}

/// How a request fails. The request is recorded in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// It does not.
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
    /// 200 with a body, or for a watch a line and then the end, that is no JSON.
    Garbage,
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

/// The faults in force.
#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Fault,
    watch: Fault,
    get: Fault,
}

impl Faults {
    pub(super) fn set(&mut self, route: Route, fault: Fault) {
        match route {
            Route::List => self.list = fault,
            Route::Watch => self.watch = fault,
            Route::Get => self.get = fault,
        }
    }

    pub(super) fn of(&self, route: Route) -> Fault {
        match route {
            Route::List => self.list,
            Route::Watch => self.watch,
            Route::Get => self.get,
        }
    }
}
