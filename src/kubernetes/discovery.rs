//! Which version of a kind the API server serves, if any.
//!
//! Asked of discovery and not of `CustomResourceDefinitions`: every account may read discovery, the
//! answer is small where a definition holds its whole schema, and kinds that another API server adds
//! are in it too.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResourceList};
use kube::Client;
use kube::api::ApiResource;
use tokio::time::timeout;

use super::answer::{object, present};
use super::error::{ApiError, WatchError};
use super::pace::GRACE;

/// The kind with this plural, in the version `known` if that is served, else in the first that is;
/// `None` if there is none.
///
/// # Errors
/// The API server gave no usable answer: ask again later.
pub async fn served(
    client: &Client,
    group: &str,
    plural: &str,
    known: &str,
) -> Result<Option<ApiResource>, WatchError> {
    let what = || format!("{plural}.{group}").into_boxed_str();
    match timeout(GRACE, find(client, group, plural, known)).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(source)) => Err(WatchError::Discover { what: what(), source }),
        Err(_) => {
            let doing = "asking for the served versions of";
            Err(WatchError::Silent { what: what(), doing, limit: GRACE })
        }
    }
}

async fn find(
    client: &Client,
    group: &str,
    plural: &str,
    known: &str,
) -> Result<Option<ApiResource>, ApiError> {
    let answer = object::<APIGroup>(client, &format!("/apis/{group}"), "APIGroup").await;
    let Some(APIGroup { name, versions, .. }) = present(answer)? else { return Ok(None) };
    if name != group {
        return Err(ApiError::other(group, "group", &name));
    }
    let mut versions: Vec<_> = versions.into_iter().map(|version| version.version).collect();
    versions.sort_by_key(|version| version != known);
    for version in versions {
        let api_version = format!("{group}/{version}");
        let path = format!("/apis/{api_version}");
        let answer = object::<APIResourceList>(client, &path, "APIResourceList").await;
        let Some(list) = present(answer)? else { continue };
        if list.group_version != api_version {
            return Err(ApiError::other(&api_version, "version", &list.group_version));
        }
        if let Some(found) = list.resources.into_iter().find(|resource| resource.name == plural) {
            let (group, kind, plural) = (group.to_owned(), found.kind, found.name);
            return Ok(Some(ApiResource { group, version, api_version, kind, plural }));
        }
    }
    Ok(None)
}
