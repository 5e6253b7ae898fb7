//! Finds out what the flags leave open, once, at start, before anything is answered.
//!
//! Called by [`crate::app`]. Never guesses: what cannot be found out ends the start, and Kubernetes
//! starts the process anew. A pod that was given something wrong would keep it for its life.

mod instance_metadata;

use std::ffi::OsStr;

use http::Uri;

use crate::injection::role::{Partition, RoleNames};
use crate::settings::{Discovery, MissingRoleNames, Settings};
use instance_metadata::InstanceMetadata;

/// Where EC2's instance metadata answers, if not at its own address: as the SDKs have it.
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
}

/// The settings with nothing left open. `metadata_endpoint` is the value of [`METADATA_ENDPOINT`].
pub async fn complete(
    mut settings: Settings,
    metadata_endpoint: Option<&OsStr>,
) -> Result<Settings, DiscoveryError> {
    // Taken apart whole: what is forgotten here does not compile.
    let Discovery { role_names } = std::mem::take(&mut settings.discovery);
    if let Some(missing) = role_names {
        let names = find_role_names(missing, metadata_endpoint).await?;
        tracing::info!(role_names = %names, "roles that are given by name are those of the instance's account");
        settings.defaults.role_names = Some(names);
    }
    Ok(settings)
}

async fn find_role_names(
    missing: MissingRoleNames,
    endpoint: Option<&OsStr>,
) -> Result<RoleNames, DiscoveryError> {
    let endpoints = match endpoint.filter(|text| !text.is_empty()) {
        Some(text) => vec![parse_endpoint(text)?],
        None => vec![Uri::from_static("http://169.254.169.254")],
    };
    let identity =
        InstanceMetadata::new(endpoints).identity().await.map_err(DiscoveryError::InstanceMetadata)?;
    let MissingRoleNames { account, partition } = missing;
    Ok(RoleNames {
        partition: partition.unwrap_or_else(|| Partition::of_region(&identity.region)),
        account: account.unwrap_or(identity.account),
    })
}

fn parse_endpoint(text: &OsStr) -> Result<Uri, DiscoveryError> {
    let uri = text.to_str().and_then(|text| text.parse::<Uri>().ok());
    uri.filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some() && uri.path() == "/")
        .ok_or_else(|| DiscoveryError::MetadataEndpoint(text.to_string_lossy().into_owned()))
}
