//! A client of the EKS API, as the environment sets it up.

use aws_sdk_eks::Client;
use aws_sdk_eks::config::Region;

use super::error::ListError;
use crate::aws::sdk;

/// A client that is set up from the environment.
pub(super) async fn client() -> Result<Client, ListError> {
    client_of(None, None).await
}

/// The same with this region and this profile, if they are given.
pub(super) async fn client_of(region: Option<&str>, profile: Option<&str>) -> Result<Client, ListError> {
    let mut loader = sdk::environment().map_err(|error| ListError::Unreachable(error.to_string()))?;
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    let config = loader.load().await;
    config.region().ok_or(ListError::NoRegion)?;
    Ok(Client::new(&config))
}
