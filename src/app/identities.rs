//! The sources of identity, put together as a list: each is made, registers what it needs to be ready,
//! and is followed by a task of its own.

#[cfg(feature = "eks-api")]
mod eks_api;

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::routing::get;

use crate::identities::association_set::AssociationSet;
use crate::identities::associations::Associations;
use crate::identities::offline::Manifests;
use crate::identities::sources::association_file;
use crate::identities::sources::association_resources::{AssociationResources, Controller, Namespaces};
use crate::identities::sources::config_map::{self, Entries};
use crate::identities::sources::service_accounts::{self, LookupPace, ServiceAccounts};
use crate::identities::{Accounts, Identities};
use crate::kubernetes;
use crate::lifecycle::{Readiness, Tasks};
use crate::metrics::Metrics;
use crate::settings::{self, AccountSource, Settings, Sources};
use crate::source::Source;

/// Begins to follow every source that is configured; and what the debug handlers show of them.
pub(super) async fn follow(
    settings: &Settings,
    metrics: &Arc<Metrics>,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> Result<(Identities, Router)> {
    // Taken apart whole: a source that is forgotten here does not compile.
    let Sources { accounts, association_file, association_resources, config_map, eks_api, lookups } =
        &settings.sources;
    let mut associations = Vec::new();
    let mut roles = None;
    let mut debug = Router::new();
    let accounts = match accounts {
        AccountSource::Manifests { paths, namespaces } => {
            let manifests = Arc::new(manifests(paths, *namespaces, settings)?);
            let (named, entries) = manifests.sources();
            associations.push(Associations::Followed(named));
            roles = entries;
            Accounts::Manifests(manifests)
        }
        AccountSource::Cluster { kubeconfig, server } => {
            let client = kubernetes::client(kubeconfig.as_deref(), server.as_ref()).await?;
            if let Some(resources) = association_resources {
                let followed = follow_resources(resources, &client, metrics, readiness, tasks);
                associations.extend(followed.into_iter().map(Associations::Followed));
            }
            let accounts = service_accounts(client.clone(), *lookups, settings, metrics, readiness, tasks);
            if settings.debug_handlers {
                debug = handlers(accounts.clone());
            }
            if let Some(namespace) = config_map {
                let source = Source::new(config_map::SOURCE, Entries::len, readiness, metrics);
                let follow = config_map::follow(client, namespace.clone(), source.clone());
                tasks.spawn(config_map::SOURCE, follow);
                roles = Some(source);
            }
            Accounts::Cluster(accounts)
        }
    };
    if let Some(path) = association_file {
        let source = Source::new(association_file::NAME, AssociationSet::len, readiness, metrics);
        tasks.spawn(association_file::NAME, association_file::follow(path.clone(), source.clone()));
        associations.push(Associations::Followed(source));
    }
    #[cfg(feature = "eks-api")]
    if let Some(cluster) = eks_api {
        associations.push(eks_api::follow(cluster, &settings.limits, metrics, readiness, tasks));
    }
    #[cfg(not(feature = "eks-api"))]
    anyhow::ensure!(eks_api.is_none(), "built without the feature eks-api");
    Ok((Identities::new(accounts, associations, roles), debug))
}

fn manifests(paths: &[std::path::PathBuf], namespaces: Namespaces, settings: &Settings) -> Result<Manifests> {
    let prefix = &settings.defaults.annotation_prefix;
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

/// Each controller is a source, followed by a task of that name.
fn follow_resources(
    resources: &settings::AssociationResources,
    client: &kube::Client,
    metrics: &Metrics,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> Vec<Arc<Source<AssociationSet>>> {
    let settings::AssociationResources { controllers, selection } = resources;
    let follow = |controller: &Controller| {
        let name = controller.name();
        let source = Source::new(name, AssociationSet::len, readiness, metrics);
        let metrics = metrics.resources(name);
        let resources = AssociationResources::new(*controller, selection.clone(), source.clone(), metrics);
        tasks.spawn(name, resources.follow(client.clone()));
        source
    };
    controllers.iter().map(follow).collect()
}

fn service_accounts(
    client: kube::Client,
    lookups: LookupPace,
    settings: &Settings,
    metrics: &Arc<Metrics>,
    readiness: &Readiness,
    tasks: &mut Tasks,
) -> Arc<ServiceAccounts> {
    let accounts = Arc::new(ServiceAccounts::new(
        client.clone(),
        settings.defaults.annotation_prefix.clone(),
        settings.limits.lookup,
        service_accounts::pace(lookups, settings.limits.lookup),
        readiness.latch(service_accounts::NAME, "not all read yet"),
        metrics.clone(),
    ));
    let followed = accounts.clone();
    tasks.spawn(service_accounts::NAME, async move { followed.follow(client).await });
    accounts
}

/// The Go webhook's debug handlers of the metrics port.
fn handlers(accounts: Arc<ServiceAccounts>) -> Router {
    let cleared = accounts.clone();
    Router::new().route("/debug/alpha/cache", get(async move || accounts.dump().to_string())).route(
        "/debug/alpha/cache/clear",
        get(async move || {
            cleared.clear();
            "cleared; accounts are looked up live until all are read again\n"
        }),
    )
}
