//! Finds out what the flags leave open, once, at start, before anything is answered.
//!
//! Called by [`super::app`]. Never guesses: what cannot be found out ends the start, and Kubernetes
//! starts the process anew. A pod that was given something wrong would keep it for its life.

mod ip_family;

use std::ffi::OsStr;

use http::Uri;
use injection::Defaults;
use injection::agent::{Agent, IpFamily};
use injection::role::{Partition, RoleNames};

use crate::aws::InstanceMetadata;
use crate::cli::injection::{Discoverable, MissingIpFamily, MissingRoleNames, PendingDefaults};
use crate::kubernetes::{ClientError, Cluster};

/// The AWS SDKs' variable for where EC2's instance metadata answers, if not at its usual address.
pub const METADATA_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// Why something could not be found out, which ends the start.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The variable's value is not a URL.
    #[error("invalid value '{}' of {METADATA_ENDPOINT}: expected a URL such as http://169.254.169.254", .0.escape_debug())]
    MetadataEndpoint(String),
    /// The account and partition of roles that are given by name could not be found out.
    #[error(
        "failed to ask EC2's instance metadata for what --compose-role-arn needs: {0}; on EC2, allow pods two hops \
         (HttpPutResponseHopLimit 2 in the instance's metadata options), elsewhere give --aws-account-id and \
         --aws-partition"
    )]
    InstanceMetadata(String),
    /// A client of the cluster whose IP family is asked for could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The IP family of the pods could not be found out.
    #[error(
        "failed to read Service default/kubernetes for --ip-family=auto: {0}; allow `get` on it, or give \
         --ip-family=ipv4 or ipv6"
    )]
    IpFamily(String),
}

/// What is injected, with nothing left open. `cluster` is asked if there is one; `metadata_endpoint` is the
/// value of [`METADATA_ENDPOINT`].
pub async fn complete(
    defaults: PendingDefaults,
    cluster: Option<&Cluster>,
    metadata_endpoint: Option<&OsStr>,
) -> Result<Defaults, DiscoveryError> {
    let PendingDefaults { flags, role_names, agent } = defaults;
    let agent = match agent {
        Discoverable::Known(agent) => agent,
        Discoverable::Missing(MissingIpFamily { full_uri }) => {
            let cluster =
                cluster.ok_or_else(|| DiscoveryError::IpFamily("manifests have none".to_owned()))?;
            let family =
                ip_family::of_cluster(&cluster.client().await?).await.map_err(DiscoveryError::IpFamily)?;
            tracing::info!(family = family.as_str(), "the IP family of the Service kubernetes is the pods'");
            Agent::new(family, full_uri)
        }
    };
    let role_names = match role_names {
        Discoverable::Known(role_names) => role_names,
        Discoverable::Missing(missing) => {
            let endpoints = metadata_endpoints(metadata_endpoint, agent.family())?;
            let names = find_role_names(missing, endpoints).await?;
            tracing::info!(role_names = %names, "roles that are given by name are those of the instance's account");
            Some(names)
        }
    };
    Ok(flags.with(role_names, agent))
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
        // The IPv6 endpoint is off unless an instance's options turn it on, and the IPv4 one may be reachable
        // all the same.
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
