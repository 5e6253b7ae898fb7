use super::*;
use crate::eks_endpoint::page::Cursor;

const ID: &str = "a-abcdefghij1234567";
const ARN: &str = "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/a-abcdefghij1234567";

fn read(method: &str, path: &str, query: Option<&str>) -> Result<Call, ServiceError> {
    Call::read(&Method::from_bytes(method.as_bytes()).unwrap(), path, query)
}

fn cluster() -> ClusterName {
    ClusterName::new("prod").unwrap()
}

fn id() -> AssociationId {
    AssociationId::new(ID).unwrap()
}

fn arn() -> AssociationArn {
    AssociationArn::read(ARN).unwrap()
}

fn first_page() -> PageRequest {
    PageRequest { max_results: 100, after: None }
}

#[test]
fn calls_are_told_by_method_and_path_with_or_without_a_slash_at_the_end() {
    let associations = "/clusters/prod/pod-identity-associations";
    let association = format!("{associations}/{ID}");
    let (filter, page) = (Filter::default(), first_page());
    let tags = format!("/tags/{}", ARN.replace(':', "%3A").replace('/', "%2F"));
    for (method, path, call, name) in [
        ("GET", "/clusters", Call::ListClusters, "ListClusters"),
        ("GET", "/clusters/prod", Call::DescribeCluster { cluster: cluster() }, "DescribeCluster"),
        (
            "POST",
            associations,
            Call::CreatePodIdentityAssociation { cluster: cluster() },
            "CreatePodIdentityAssociation",
        ),
        (
            "GET",
            associations,
            Call::ListPodIdentityAssociations { cluster: cluster(), filter, page },
            "ListPodIdentityAssociations",
        ),
        (
            "GET",
            &association,
            Call::DescribePodIdentityAssociation { cluster: cluster(), id: id() },
            "DescribePodIdentityAssociation",
        ),
        (
            "POST",
            &association,
            Call::UpdatePodIdentityAssociation { cluster: cluster(), id: id() },
            "UpdatePodIdentityAssociation",
        ),
        (
            "DELETE",
            &association,
            Call::DeletePodIdentityAssociation { cluster: cluster(), id: id() },
            "DeletePodIdentityAssociation",
        ),
        ("POST", &tags, Call::TagResource { arn: arn() }, "TagResource"),
        ("GET", &tags, Call::ListTagsForResource { arn: arn() }, "ListTagsForResource"),
    ] {
        assert_eq!(call.name(), name);
        assert_eq!(read(method, path, None), Ok(call.clone()));
        assert_eq!(read(method, &format!("{path}/"), None), Ok(call));
    }
}

#[test]
fn arn_is_read_whether_its_characters_are_encoded_or_not() {
    for text in [ARN.replace(':', "%3A").replace('/', "%2F"), ARN.replace('/', "%2f"), ARN.to_owned()] {
        let query = Some("tagKeys=a&tagKeys=b%2Fc&other=d&tagKeys=x+y");
        let keys = ["a", "b/c", "x+y"].map(str::to_owned).to_vec();
        let call = read("DELETE", &format!("/tags/{text}"), query);
        assert_eq!(call, Ok(Call::UntagResource { arn: arn(), keys }));
        assert_eq!(call.unwrap().name(), "UntagResource");
    }
}

#[test]
fn tags_calls_have_errors_of_their_own() {
    let call = |arn: &str, query| read("DELETE", &format!("/tags/{arn}"), query).unwrap_err();
    let error = call(ARN, None);
    assert_eq!((error.name, &*error.message), (ErrorName::BadRequest, "The parameter tagKeys is required."));
    assert_eq!(call(ARN, Some("tagKeys=%ff")).name, ErrorName::BadRequest);
    assert_eq!(call("arn:aws:eks:eu-west-1:123456789012:cluster/prod", None).name, ErrorName::NotFound);
    assert_eq!(call("prod", None).name, ErrorName::BadRequest);
}

