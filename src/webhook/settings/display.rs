//! The settings in one line, for the log at start; nothing in it is secret.

use std::fmt;

use injection::Defaults;

use super::{AccountSource, Settings, SourceSettings};
use crate::identities::sources::association_resources::Namespaces;
use crate::server;

/// The settings, with what was found out.
#[derive(Debug)]
pub struct Shown<'a>(pub &'a Settings, pub &'a Defaults);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(settings, defaults) = self;
        // The settings are taken apart whole, so that forgetting one does not compile.
        let Settings {
            defaults: _,
            role_policy,
            sources,
            certificate,
            tls,
            client_authorities,
            server: server::Settings { address: _, metrics_address: _, limits, shutdown_delay },
            admission,
            debug_handlers,
            log: _,
            notices: _,
        } = settings;
        let Defaults {
            annotation_prefix,
            region,
            regional_sts,
            lifetime,
            lifetime_is_explicit: _,
            role_names,
            role_arn_validation,
            web_identity,
            container_credentials,
            agent,
            no_agent_fallback,
        } = defaults;
        write!(f, "{sources} {certificate} {tls} annotation-prefix={}", annotation_prefix.as_str())?;
        write!(
            f,
            " aws-default-region={} sts-regional-endpoint={regional_sts}",
            region.as_deref().unwrap_or("")
        )?;
        write!(f, " token-expiration={lifetime}s irsa={web_identity} pod-identity={container_credentials}")?;
        write!(
            f,
            " container-credentials-full-uri={} ip-family={} no-agent-fallback={no_agent_fallback}",
            agent.full_uri(),
            agent.family().as_str()
        )?;
        match role_names {
            Some(names) => write!(f, " compose-role-arn={names}")?,
            None => f.write_str(" compose-role-arn=false")?,
        }
        write!(f, " role-arn-validation={}", role_arn_validation.as_str())?;
        client_authorities.iter().try_for_each(|path| write!(f, " client-ca-file={}", path.display()))?;
        role_policy.iter().try_for_each(|policy| write!(f, " {policy}"))?;
        write!(f, " shutdown-delay={shutdown_delay:?}")?;
        write!(
            f,
            " max-connections={} max-connections-per-peer={} max-request-memory={}MiB",
            limits.connections,
            limits.connections_per_peer,
            admission.memory >> 20
        )?;
        write!(f, " enable-debugging-handlers={debug_handlers}")
    }
}

impl fmt::Display for SourceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The cluster is shown with the sources that go by it.
        let Self {
            accounts,
            association_file,
            association_resources,
            config_map,
            cluster: _,
            eks_api,
            lookups,
        } = self;
        write!(f, "{accounts}")?;
        let file = association_file.iter();
        file.map(|path| path.display())
            .try_for_each(|path| write!(f, " watch-container-credentials-config={path}"))?;
        association_resources.iter().try_for_each(|resources| write!(f, " {resources}"))?;
        eks_api.iter().try_for_each(|cluster| write!(f, " watch-eks-api={cluster}"))?;
        config_map.iter().try_for_each(|namespace| write!(f, " watch-config-map={namespace}"))?;
        if let AccountSource::Cluster(_) = accounts {
            write!(f, " lookup-rate={}/s lookup-burst={}", lookups.rate, lookups.burst)?;
        }
        Ok(())
    }
}

impl fmt::Display for AccountSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(settings) => write!(f, "{settings}"),
            Self::Manifests { paths, namespaces } => {
                let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                write!(f, "manifests={}", paths.join(","))?;
                match namespaces {
                    Namespaces::Own => Ok(()),
                    Namespaces::Any => f.write_str(" association-resources-own-namespace-only=false"),
                }
            }
        }
    }
}
