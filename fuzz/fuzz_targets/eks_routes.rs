//! Any method, path and query: a call that reads the same once it is written, or an error, short and one line. Any
//! names, written as clients write them: the call has these and no others.
#![no_main]

use http::Method;
use libfuzzer_sys::fuzz_target;
use pod_identity_webhook::association::AssociationArn;
use pod_identity_webhook::aws::ClusterName;
use pod_identity_webhook::eks_endpoint::error::ErrorName;
use pod_identity_webhook::eks_endpoint::page::{Cursor, PageRequest};
use pod_identity_webhook::eks_endpoint::route::{Call, Filter, URI_LIMIT};

const ARN: &str = "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/a-abcdefghij1234567";

fuzz_target!(|text: &str| {
    if text.len() < 2000 {
        assert_names_are_kept(text);
    }
    let (method, uri) = text.split_once(' ').unwrap_or(("GET", text));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
    match Call::read(&method, path, query) {
        Ok(call) => {
            let (method, path, query) = written(&call);
            // With every character escaped it may be beyond the limit.
            if path.len() + query.len() <= URI_LIMIT {
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

/// Whatever stands in a name, it is one name.
fn assert_names_are_kept(text: &str) {
    let read = |method, path: &str, query: &str| Call::read(&method, path, Some(query));
    let call = read(Method::GET, &format!("/clusters/{}", escaped(text)), "");
    match ClusterName::new(text) {
        Some(cluster) => assert_eq!(call, Ok(Call::DescribeCluster { cluster })),
        None if text.is_empty() => assert_eq!(call, Ok(Call::ListClusters)),
        None => assert_eq!(call.unwrap_err().name, ErrorName::ResourceNotFound),
    }
    let keys: Vec<_> = text.split('\n').map(str::to_owned).collect();
    let query: Vec<_> = keys.iter().map(|key| format!("tagKeys={}", escaped(key))).collect();
    let (path, query) = (format!("/tags/{}", escaped(ARN)), query.join("&"));
    if path.len() + query.len() <= URI_LIMIT {
        let call = read(Method::DELETE, &path, &query);
        assert_eq!(call, Ok(Call::UntagResource { arn: AssociationArn::read(ARN).unwrap(), keys }));
    }
}

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
