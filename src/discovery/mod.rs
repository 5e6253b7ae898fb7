//! Finds out what the flags leave open, once, at start, before anything is answered.
//!
//! Called by [`crate::app`]. Never guesses: what cannot be found out ends the start, and Kubernetes
//! starts the process anew. A pod that was given something wrong would keep it for its life.

mod instance_metadata;
mod ip_family;

use std::ffi::OsStr;

use http::Uri;
use injection::agent::{Agent, IpFamily};
use injection::role::{Partition, RoleNames};

use crate::kubernetes::{self, ClientError};
use crate::settings::{AccountSource, Discovery, MissingIpFamily, MissingRoleNames, Settings};
use instance_metadata::InstanceMetadata;

/// The variable that says where EC2's instance metadata answers, if not at its own address: the SDKs'.
pub const METADATA_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// Why something could not be found out: the start ends.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The variable that says where to ask.
    #[error("invalid value '{}' of {METADATA_ENDPOINT}: expected a URL such as http://169.254.169.254", .0.escape_debug())]
    MetadataEndpoint(String),
    /// Account and partition of roles that are given by name.
    #[error(
        "failed to ask EC2's instance metadata for what --compose-role-arn needs: {0}; on EC2, allow pods two hops \
         (HttpPutResponseHopLimit 2 in the instance's metadata options), elsewhere give --aws-account-id and \
         --aws-partition"
    )]
    InstanceMetadata(String),
    /// The client of the cluster whose family is asked for.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The IP family of the pods.
    #[error(
        "failed to read Service default/kubernetes for --ip-family=auto: {0}; allow `get` on it, or give \
         --ip-family=ipv4 or ipv6"
    )]
    IpFamily(String),
}

/// The settings with nothing left open. `metadata_endpoint` is the value of [`METADATA_ENDPOINT`].
pub async fn complete(
    mut settings: Settings,
    metadata_endpoint: Option<&OsStr>,
) -> Result<Settings, DiscoveryError> {
    // Taken apart whole: what is forgotten here does not compile.
    let Discovery { role_names, ip_family } = std::mem::take(&mut settings.discovery);
    if let Some(MissingIpFamily { full_uri }) = ip_family {
        let family = find_ip_family(&settings.sources.accounts).await?;
        tracing::info!(family = family.as_str(), "the IP family of the Service kubernetes is the pods'");
        settings.defaults.agent = Agent::new(family, full_uri);
    }
    if let Some(missing) = role_names {
        let endpoints = metadata_endpoints(metadata_endpoint, settings.defaults.agent.family())?;
        let names = find_role_names(missing, endpoints).await?;
        tracing::info!(role_names = %names, "roles that are given by name are those of the instance's account");
        settings.defaults.role_names = Some(names);
    }
    Ok(settings)
}

async fn find_ip_family(accounts: &AccountSource) -> Result<IpFamily, DiscoveryError> {
    let family = match accounts {
        // A client of its own: one request, before there is anything that it could share with.
        AccountSource::Cluster { kubeconfig, server } => {
            let client = kubernetes::client(kubeconfig.as_deref(), server.as_ref()).await?;
            ip_family::of_cluster(&client).await
        }
        AccountSource::Manifests { .. } => Err("manifests have none".to_owned()),
    };
    family.map_err(DiscoveryError::IpFamily)
}

async fn find_role_names(
    missing: MissingRoleNames,
    endpoints: Vec<Uri>,
) -> Result<RoleNames, DiscoveryError> {
    let metadata = InstanceMetadata::new(endpoints);
    let identity = metadata.identity().await.map_err(DiscoveryError::InstanceMetadata)?;
    let MissingRoleNames { account, partition } = missing;
    Ok(RoleNames {
        partition: partition.unwrap_or_else(|| Partition::of_region(&identity.region)),
        account: account.unwrap_or(identity.account),
    })
}

/// Where instance metadata may be asked for.
fn metadata_endpoints(given: Option<&OsStr>, family: IpFamily) -> Result<Vec<Uri>, DiscoveryError> {
    const IPV4: &str = "http://169.254.169.254";
    const IPV6: &str = "http://[fd00:ec2::254]";
    let given = given.filter(|text| !text.is_empty()).map(parse_endpoint).transpose()?;
    Ok(match (given, family) {
        (Some(endpoint), _) => vec![endpoint],
        (None, IpFamily::Ipv4) => vec![Uri::from_static(IPV4)],
        // That of IPv6 is off unless an instance's options turn it on, and that of IPv4 may be within
        // reach all the same.
        (None, IpFamily::Ipv6) => vec![Uri::from_static(IPV6), Uri::from_static(IPV4)],
    })
}

fn parse_endpoint(text: &OsStr) -> Result<Uri, DiscoveryError> {
    let uri = text.to_str().and_then(|text| text.parse::<Uri>().ok());
    uri.filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some() && uri.path() == "/")
        .ok_or_else(|| DiscoveryError::MetadataEndpoint(text.to_string_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_metadata_is_asked_for_at_its_own_addresses_or_at_the_one_that_is_given() {
        let endpoints = |given: Option<&str>, family| {
            let endpoints = metadata_endpoints(given.map(OsStr::new), family).unwrap();
            endpoints.iter().map(Uri::to_string).collect::<Vec<_>>()
        };
        for given in [None, Some("")] {
            assert_eq!(endpoints(given, IpFamily::Ipv4), ["http://169.254.169.254/"]);
            assert_eq!(
                endpoints(given, IpFamily::Ipv6),
                ["http://[fd00:ec2::254]/", "http://169.254.169.254/"]
            );
        }
        assert_eq!(endpoints(Some("http://[::1]:1338/"), IpFamily::Ipv6), ["http://[::1]:1338/"]);
    }
}
