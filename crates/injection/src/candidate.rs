//! The subject of a decision: a pod or its new ephemeral containers, the account whose identity it would
//! get, and how much it depends on that identity.

use super::defaults::Defaults;
use super::denial::Demand;
use super::found::Found;
use super::name::AccountName;
use super::need::{Need, Precedence};
use super::pod::Pod;
use super::reason::Reason;
use super::review::{Review, Subject};

/// A pod, or ephemeral containers, for which the account's identity is to be found.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub(super) subject: &'a Subject<'a>,
    /// The account that the pod runs as.
    pub account: AccountName<'a>,
    /// How much the pod depends on an identity.
    pub need: Need,
    /// Spreads the lifetimes of Pod Identity tokens where no lifetime is set.
    pub(super) seed: Option<&'a str>,
}

impl<'a> Candidate<'a> {
    /// What a review is about, if that is a pod; `namespace` is what its namespace demands of all its pods.
    #[must_use]
    pub fn of_review(review: &'a Review<'a>, namespace: Option<Demand>) -> Option<Self> {
        let subject = review.subject.as_ref()?;
        let pod = subject.pod();
        // The request's namespace decides; the pod's own may be empty.
        let namespaces = [&*review.namespace, &*pod.metadata.namespace];
        let own = namespaces.into_iter().find(|namespace| !namespace.is_empty()).unwrap_or("default");
        Some(Self { seed: Some(&review.uid), ..Self::new(subject, own, namespace) })
    }

    /// A pod of a manifest, whose namespace is `namespace`.
    #[must_use]
    pub fn offline(subject: &'a Subject<'a>, namespace: &'a str) -> Self {
        Self::new(subject, namespace, None)
    }

    fn new(subject: &'a Subject<'a>, namespace: &'a str, demand: Option<Demand>) -> Self {
        let pod = subject.pod();
        let need = match subject {
            Subject::Pod(_) => Need::of(pod, demand),
            // The pod runs already, and the container may be there to find out what is wrong with it.
            Subject::Ephemeral { .. } => Need::Usual,
        };
        Self { subject, account: AccountName::new(namespace, pod.service_account()), need, seed: None }
    }

    /// The pod whose account, annotations and volumes count.
    #[must_use]
    pub fn pod(&self) -> &'a Pod<'a> {
        self.subject.pod()
    }

    /// Which of the account's identities comes first for this pod.
    #[must_use]
    pub fn precedence(&self, defaults: &Defaults) -> Precedence {
        Precedence::of(self.pod(), defaults)
    }

    /// About how many bytes deciding takes, beside the review's own: the lists of the pod, or the patch.
    #[must_use]
    pub fn size(&self, found: &Found) -> usize {
        let Some(grant) = &found.grant else {
            return 0;
        };
        self.subject.weight().max(grant.patch_size(self.subject.containers()))
    }

    /// Why nothing is added whatever the account has: then no source needs to be asked.
    #[must_use]
    pub fn settled(&self) -> Option<Reason> {
        self.pod().metadata.is_mirror.then_some(Reason::MirrorPod)
    }
}
