//! The resources of one kind, each with a verdict: which accounts have an association, which will have one,
//! and which resources cannot be used.

use std::collections::BTreeMap;
use std::fmt;

use super::resource::{Association, Existence, Malformed};
use super::selection::{Namespaces, Pending, Selection};
use crate::aws::ClusterName;
use crate::kubernetes::Change;

/// An object, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) name: Name,
    pub(super) association: Result<Association, Malformed>,
}

/// An object's own name, as opposed to that of the account that it names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// `None` for an object outside namespaces.
    pub(super) namespace: Option<Box<str>>,
    pub(super) name: Box<str>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.namespace.iter().try_for_each(|namespace| write!(f, "{namespace}/"))?;
        f.write_str(&self.name)
    }
}

/// What becomes of an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResourceStanding {
    /// The association counts.
    Used,
    /// As far as is known, AWS does not have the association yet.
    Pending,
    /// The association is for another EKS cluster.
    OtherCluster,
    /// The association is for an account of another namespace than the object's own.
    OtherNamespace,
}

impl ResourceStanding {
    pub(super) const ALL: [Self; 4] = [Self::Used, Self::Pending, Self::OtherCluster, Self::OtherNamespace];

    /// The metric's label.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Pending => "pending",
            Self::OtherCluster => "other_cluster",
            Self::OtherNamespace => "other_namespace",
        }
    }
}

/// What is known of an object.
#[derive(Debug, PartialEq, Eq)]
enum ObjectState {
    Judged(Association, ResourceStanding),
    Malformed(Malformed),
}

/// All objects of a kind, ordered by name so that the same ones are complained about each time.
#[derive(Debug, Default)]
pub(super) struct Objects(BTreeMap<Name, ObjectState>);

impl Objects {
    /// Replaces all that was known by what there is now.
    pub(super) fn replace(&mut self, resources: Vec<Resource>, selection: &Selection) {
        let before = std::mem::take(&mut self.0);
        self.0 = resources
            .into_iter()
            .map(|Resource { name, association }| {
                let entry = ObjectState::new(&name, association, before.get(&name), selection);
                (name, entry)
            })
            .collect();
    }

    /// Takes in a change; returns whether anything is different now.
    pub(super) fn apply(&mut self, change: Change<Resource>, selection: &Selection) -> bool {
        match change {
            Change::Applied(Resource { name, association }) => {
                let before = self.0.get(&name);
                let entry = ObjectState::new(&name, association, before, selection);
                let is_news = before != Some(&entry);
                if is_news {
                    tracing::debug!(resource = %name, standing = entry.label(), "association resource changed");
                    self.0.insert(name, entry);
                }
                is_news
            }
            Change::Deleted(Resource { name, .. }) => self.0.remove(&name).is_some(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every association that could be read, with what becomes of it.
    pub(super) fn judged(&self) -> impl Iterator<Item = (&Association, ResourceStanding)> {
        self.0.values().filter_map(|entry| match entry {
            ObjectState::Judged(association, standing) => Some((association, *standing)),
            ObjectState::Malformed(_) => None,
        })
    }

    /// Every object that names an account of another namespace than its own, with that other namespace.
    pub(super) fn elsewhere(&self) -> impl Iterator<Item = (&Name, &str)> {
        self.0.iter().filter_map(|(name, entry)| match entry {
            ObjectState::Judged(association, ResourceStanding::OtherNamespace) => {
                Some((name, association.account.get().namespace))
            }
            ObjectState::Judged(..) | ObjectState::Malformed(_) => None,
        })
    }

    /// Every object that could not be read.
    pub(super) fn malformed(&self) -> impl Iterator<Item = (&Name, &Malformed)> {
        self.0.iter().filter_map(|(name, entry)| match entry {
            ObjectState::Judged(..) => None,
            ObjectState::Malformed(malformed) => Some((name, malformed)),
        })
    }
}

impl ObjectState {
    fn new(
        name: &Name,
        association: Result<Association, Malformed>,
        before: Option<&Self>,
        selection: &Selection,
    ) -> Self {
        match association {
            Ok(association) => {
                let standing = judge(name, &association, before, selection);
                Self::Judged(association, standing)
            }
            Err(malformed) => Self::Malformed(malformed),
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Judged(_, standing) => standing.label(),
            Self::Malformed(_) => "malformed",
        }
    }
}

fn judge(
    name: &Name,
    association: &Association,
    before: Option<&ObjectState>,
    selection: &Selection,
) -> ResourceStanding {
    let Selection { cluster, namespaces, pending, detail: _ } = selection;
    if *namespaces == Namespaces::Own
        && name.namespace.as_deref() != Some(association.account.get().namespace)
    {
        return ResourceStanding::OtherNamespace;
    }
    if association.existence.roles().is_some() {
        return judge_given(association, cluster.as_ref());
    }
    match (cluster, association.cluster.as_deref()) {
        (Some(ours), Some(theirs)) if ours.as_str() != theirs => return ResourceStanding::OtherCluster,
        // It may be another cluster's: it must not count before that is known, not even if pending ones do.
        (Some(_), None) => return ResourceStanding::Pending,
        (Some(_), Some(_)) | (None, _) => {}
    }
    match &association.existence {
        _ if *pending == Pending::Use => ResourceStanding::Used,
        Existence::Given(_) | Existence::Settled(_) => ResourceStanding::Used,
        // AWS has had the association and has not deleted it: that would have changed the id.
        Existence::Unsettled(id) if was_used(before, id) => ResourceStanding::Used,
        Existence::Unsettled(_) | Existence::Awaited => ResourceStanding::Pending,
    }
}

/// An object that is the association itself counts here unless it names a cluster: then only on that one, and nowhere
/// while nobody has said which cluster this is. The same objects may be applied to several.
pub(super) fn judge_given(association: &Association, cluster: Option<&ClusterName>) -> ResourceStanding {
    match (cluster, association.cluster.as_deref()) {
        (_, None) => ResourceStanding::Used,
        (Some(ours), Some(theirs)) if ours.as_str() == theirs => ResourceStanding::Used,
        (_, Some(_)) => ResourceStanding::OtherCluster,
    }
}

fn was_used(before: Option<&ObjectState>, id: &str) -> bool {
    match before {
        Some(ObjectState::Judged(association, ResourceStanding::Used)) => {
            association.existence.id() == Some(id)
        }
        Some(ObjectState::Judged(..) | ObjectState::Malformed(_)) | None => false,
    }
}