#[test]
fn list_reads_its_filter_and_its_page() {
    let list = |query| read("GET", "/clusters/prod/pod-identity-associations", Some(query));
    let cursor = Cursor { namespace: "shop".to_owned(), service_account: "orders".to_owned() };
    let query =
        format!("nextToken={}&maxResults=7&serviceAccount=a%2Eb&namespace=shop&other=1", cursor.encode());
    let filter = Filter { namespace: Some("shop".to_owned()), service_account: Some("a.b".to_owned()) };
    let page = PageRequest { max_results: 7, after: Some(cursor) };
    assert_eq!(list(&query), Ok(Call::ListPodIdentityAssociations { cluster: cluster(), filter, page }));
    let empty = list("namespace=&serviceAccount=&nextToken=&maxResults=");
    let (filter, page) = (Filter::default(), first_page());
    assert_eq!(empty, Ok(Call::ListPodIdentityAssociations { cluster: cluster(), filter, page }));
    for (query, message) in [
        ("maxResults=0", "from 1 to 100"),
        ("maxResults=101", "from 1 to 100"),
        ("nextToken=x", "nextToken"),
        ("namespace=a&namespace=b", "namespace is given more than once"),
        ("namespace=%ff", "UTF-8"),
    ] {
        let error = list(query).unwrap_err();
        assert_eq!(error.name, ErrorName::InvalidParameter);
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn list_of_clusters_is_one_page() {
    assert_eq!(read("GET", "/clusters", Some("maxResults=1&nextToken=")), Ok(Call::ListClusters));
    for query in ["maxResults=0", "nextToken=x"] {
        assert_eq!(read("GET", "/clusters", Some(query)).unwrap_err().name, ErrorName::InvalidParameter);
    }
}

#[test]
fn filter_admits_the_names_that_it_has() {
    let filter = |namespace: Option<&str>, account: Option<&str>| Filter {
        namespace: namespace.map(str::to_owned),
        service_account: account.map(str::to_owned),
    };
    assert!(filter(None, None).admits("shop", "orders"));
    assert!(filter(Some("shop"), Some("orders")).admits("shop", "orders"));
    assert!(!filter(Some("shop"), None).admits("shops", "orders"));
    assert!(!filter(None, Some("orders")).admits("shop", "order"));
}

#[test]
fn names_that_cannot_be_are_not_found() {
    for (path, message) in [
        ("/clusters/pr.od", "No cluster found for name: pr.od."),
        ("/clusters/a%2Fb", "No cluster found for name: a/b."),
        ("/clusters/%2e%2e/pod-identity-associations", "No cluster found for name: ..."),
        ("/clusters//pod-identity-associations", "No cluster found for name: ."),
        ("/clusters/prod/pod-identity-associations/a-1", "No pod identity association found for id: a-1."),
        ("/clusters/prod/pod-identity-associations/..", "No pod identity association found for id: ..."),
    ] {
        let error = read("GET", path, None).unwrap_err();
        assert_eq!((error.name, &*error.message), (ErrorName::ResourceNotFound, message));
    }
}

#[test]
fn known_path_with_another_method_is_told_which_it_takes() {
    for (method, path, message) in [
        ("POST", "/clusters", "There is no POST of '/clusters': it takes GET."),
        ("DELETE", "/clusters/prod", "There is no DELETE of '/clusters/prod': it takes GET."),
        ("PUT", "/clusters/prod/pod-identity-associations", "it takes GET and POST."),
        ("PATCH", "/clusters/prod/pod-identity-associations/x", "it takes GET, POST and DELETE."),
        ("HEAD", "/tags/x", "it takes GET, POST and DELETE."),
        ("get", "/clusters", "There is no get of '/clusters': it takes GET."),
    ] {
        let error = read(method, path, None).unwrap_err();
        assert_eq!(error.name, ErrorName::UnknownOperation);
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn other_paths_are_told_what_there_is() {
    for path in [
        "",
        "*",
        "/",
        "//",
        "clusters",
        "//clusters",
        "/clusters//",
        "/Clusters",
        "/tags",
        "/tags/",
        "/clusters/prod/addons",
        "/clusters/prod/pod-identity-associations/x/y",
        "/clusters/%ff",
        "/cluster-versions",
        "/clusters/prod%2Fpod-identity-associations/x/y",
    ] {
        let error = read("GET", path, None).unwrap_err();
        let is_cluster = path == "/clusters//";
        let name = if is_cluster { ErrorName::ResourceNotFound } else { ErrorName::UnknownOperation };
        assert_eq!(error.name, name, "{path}");
        assert!(is_cluster || error.message.contains("CreatePodIdentityAssociation"), "{error}");
    }
}

#[test]
fn largest_uri_is_read_and_a_larger_one_refused() {
    let keys = "tagKeys=k&".repeat(URI_LIMIT / 10);
    let path = format!("/tags/{ARN}");
    let query = &keys[..URI_LIMIT - path.len()];
    assert!(read("DELETE", &path, Some(query)).is_ok());
    let query = &keys[..=URI_LIMIT - path.len()];
    assert_eq!(read("DELETE", &path, Some(query)).unwrap_err().name, ErrorName::InvalidRequest);
    let error = read("GET", &"/".repeat(URI_LIMIT + 1), None).unwrap_err();
    assert_eq!(error.name, ErrorName::InvalidRequest);
}
