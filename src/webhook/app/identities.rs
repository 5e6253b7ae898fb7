//! The sources of identity, put together as a list: each is made, registers what it needs to be ready,
//! and is followed by a task of its own.

#[cfg(feature = "eks-api")]
mod eks_api;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use injection::annotation::Prefix;
use kube::Client;

use crate::identities::association_set::AssociationSet;
use crate::identities::associations::Associations;
use crate::identities::offline::Manifests;
use crate::identities::sources::association_file;
use crate::identities::sources::association_resources::{self, AssociationResources, Controller, Namespaces};
use crate::identities::sources::config_map::{self, Entries};
use crate::identities::sources::service_accounts::{self, LookupPace, ServiceAccounts};
use crate::identities::sources::single_lookups::SingleLookups;
use crate::identities::{Accounts, Identities};
use crate::process::{Readiness, Tasks};
use crate::source::Source;
use crate::webhook::metrics::Metrics;
use crate::webhook::settings::{self, AccountSource, SourceSettings};

/// What every source needs.
pub(super) struct SourceContext<'a> {
    pub(super) prefix: &'a Prefix,
    /// How long a live look-up may take.
    pub(super) lookup: Duration,
    pub(super) metrics: &'a Metrics,
    pub(super) readiness: &'a Readiness,
    pub(super) tasks: &'a mut Tasks,
}

/// All sources, and the ServiceAccounts of a cluster for the debug handlers.
pub(super) struct Followed {
    pub(super) identities: Identities,
    pub(super) accounts: Option<Arc<ServiceAccounts>>,
}

/// Begins to follow every source that is configured; `client` is the cluster's, if there is one.
pub(super) fn follow(
    sources: &SourceSettings,
    client: Option<Client>,
    mut parts: SourceContext<'_>,
) -> Result<Followed> {
    // The settings are taken apart whole, so that forgetting a source does not compile.
    let SourceSettings {
        accounts,
        association_file,
        association_resources,
        config_map,
        cluster: _,
        eks_api,
        lookups,
    } = sources;
    let parts = &mut parts;
    let mut associations = Vec::new();
    let mut entries = None;
    let accounts = match (accounts, client) {
        (AccountSource::Manifests { paths, namespaces }, _) => {
            let manifests = manifests(paths, *namespaces, parts.prefix)?;
            let (named, of_config_map) = manifests.sources();
            associations.push(Associations::Followed(named));
            entries = of_config_map;
            Accounts::Manifests(Arc::new(manifests))
        }
        (AccountSource::Cluster(_), Some(client)) => {
            if let Some(resources) = association_resources {
                associations.extend(parts.follow_resources(resources, &client, *lookups));
            }
            let accounts = parts.follow_accounts(client.clone(), *lookups);
            if let Some(namespace) = config_map {
                let source = parts.source(config_map::SOURCE, Entries::len);
                let follow = config_map::follow(client, namespace.clone(), source.clone());
                parts.tasks.spawn(config_map::SOURCE, follow);
                entries = Some(source);
            }
            Accounts::Cluster(accounts)
        }
        (AccountSource::Cluster(_), None) => bail!("a cluster without a client: a bug, please report it"),
    };
    if let Some(path) = association_file {
        let source = parts.source(association_file::NAME, AssociationSet::len);
        parts.tasks.spawn(association_file::NAME, association_file::follow(path.clone(), source.clone()));
        associations.push(Associations::Followed(source));
    }
    #[cfg(feature = "eks-api")]
    if let Some(cluster) = eks_api {
        associations.push(eks_api::follow(cluster, parts));
    }
    #[cfg(not(feature = "eks-api"))]
    anyhow::ensure!(eks_api.is_none(), "built without the feature eks-api");
    let of_cluster = match &accounts {
        Accounts::Cluster(accounts) => Some(accounts.clone()),
        Accounts::Manifests(_) => None,
    };
    Ok(Followed { identities: Identities::new(accounts, associations, entries), accounts: of_cluster })
}

impl SourceContext<'_> {
    /// A source that is a condition of readiness, and counted, by its name.
    fn source<T: Send + Sync + 'static>(&self, name: &'static str, count: fn(&T) -> usize) -> Arc<Source<T>> {
        Source::new(name, count, self.readiness, &self.metrics.sources)
    }

    /// Each controller is a source, followed by a task of that name. Of this project's own kind the object's name is
    /// known, and so single accounts can be asked for.
    fn follow_resources(
        &mut self,
        resources: &settings::ResourceSettings,
        client: &Client,
        lookups: LookupPace,
    ) -> Vec<Associations> {
        let pace = service_accounts::association_pace(lookups, self.lookup);
        let settings::ResourceSettings { controllers, selection } = resources;
        let follow = |controller: &Controller| {
            let name = controller.name();
            let source = self.source(name, AssociationSet::len);
            let metrics = self.metrics.resources.clone();
            let resources =
                AssociationResources::new(*controller, selection.clone(), source.clone(), metrics);
            self.tasks.spawn(name, resources.follow(client.clone()));
            match controller {
                Controller::Own => {
                    let ask = association_resources::ask(client.clone(), selection.clone());
                    Associations::Askable(Arc::new(SingleLookups::new(source, pace, ask)))
                }
                Controller::Ack | Controller::Crossplane => Associations::Followed(source),
            }
        };
        controllers.iter().map(follow).collect()
    }

    fn follow_accounts(&mut self, client: Client, lookups: LookupPace) -> Arc<ServiceAccounts> {
        let accounts = Arc::new(ServiceAccounts::new(
            client.clone(),
            self.prefix.clone(),
            self.lookup,
            service_accounts::pace(lookups, self.lookup),
            self.readiness.latch(service_accounts::NAME, "not all read yet"),
            self.metrics.accounts.clone(),
        ));
        let followed = accounts.clone();
        self.tasks.spawn(service_accounts::NAME, async move { followed.follow(client).await });
        accounts
    }
}

fn manifests(paths: &[PathBuf], namespaces: Namespaces, prefix: &Prefix) -> Result<Manifests> {
    let manifests = Manifests::read(paths, "default", prefix, namespaces)?;
    let (accounts, associations) = (manifests.accounts(), manifests.associations());
    let entries = manifests.entries().map_or(0, |(entries, _)| entries.len());
    tracing::info!(accounts, associations, entries, "identities are read from manifests");
    if let Some((complaint, place)) = manifests.complaint() {
        tracing::warn!("ConfigMap of {place}: {complaint}");
    }
    if manifests.foreign() > 0 {
        tracing::warn!(
            resources = manifests.foreign(),
            "association resources do not count: they are in another namespace than their pods, or in none"
        );
    }
    Ok(manifests)
}
