use super::*;

fn told(prefix: &str, bearer: Bearer, form: Form, key: &str) -> Option<String> {
    let prefix = Prefix::new(prefix).unwrap();
    let mut strays = Strays::default();
    strays.key(&prefix, bearer, form, key);
    strays.iter().next().map(ToString::to_string)
}

#[test]
fn what_counts_and_what_belongs_to_others_is_not_told() {
    use Bearer::{Pod, ServiceAccount};
    use Form::{Annotation, Label};
    for (bearer, form, name) in [
        (ServiceAccount, Annotation, "role-arn"),
        (ServiceAccount, Annotation, "token-expiration"),
        (Pod, Annotation, "token-expiration"),
        (Pod, Annotation, "skip-containers"),
        (Pod, Label, "require-identity"),
        (Bearer::Namespace, Label, "require-identity"),
        (Pod, Label, "skip-pod-identity-webhook"),
        (ServiceAccount, Annotation, "ecr-role-arn"),
        (ServiceAccount, Annotation, "iam-role-arn"),
        (Pod, Label, "fargate-profile"),
        (Pod, Label, "compute-type"),
        (Pod, Label, "nodegroup"),
        (Pod, Label, "nodegroup-image"),
        (Pod, Label, "capacityType"),
        (Pod, Label, "sourceLaunchTemplateId"),
        (Pod, Label, "component"),
        (Pod, Annotation, "token-audience"),
    ] {
        assert_eq!(
            told("eks.amazonaws.com", bearer, form, &format!("eks.amazonaws.com/{name}")),
            None,
            "{name}"
        );
    }
    // Another webhook may own the usual domain, and a domain of one's own is not it.
    assert_eq!(told("iam.example.com", ServiceAccount, Annotation, "eks.amazonaws.com/role-arn"), None);
    assert_eq!(told("eks2.amazonaws.com", ServiceAccount, Annotation, "eks.amazonaws.com/role-arn"), None);
    assert_eq!(told("iam.example.com", ServiceAccount, Annotation, "iam.amazonaws.com/role-arn"), None);
    assert_eq!(told("eks.amazonaws.com", ServiceAccount, Annotation, "role-arn"), None);
}

#[test]
fn what_has_no_effect_is_told_with_what_would_have_one() {
    use Bearer::{Namespace, Pod, ServiceAccount, Workload};
    use Form::{Annotation, Label};
    for (bearer, form, key, expected) in [
        (
            Pod,
            Annotation,
            "role-arn",
            "pod annotation role-arn has no effect: it is an annotation of ServiceAccounts",
        ),
        (
            Pod,
            Label,
            "skip-containers",
            "pod label skip-containers has no effect: it is an annotation of pods",
        ),
        (
            Pod,
            Annotation,
            "require-identity",
            "pod annotation require-identity has no effect: it is a label of pods and namespaces",
        ),
        (
            ServiceAccount,
            Annotation,
            "skip-containers",
            "ServiceAccount annotation skip-containers has no effect: it is an annotation of pods",
        ),
        (
            Workload,
            Annotation,
            "skip-containers",
            "workload annotation skip-containers has no effect: it is an annotation of pods, so it belongs in \
             the pod template",
        ),
        (
            Workload,
            Annotation,
            "role-arn",
            "workload annotation role-arn has no effect: it is an annotation of ServiceAccounts",
        ),
        (
            Namespace,
            Annotation,
            "role-arn",
            "namespace annotation role-arn has no effect: it is an annotation of ServiceAccounts",
        ),
        (
            ServiceAccount,
            Annotation,
            "role_arn",
            "ServiceAccount annotation role_arn has no effect: did you mean role-arn, an annotation of ServiceAccounts?",
        ),
        (
            ServiceAccount,
            Annotation,
            "roleArn",
            "ServiceAccount annotation roleArn has no effect: did you mean role-arn, an annotation of ServiceAccounts?",
        ),
        (
            ServiceAccount,
            Annotation,
            "sts-regional-endpoint",
            "ServiceAccount annotation sts-regional-endpoint has no effect: did you mean sts-regional-endpoints, an annotation of ServiceAccounts?",
        ),
        (
            Pod,
            Label,
            "requires-identity",
            "pod label requires-identity has no effect: did you mean require-identity, a label of pods and namespaces?",
        ),
        (
            Pod,
            Annotation,
            "skip-container",
            "pod annotation skip-container has no effect: did you mean skip-containers, an annotation of pods?",
        ),
    ] {
        let key = format!("eks.amazonaws.com/{key}");
        assert_eq!(told("eks.amazonaws.com", bearer, form, &key).as_deref(), Some(expected));
    }
    for (prefix, form, key, expected) in [
        (
            "eks.amazonaws.com",
            Annotation,
            "eks.amazonaw.com/role-arn",
            "its domain is not that of role-arn, an annotation of ServiceAccounts",
        ),
        (
            "iam.example.com",
            Label,
            "iam.example.com/require-identity",
            "its domain is not that of require-identity, a label of pods and namespaces",
        ),
    ] {
        let said = told(prefix, Pod, form, key).unwrap();
        assert_eq!(said, format!("pod {form} {key} has no effect: {expected}"));
    }
}
