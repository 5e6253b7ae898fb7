//! An association as the input has it, and what is read of each kind of input.

use std::collections::BTreeMap;

use injection::AccountName;
use injection::name::OwnedAccountName;
use injection::text::Line;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::association::{GROUP, KIND, MEMBERS, Spec};
use crate::identities::sources::association_resources::{Association, Kind, wanted};

/// Characters of a field's name that are repeated.
const LONGEST_MEMBER: usize = 100;

/// An association of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it stands, for people.
    pub(super) place: String,
    pub(super) account: OwnedAccountName,
    pub(super) spec: Spec,
    /// The EKS cluster that it is of, if the input says.
    pub(super) cluster: Option<String>,
    /// Whether it is one of this webhook's own, which says of itself on which cluster it counts.
    pub(super) is_own: bool,
}

/// What stands in the input and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unusable {
    /// Where it stands, for people.
    pub(super) place: String,
    /// Why; goes on after the place.
    pub(super) why: String,
}

pub(super) type Reading = Result<Entry, Unusable>;

/// The members of the EKS API's association that are taken along.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfEks {
    cluster_name: Option<String>,
    namespace: Option<String>,
    service_account: Option<String>,
    association_id: Option<String>,
    role_arn: Option<String>,
    target_role_arn: Option<String>,
    disable_session_tags: Option<bool>,
    policy: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

/// An object of a manifest; `None` if it is of another kind. `namespace` is for objects without one.
pub(super) fn of_object(
    (api_version, kind): (&str, &str),
    object: &Value,
    namespace: &str,
    place: &str,
) -> Option<Reading> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("/metadata/name").unwrap_or("without a name");
    let own = text("/metadata/namespace");
    let place = format!("{kind} {}{name} ({place})", own.map(|own| format!("{own}/")).unwrap_or_default());
    if kind == KIND && api_version.split('/').next() == Some(GROUP) {
        return Some(own_kind(object, own.unwrap_or(namespace), name, place));
    }
    Kind::find(api_version, kind).map(|known| resource(known, object, place))
}

fn own_kind(object: &Value, namespace: &str, name: &str, place: String) -> Reading {
    let spec = object.get("spec").map(Spec::deserialize).transpose();
    let Ok(spec) = spec else {
        return Err(Unusable {
            place,
            why: "its spec is not of the shape that the definition has".to_owned(),
        });
    };
    let mut members = object.get("spec").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    if let Some(unknown) = members.find(|member| !MEMBERS.contains(&member.as_str())) {
        let unknown = Line::new(unknown, LONGEST_MEMBER);
        let why =
            format!("its spec has the field {unknown}, which this version does not know and would lose");
        return Err(Unusable { place, why });
    }
    let account = AccountName::new(namespace, name).into_owned();
    let spec = spec.unwrap_or_default();
    Ok(Entry { place, account, cluster: spec.cluster_name.clone(), spec, is_own: true })
}

/// An object of ACK's or Crossplane's.
fn resource(kind: &Kind, object: &Value, place: String) -> Reading {
    let Association { account, cluster, existence: _, terms: _ } = match Association::read(kind, object, "") {
        Ok(association) => association,
        Err(error) => return Err(Unusable { place, why: error.to_string() }),
    };
    let account = account.get();
    let mut members = Map::new();
    // ACK writes ARN where the others write Arn.
    for (member, names) in [
        ("roleArn", ["roleARN", "roleArn"]),
        ("targetRoleArn", ["targetRoleARN", "targetRoleArn"]),
        ("disableSessionTags", ["disableSessionTags"; 2]),
        ("policy", ["policy"; 2]),
        ("tags", ["tags"; 2]),
    ] {
        let value = names.into_iter().find_map(|name| wanted(kind, object, name));
        members.extend(value.map(|(_, value)| (member.to_owned(), value.clone())));
    }
    let references = ["roleRef", "roleArnRef", "roleArnSelector"];
    let reference = references.into_iter().find_map(|name| wanted(kind, object, name));
    if let (None, Some((path, _))) = (members.get("roleArn"), reference) {
        let why = format!("its role is a reference, {path}: write the role's ARN in its place");
        return Err(Unusable { place, why });
    }
    members.insert("namespace".to_owned(), account.namespace.into());
    members.insert("serviceAccount".to_owned(), account.name.into());
    members.insert("clusterName".to_owned(), json!(cluster));
    of_eks(&Value::Object(members), &place)
}

