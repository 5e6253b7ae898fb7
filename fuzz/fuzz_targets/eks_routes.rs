//! Any method, path and query: a call that reads the same once it is written, or an error, short and one line.
#![no_main]

use http::Method;
use libfuzzer_sys::fuzz_target;
use pod_identity_webhook::eks_endpoint::page::{Cursor, PageRequest};
use pod_identity_webhook::eks_endpoint::route::{Call, Filter};

fuzz_target!(|text: &str| {
    let (method, uri) = text.split_once(' ').unwrap_or(("GET", text));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
    match Call::read(&method, path, query) {
        Ok(call) => {
            let (method, path, query) = written(&call);
            // With every character escaped it may be beyond the limit.
            if path.len() + query.len() < 8000 {
                assert_eq!(Call::read(&method, &path, Some(&query)), Ok(call));
            }
        }
        Err(error) => {
            assert!(error.name.status().is_client_error(), "{error}");
            let is_line = !error.message.contains(char::is_control);
            assert!(is_line && error.message.chars().count() < 500, "{error:?}");
        }
    }
});

/// The call as another client may write it.
fn written(call: &Call) -> (Method, String, String) {
    let associations =
        |cluster: &dyn std::fmt::Display| format!("/clusters/{cluster}/pod-identity-associations");
    let tags = |arn: &dyn std::fmt::Display| format!("/tags/{}", escaped(&arn.to_string()));
    let (method, path, query) = match call {
        Call::CreatePodIdentityAssociation { cluster } => (Method::POST, associations(cluster), Vec::new()),
        Call::ListPodIdentityAssociations { cluster, filter, page } => {
            let Filter { namespace, service_account } = filter;
            let PageRequest { max_results, after } = page;
            assert!((1..=100).contains(max_results));
            let pairs = [
                ("namespace", namespace.clone()),
                ("serviceAccount", service_account.clone()),
                ("nextToken", after.as_ref().map(Cursor::encode)),
                ("maxResults", Some(max_results.to_string())),
            ];
            let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
            (Method::GET, associations(cluster), pairs.collect())
        }
        Call::DescribePodIdentityAssociation { cluster, id } => {
            (Method::GET, format!("{}/{id}", associations(cluster)), Vec::new())
        }
        Call::UpdatePodIdentityAssociation { cluster, id } => {
            (Method::POST, format!("{}/{id}", associations(cluster)), Vec::new())
        }
        Call::DeletePodIdentityAssociation { cluster, id } => {
            (Method::DELETE, format!("{}/{id}", associations(cluster)), Vec::new())
        }
        Call::TagResource { arn } => (Method::POST, tags(arn), Vec::new()),
        Call::UntagResource { arn, keys } => {
            assert!(!keys.is_empty());
            (Method::DELETE, tags(arn), keys.iter().map(|key| ("tagKeys", key.clone())).collect())
        }
        Call::ListTagsForResource { arn } => (Method::GET, tags(arn), Vec::new()),
        Call::DescribeCluster { cluster } => (Method::GET, format!("/clusters/{cluster}"), Vec::new()),
        Call::ListClusters => (Method::GET, "/clusters/".to_owned(), Vec::new()),
    };
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    (method, path, query.join("&"))
}

/// Every byte as an escape.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
