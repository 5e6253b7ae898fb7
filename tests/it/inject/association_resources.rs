//! Custom resources that hold associations, among the manifests: those of examples/, and ones that
//! cannot be read.

use std::path::Path;

use super::Files;

/// A pod of this account of `shop`.
fn pod(account: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {account}, namespace: shop}}\n\
         spec: {{serviceAccountName: {account}, containers: [{{name: a}}]}}\n"
    )
}

#[test]
fn the_examples_associations_are_found_whatever_the_controller() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/association-resources.yaml");
    let files = Files::new(&[]);
    for (account, place) in [
        ("billing", "document 1, line 6"),
        ("search", "document 2, line 18"),
        ("mailer", "document 3, line 31"),
    ] {
        let any = "--association-resources-own-namespace-only=false";
        let args = ["-f", "-", "--explain", any, "--manifests", example.to_str().unwrap()];
        let printed = files.run(&args, &pod(account)).printed();
        let found = format!("EKS Pod Identity: an association names it ({}: {place})\n", example.display());
        assert!(printed.contains(&found), "{printed}");
        assert!(printed.contains("injected: the pod gets its AWS identity"), "{printed}");
    }
}

#[test]
fn one_that_is_not_in_the_namespace_of_its_pods_does_not_count_unless_it_is_wanted_so() {
    let resource = |namespace: &str| {
        format!(
            "apiVersion: eks.services.k8s.aws/v1alpha1\nkind: PodIdentityAssociation\n\
             metadata: {{name: x{namespace}}}\nspec: {{namespace: shop, serviceAccount: orders}}\n"
        )
    };
    let (own, other) = (resource(", namespace: shop"), resource(", namespace: infra"));
    let none = "apiVersion: eks.aws.upbound.io/v1beta1\nkind: PodIdentityAssociation\n\
                metadata: {name: x, namespace: shop}\n\
                spec: {forProvider: {namespace: shop, serviceAccount: orders}}\n";
    let files = Files::new(&[("own.yaml", &own), ("other.yaml", &other), ("none.yaml", none)]);
    let any = "--association-resources-own-namespace-only=false";
    for (file, flags, counts) in [
        ("@own.yaml", &[][..], true),
        ("@other.yaml", &[], false),
        ("@none.yaml", &[], false),
        ("@other.yaml", &[any], true),
        ("@none.yaml", &[any], true),
    ] {
        let args = [&["-f", "-", "--explain", "--manifests", file], flags].concat();
        let printed = files.run(&args, &pod("orders")).printed();
        assert_eq!(
            printed.contains("EKS Pod Identity: an association names it"),
            counts,
            "{file}: {printed}"
        );
        let passed_over = "; ignored, because it is in another namespace than its pods\n";
        assert_eq!(printed.contains(passed_over), !counts, "{file}: {printed}");
    }
}

#[test]
fn kinds_of_that_name_in_other_groups_are_none_of_ours() {
    let other = "apiVersion: eks.example.com/v1\nkind: PodIdentityAssociation\nspec: 7\n";
    let files = Files::new(&[("other.yaml", other)]);
    let printed = files.run(&["-f", "-", "--explain", "--manifests", "@other.yaml"], &pod("a")).printed();
    assert!(!printed.contains("EKS Pod Identity"), "{printed}");
}

#[test]
fn one_that_names_no_account_is_refused_with_its_place() {
    let bad = "# bad\n---\napiVersion: eks.services.k8s.aws/v1alpha1\nkind: PodIdentityAssociation\n\
               metadata: {name: x}\nspec: {namespace: shop, serviceAccount: Hush}\n";
    let files = Files::new(&[("bad.yaml", bad)]);
    let line = files.run(&["-f", "-", "--manifests", "@bad.yaml"], &pod("a")).refused(1);
    let message = "bad.yaml: document 1, line 3: PodIdentityAssociation x: spec.serviceAccount is not a valid \
                   Kubernetes name";
    assert!(line.ends_with(message), "{line}");
}
