//! What the stand-in knows, and what was asked of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::request::ListRequest;

/// How a list fails. It is recorded in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// The list does not fail.
    #[default]
    None,
    /// 429 `ThrottlingException`.
    Throttled,
    /// 500 `ServerException`.
    Failing,
    /// 403 `AccessDeniedException`.
    Denied,
    /// 403 `InvalidSignatureException`, with the canonical request and so the session token, as AWS does.
    NotAccepted,
    /// This status with a page of HTML, as of a proxy.
    Proxy(u16),
    /// 200 with this body, which need not be an answer to what was asked.
    Body(&'static str),
    /// 200 with a part of a page, and then the end of the connection.
    Cut,
    /// The end of the connection instead of an answer.
    Gone,
    /// Never answered.
    Hanging,
    /// Answered later.
    Slow(Duration),
    /// 200 with a page, and always another to come.
    Endless,
}

#[derive(Debug, Default)]
pub(super) struct World {
    associations: BTreeSet<(String, String)>,
    /// Associations that lists of everything do not show yet.
    young: BTreeSet<(String, String)>,
    fault: Fault,
    times: usize,
    from: usize,
    pub(super) is_held: bool,
    pub(super) lists: Vec<ListRequest>,
    pub(super) running: usize,
    pub(super) connections: usize,
    /// Requests that were not as the service model or `SigV4` want them, and why.
    pub(super) refused: Vec<String>,
}

/// A page of associations, and where the next one begins.
pub(super) struct Page {
    pub(super) associations: Vec<(String, String)>,
    pub(super) next: Option<usize>,
}

impl World {
    /// Whether STS refuses to give credentials.
    pub(super) fn denies_tokens(&self) -> bool {
        self.fault == Fault::Denied
    }

    /// Puts an association; returns whether it is new, as an account has one at most.
    pub(super) fn put_new(&mut self, namespace: &str, service_account: &str) -> bool {
        self.associations.insert((namespace.to_owned(), service_account.to_owned()))
    }

    pub(super) fn put(&mut self, namespace: &str, service_account: &str) {
        self.put_new(namespace, service_account);
    }

    pub(super) fn put_young(&mut self, namespace: &str, service_account: &str) {
        self.young.insert((namespace.to_owned(), service_account.to_owned()));
    }

    pub(super) fn clear(&mut self) {
        self.associations.clear();
    }

    pub(super) fn set_faults(&mut self, fault: Fault, times: usize, from: usize) {
        (self.fault, self.times, self.from) = (fault, times, from);
    }

    /// Records a list; returns the fault that it meets.
    pub(super) fn note(&mut self, list: &ListRequest) -> Fault {
        self.lists.push(list.clone());
        if self.times == 0 || list.offset < self.from {
            return Fault::None;
        }
        self.times -= 1;
        self.fault
    }

    pub(super) fn page(&self, list: &ListRequest) -> Page {
        let fits = |(namespace, account): &&(String, String)| {
            list.namespace.as_ref().is_none_or(|asked| asked == namespace)
                && list.service_account.as_ref().is_none_or(|asked| asked == account)
        };
        let young = self.young.iter().filter(|_| list.namespace.is_some());
        let mut left = self.associations.iter().chain(young).filter(fits).skip(list.offset);
        let associations: Vec<_> = left.by_ref().take(list.max_results).cloned().collect();
        let next = left.next().is_some().then_some(list.offset + list.max_results);
        Page { associations, next }
    }
}