/// An association as the EKS API has it.
pub(super) fn of_eks(association: &Value, place: &str) -> Reading {
    let unusable = |why: &str| Unusable { place: place.to_owned(), why: why.to_owned() };
    let read = OfEks::deserialize(association);
    let read = read.map_err(|_| unusable("it is not of the shape of an association of EKS"))?;
    let OfEks { cluster_name, namespace, service_account, association_id, role_arn, target_role_arn, .. } =
        read;
    let (Some(namespace), Some(service_account)) = (namespace, service_account) else {
        return Err(unusable("it names no namespace or no ServiceAccount"));
    };
    let account = OwnedAccountName::new(namespace, service_account);
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let Some(role_arn) = filled(role_arn) else {
        let id = association_id.map(|id| format!(" {id}")).unwrap_or_default();
        let why = format!(
            "it is the association{id} of {} without its role, as a list of EKS has it: take what \
             'aws eks describe-pod-identity-association' prints, or --from-eks",
            account.get()
        );
        return Err(unusable(&why));
    };
    let OfEks { disable_session_tags, policy, tags, .. } = read;
    let mut tags = tags.unwrap_or_default();
    // Those that AWS has set itself say something about the association in AWS.
    tags.retain(|key, _| !key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")));
    let spec = Spec {
        role_arn,
        // One that is empty stays, to be refused: a template's value is not set, and pods must not get more than was meant.
        target_role_arn,
        disable_session_tags: disable_session_tags.filter(|is_set| *is_set),
        policy,
        tags,
        cluster_name: None,
    };
    Ok(Entry { place: place.to_owned(), account, spec, cluster: filled(cluster_name), is_own: false })
}

/// What the AWS CLI has printed: one association, a list, or several of them; `None` if it is something else.
pub(super) fn of_cli(document: &Value, place: &str) -> Option<Vec<Reading>> {
    let several = |all: &[Value]| {
        let read = |(number, one)| of_eks(one, &format!("{place}, association {}", number + 1));
        all.iter().enumerate().map(read).collect()
    };
    match document {
        Value::Array(all) => {
            let read: Vec<_> = all.iter().map(|one| of_cli(one, place)).collect::<Option<_>>()?;
            Some(read.into_iter().flatten().collect())
        }
        Value::Object(members) => match (members.get("association"), members.get("associations")) {
            (Some(one @ Value::Object(_)), _) => Some(vec![of_eks(one, place)]),
            (_, Some(Value::Array(all))) => Some(several(all)),
            _ if members.contains_key("serviceAccount") && !members.contains_key("kind") => {
                Some(vec![of_eks(document, place)])
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/app";

    fn spec() -> Spec {
        Spec { role_arn: ROLE.to_owned(), ..Spec::default() }
    }

    fn object(api_version: &str, object: &Value) -> Option<Reading> {
        of_object((api_version, KIND), object, "default", "x.yaml")
    }

    fn why(reading: Option<Reading>) -> String {
        reading.unwrap().unwrap_err().why
    }

    #[test]
    fn a_resource_of_ack_is_read() {
        let mut ack = json!({
            "metadata": {"name": "one", "namespace": "infra"},
            "spec": {
                "clusterName": "prod", "namespace": "shop", "serviceAccount": "orders", "roleARN": ROLE,
                "targetRoleARN": ROLE, "disableSessionTags": true, "policy": "{}", "tags": {"a": "b", "aws:x": "y"},
            },
        });
        let read = object("eks.services.k8s.aws/v1alpha1", &ack).unwrap().unwrap();
        assert_eq!(read.place, "PodIdentityAssociation infra/one (x.yaml)");
        assert_eq!(read.account.get(), AccountName::new("shop", "orders"));
        assert_eq!((read.cluster.as_deref(), read.is_own), (Some("prod"), false));
        let expected = Spec {
            target_role_arn: Some(ROLE.to_owned()),
            disable_session_tags: Some(true),
            policy: Some("{}".to_owned()),
            tags: [("a".to_owned(), "b".to_owned())].into(),
            ..spec()
        };
        assert_eq!(read.spec, expected);
        ack["spec"]["roleARN"] = Value::Null;
        ack["spec"]["roleRef"] = json!({"from": {"name": "r"}});
        assert_eq!(
            why(object("eks.services.k8s.aws/v1alpha1", &ack)),
            "its role is a reference, spec.roleRef: write the role's ARN in its place"
        );
        ack["spec"]["serviceAccount"] = json!(7);
        assert_eq!(why(object("eks.services.k8s.aws/v1alpha1", &ack)), "spec.serviceAccount is not a string");
    }

    #[test]
    fn a_resource_of_crossplane_is_read_from_wherever_its_members_stand() {
        let crossplane = json!({
            "metadata": {"name": "one"},
            "spec": {"forProvider": {"namespace": "shop", "serviceAccount": "orders", "roleArnRef": {"name": "r"}}},
            "status": {"atProvider": {"roleArn": ROLE, "associationArn":
                "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/prod/a-1"}},
        });
        for group in ["eks.aws.upbound.io", "eks.aws.m.upbound.io"] {
            let read = object(&format!("{group}/v1beta1"), &crossplane).unwrap().unwrap();
            assert_eq!((read.spec, read.cluster.as_deref()), (spec(), Some("prod")));
        }
    }

    #[test]
    fn an_object_of_this_webhook_is_read_with_its_cluster() {
        let own = json!({"metadata": {"name": "orders"}, "spec": {"roleArn": ROLE, "clusterName": "prod"}});
        let read = object("pod-identity-webhook.dev/v1alpha1", &own).unwrap().unwrap();
        assert_eq!(read.account.get(), AccountName::new("default", "orders"));
        assert_eq!((read.spec.cluster_name.as_deref(), read.is_own), (Some("prod"), true));
        let strange = json!({"metadata": {"name": "orders"}, "spec": {"roleArn": 7}});
        let said = why(object("pod-identity-webhook.dev/v1alpha1", &strange));
        assert_eq!(said, "its spec is not of the shape that the definition has");
        assert_eq!(object("example.com/v1", &own), None);
    }

    #[test]
    fn what_the_aws_cli_prints_is_read() {
        let one = json!({
            "clusterName": "prod", "namespace": "shop", "serviceAccount": "orders", "roleArn": ROLE,
            "associationId": "a-1", "tags": {}, "createdAt": "2026-01-01T00:00:00+00:00", "disableSessionTags": false,
        });
        let described = json!({"association": one});
        for document in [&described, &json!([one, described]), &json!({"associations": [one]}), &one] {
            for read in of_cli(document, "-").unwrap() {
                assert_eq!(read.unwrap().spec, spec());
            }
        }
        assert_eq!(of_cli(&json!([one, described]), "-").unwrap().len(), 2);
        for other in [json!({"kind": "Pod", "serviceAccount": "x"}), json!([1]), json!("x"), json!({"a": 1})]
        {
            assert_eq!(of_cli(&other, "-"), None);
        }
    }

    #[test]
    fn what_eks_lists_has_no_roles_and_is_told_so() {
        let listed = json!({"associations": [
            {"namespace": "shop", "serviceAccount": "orders", "associationId": "a-1"}, {"namespace": "shop"}, 7,
        ]});
        let read: Vec<_> = of_cli(&listed, "f").unwrap().into_iter().map(Result::unwrap_err).collect();
        assert_eq!(read[0].place, "f, association 1");
        assert!(
            read[0].why.starts_with("it is the association a-1 of shop/orders without its role"),
            "{}",
            read[0].why
        );
        assert_eq!(read[1].why, "it names no namespace or no ServiceAccount");
        assert_eq!(read[2].why, "it is not of the shape of an association of EKS");
    }
}
