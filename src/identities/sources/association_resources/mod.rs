//! EKS Pod Identity's associations in custom resources of this cluster: those from which a controller makes them in
//! AWS, ACK's and Crossplane's, and this project's own, which are the associations themselves. Each is a source of its
//! own.
//!
//! A controller's resource counts once the controller says that AWS has the association. The resources' definitions
//! may be installed, changed and removed at any time.

mod ask;
mod kept;
mod kind;
mod metrics;
mod objects;
mod resource;
mod selection;
mod watch;

use std::sync::Arc;

use futures_util::stream::{StreamExt, select_all};
use kube::Client;

use crate::identities::association_set::AssociationSet;
use crate::kubernetes::WatchError;
use crate::source::{Complaint, Source};
use kind::{PLURAL, Scope};
use objects::{Objects, ResourceStanding};
use watch::Reading;

pub use ask::ask;
pub use kind::{KIND, Kind};
pub use metrics::Metrics;
pub use resource::{Association, Existence, Malformed, wanted};
pub use selection::{Controller, Detail, Namespaces, Pending, Selection};

/// The resources of one controller.
#[derive(Debug)]
pub struct AssociationResources {
    selection: Selection,
    parts: Vec<Part>,
    source: Arc<Source<AssociationSet>>,
    metrics: Metrics,
    /// Whether it was logged that resources for several clusters count.
    is_warned: bool,
    /// Whether a resource names accounts of another namespace than its own, which is logged once.
    is_elsewhere: bool,
}

/// What is known of one kind.
#[derive(Debug)]
struct Part {
    kind: &'static Kind,
    /// `None` before the first reading.
    objects: Option<Objects>,
    trouble: Option<Trouble>,
}

/// Why a kind cannot be read now.
#[derive(Debug)]
struct Trouble {
    text: String,
    /// Whether it concerns the watch: then a list that succeeds does not prove that it is over.
    is_of_watch: bool,
}

impl AssociationResources {
    /// The resources of `controller`, for `source` to say which accounts have an association.
    #[must_use]
    pub fn new(
        controller: Controller,
        selection: Selection,
        source: Arc<Source<AssociationSet>>,
        metrics: Metrics,
    ) -> Self {
        let is_of_use = |kind: &&Kind| match selection.namespaces {
            Namespaces::Any => true,
            Namespaces::Own => kind.scope == Scope::Namespaced,
        };
        let parts = Kind::of(controller).iter().filter(is_of_use);
        let parts = parts.map(|kind| Part { kind, objects: None, trouble: None }).collect();
        Self { selection, parts, source, metrics, is_warned: false, is_elsewhere: false }
    }

    /// Keeps the source up to date, for ever.
    pub async fn follow(mut self, client: Client) {
        let readings = self.parts.iter().enumerate().map(|(index, part)| {
            watch::readings(client.clone(), part.kind, self.selection.detail)
                .map(move |reading| (index, reading))
                .boxed()
        });
        let mut readings = select_all(readings);
        while let Some((index, reading)) = readings.next().await {
            self.take(index, reading);
        }
    }

    fn take(&mut self, index: usize, reading: Reading) {
        let Some(part) = self.parts.get_mut(index) else { return };
        let has_failed = matches!(reading, Reading::Failed(_));
        let is_news = part.take(reading, &self.selection);
        let is_read = self.parts.iter().all(|part| part.objects.is_some());
        if is_news && is_read {
            self.publish();
        }
        let troubles: Vec<_> = self.parts.iter().filter_map(|part| part.trouble.as_ref()).collect();
        if has_failed {
            let texts: Vec<_> = troubles.iter().map(|trouble| trouble.text.as_str()).collect();
            self.source.fail(&texts.join("; "));
        } else if is_read && troubles.is_empty() {
            self.source.confirm();
        }
    }

    /// Publishes what all kinds together say now.
    fn publish(&mut self) {
        let objects = || self.parts.iter().filter_map(|part| part.objects.as_ref());
        let mut complaint = Complaint::default();
        for (name, malformed) in objects().flat_map(Objects::malformed) {
            complaint.add(format_args!("{name}: {malformed}"));
        }
        let judged = || objects().flat_map(Objects::judged);
        for standing in ResourceStanding::ALL {
            self.metrics.set(
                self.source.name(),
                standing.label(),
                judged().filter(|(_, found)| *found == standing).count(),
            );
        }
        let elsewhere = || objects().flat_map(Objects::elsewhere);
        if let Some((name, namespace)) = elsewhere().next() {
            if !std::mem::replace(&mut self.is_elsewhere, true) {
                tracing::warn!(
                    source = self.source.name(),
                    resources = elsewhere().count(),
                    example = %name,
                    names = namespace,
                    "resources that name accounts of another namespace than their own do not count: \
                     --association-resources-own-namespace-only=false makes all count"
                );
            }
        } else {
            self.is_elsewhere = false;
        }
        let used =
            || judged().filter(|(_, standing)| *standing == ResourceStanding::Used).map(|(used, _)| used);
        let set = AssociationSet::with(used().map(|used| (used.account.get(), used.associated())));
        let mut clusters = used().filter_map(|used| used.cluster.as_ref());
        let first = clusters.next();
        let is_mixed = clusters.any(|cluster| Some(cluster) != first);
        if is_mixed && !std::mem::replace(&mut self.is_warned, true) {
            tracing::warn!(
                source = self.source.name(),
                "resources for several EKS clusters all count: --eks-cluster-name says which one this is"
            );
        }
        self.source.replace_part(set, complaint.into_option());
    }
}

impl Part {
    /// Takes in a reading; returns whether anything is different now.
    fn take(&mut self, reading: Reading, selection: &Selection) -> bool {
        match reading {
            Reading::Everything(resources) => {
                // A list says nothing about the watch: watches may be refused where lists are allowed.
                self.trouble.take_if(|trouble| !trouble.is_of_watch);
                self.objects.get_or_insert_default().replace(resources, selection);
                true
            }
            Reading::Changes(changes) => {
                self.trouble = None;
                let objects = self.objects.get_or_insert_default();
                let mut is_news = false;
                for change in changes {
                    is_news |= objects.apply(change, selection);
                }
                is_news
            }
            Reading::Same => {
                self.trouble = None;
                false
            }
            Reading::Unserved => {
                self.trouble = None;
                let is_news = self.objects.as_ref().is_none_or(|objects| !objects.is_empty());
                if self.objects.is_none() {
                    tracing::info!(
                        resource = self.kind.name(),
                        "the resource is not served: looking for it every second"
                    );
                }
                self.objects = Some(Objects::default());
                is_news
            }
            Reading::Failed(error) => {
                let is_of_watch = !matches!(error, WatchError::List { .. } | WatchError::Discover { .. });
                self.trouble = Some(Trouble { text: self.explain(&error), is_of_watch });
                false
            }
        }
    }

    /// An error, and what to do about it.
    fn explain(&self, error: &WatchError) -> String {
        let group = self.kind.group;
        let rule = match error {
            WatchError::Discover { .. } => {
                format!("get on the path /apis/{group} (the ClusterRole system:discovery)")
            }
            _ => format!("list and watch on {PLURAL} in the API group {group}"),
        };
        if error.is_forbidden() {
            format!("{error}; the webhook's ClusterRole must allow {rule}")
        } else {
            error.to_string()
        }
    }
}

#[cfg(test)]
mod tests;
