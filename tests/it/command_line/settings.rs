//! What a whole command line comes to.

use clap::Parser;
use injection::policy::PolicyMode;
use std::time::Duration;

use pod_identity_webhook::certificates::CertificateSource;
use pod_identity_webhook::certificates::self_managed::{Objects, Periods, SelfManaged};
use pod_identity_webhook::cli::Cli;
use pod_identity_webhook::cli::injection::{Discoverable, RolePolicySettings};
use pod_identity_webhook::identities::sources::association_resources::{
    Controller, Namespaces, Pending, Selection,
};
use pod_identity_webhook::identities::sources::service_accounts::LookupPace;
use pod_identity_webhook::kubernetes;
use pod_identity_webhook::webhook::settings::{AccountSource, Settings, Shown};

fn settings(args: &[&str]) -> Settings {
    let args = Cli::try_parse_from(["pod-identity-webhook"].iter().chain(args)).unwrap();
    Settings::new(&args.webhook).unwrap()
}

/// The line that is logged at start.
fn shown(settings: &Settings) -> String {
    Shown(settings, &settings.defaults.clone().offline().unwrap()).to_string()
}

/// The arguments of the Deployment that the Go webhook publishes, and what is added to them.
const PUBLISHED: [&str; 10] = [
    "--in-cluster=false",
    "--namespace=default",
    "--service-name=pod-identity-webhook",
    "--annotation-prefix=eks.amazonaws.com",
    "--token-audience=sts.amazonaws.com",
    "--logtostderr",
    "--kubeconfig=/etc/kubernetes/webhook.conf",
    "--tls-cert=/etc/webhook/certs/tls.crt",
    "--tls-key=/etc/webhook/certs/tls.key",
    "--port=8443",
];

#[test]
fn takes_the_arguments_of_the_published_deployment() {
    let settings = settings(&PUBLISHED);
    assert_eq!((settings.server.address.port(), settings.server.metrics_address.port()), (8443, 9999));
    assert_eq!(settings.notices, ["these klog flags have no effect: --logtostderr"]);
    let AccountSource::Cluster(kubernetes::Settings { kubeconfig: Some(kubeconfig), server: None }) =
        &settings.sources.accounts
    else {
        panic!("{:?}", settings.sources.accounts)
    };
    assert_eq!(kubeconfig.to_str(), Some("/etc/kubernetes/webhook.conf"));
}

/// The Go webhook's own default is a certificate that the cluster keeps; so is ours, by another way.
#[test]
fn certificate_is_self_managed_unless_files_are_asked_for() {
    for args in [&[][..], &["--in-cluster"], &["--in-cluster=true"], &["--certificates=self-managed"]] {
        let CertificateSource::SelfManaged(SelfManaged { objects, periods }) = settings(args).certificate
        else {
            panic!("{args:?}")
        };
        let Objects { service, namespace, secret, registration } = objects;
        let name = "pod-identity-webhook";
        assert_eq!([service, secret, registration].map(|object| object == name), [true; 3]);
        assert_eq!(namespace, "eks");
        let hours = Duration::from_hours;
        let expected = Periods { authority: hours(8760), leaf: hours(24), wait: Duration::from_mins(1) };
        assert_eq!(periods, expected);
    }
    let args = ["--service-name=s", "--namespace=n", "--tls-secret=t", "--tls-cert=/c"];
    let settings_of = settings(&args);
    let CertificateSource::SelfManaged(SelfManaged { objects, .. }) = settings_of.certificate else {
        panic!("files have no effect beside --in-cluster, as with the Go webhook")
    };
    assert_eq!(objects.registration, "s");
    assert_eq!(settings_of.notices.len(), 1);
    for args in [["--certificates=files"], ["--in-cluster=false"]] {
        assert!(matches!(settings(&args).certificate, CertificateSource::Files { .. }), "{args:?}");
    }
    for args in [&["--manifests=x"][..], &["--manifests=x", "--in-cluster=false"]] {
        assert!(matches!(settings(args).certificate, CertificateSource::InMemory { .. }), "{args:?}");
    }
    let shown = shown(&settings(&["--webhook-configuration=w", "--rotation-wait=30s"]));
    let expected = "certificates=self-managed service=eks/pod-identity-webhook tls-secret=pod-identity-webhook \
                    webhook-configuration=w authority-lifetime=8760h certificate-lifetime=24h rotation-wait=30s";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn defaults_are_those_of_the_go_webhook() {
    let settings = settings(&["--in-cluster=false"]);
    let CertificateSource::Files { certificate, key } = &settings.certificate else { panic!("files") };
    assert_eq!(certificate.to_str(), Some("/etc/webhook/certs/tls.crt"));
    assert_eq!(key.to_str(), Some("/etc/webhook/certs/tls.key"));
    assert_eq!(settings.server.address.to_string(), "[::]:443");
    assert_eq!(settings.server.metrics_address.to_string(), "[::]:9999");
    assert!(matches!(
        settings.sources.accounts,
        AccountSource::Cluster(kubernetes::Settings { kubeconfig: None, server: None })
    ));
    let defaults = &settings.defaults.flags;
    assert_eq!(defaults.annotation_prefix.as_str(), "eks.amazonaws.com");
    assert_eq!((defaults.lifetime, defaults.lifetime_is_explicit), (86_400, false));
    assert_eq!((&defaults.region, defaults.regional_sts), (&None, false));
    assert!(!settings.debug_handlers);
    assert!(!settings.tls.only_tls13 && settings.tls.cipher_suites.is_none());
    assert_eq!(settings.notices, [""; 0]);
}

#[test]
fn flags_that_have_nothing_to_do_are_said_once_where_they_would_do_something() {
    let notices = |args: &[&str]| settings(&[&["--in-cluster=false"], args].concat()).notices;
    assert_eq!(notices(&["--service-account-lookup-grace-period=0s"]), [""; 0]);
    assert_eq!(
        notices(&["--service-account-lookup-grace-period", "100ms"]),
        ["--service-account-lookup-grace-period has no effect: an unknown account is looked up live"]
    );
    assert_eq!(
        notices(&["--resync-period=1m0s"]),
        ["--resync-period has no effect: the watch needs no resync"]
    );
    assert_eq!(
        notices(&["--stderrthreshold=INFO", "--skip_headers", "-v=2"]),
        ["these klog flags have no effect: --skip_headers --stderrthreshold"]
    );
}

#[test]
fn flags_that_turn_a_feature_off_are_as_if_absent() {
    for accounts in ["--in-cluster=false", "--manifests=x"] {
        let off =
            ["--watch-config-map=false", "--compose-role-arn=false", "--watch-container-credentials-config="];
        let Settings { defaults, sources, .. } = settings(&[&[accounts], &off[..]].concat());
        assert_eq!((sources.config_map, sources.association_file), (None, None));
        assert!(matches!(defaults.role_names, Discoverable::Known(None)));
    }
}

#[test]
fn association_file_is_taken_beside_a_cluster_and_beside_manifests() {
    for accounts in ["--in-cluster=false", "--manifests=x"] {
        let file = |args: &[&str]| settings(&[&[accounts], args].concat()).sources.association_file;
        let flag = "--watch-container-credentials-config";
        assert_eq!(file(&[&format!("{flag}=/a/../b")]).unwrap().to_str(), Some("/a/../b"));
        assert_eq!(file(&[&format!("{flag}=")]), None);
        assert_eq!(file(&[]), None);
    }
    let settings = settings(&["--manifests=x", "--watch-container-credentials-config=y"]);
    assert!(shown(&settings).starts_with("manifests=x watch-container-credentials-config=y "));
}

#[test]
fn role_policy_is_enforced_unless_it_only_warns() {
    for (args, mode) in [
        (&["--role-policy", "/p.yaml"][..], PolicyMode::Enforce),
        (&["--role-policy=/p.yaml", "--role-policy-mode=enforce"], PolicyMode::Enforce),
        (&["--role-policy-mode", "warn", "--role-policy=/p.yaml"], PolicyMode::Warn),
    ] {
        let settings = settings(&[&["--in-cluster=false"], args].concat());
        assert_eq!(settings.role_policy, Some(RolePolicySettings { path: "/p.yaml".into(), mode }));
        let line =
            format!(" role-arn-validation=warn role-policy=/p.yaml role-policy-mode={} ", mode.as_str());
        assert!(shown(&settings).contains(&line), "{settings:?}");
    }
    for none in [&[][..], &["--role-policy="]] {
        let settings = settings(&[&["--in-cluster=false"], none].concat());
        assert_eq!(settings.role_policy, None);
        assert!(!shown(&settings).contains("policy"), "{settings:?}");
    }
}

#[test]
fn config_map_is_that_of_the_webhooks_namespace() {
    let namespace = |args: &[&str]| settings(&[&["--in-cluster=false"], args].concat()).sources.config_map;
    assert_eq!(namespace(&["--watch-config-map"]).as_deref(), Some("eks"));
    assert_eq!(namespace(&["--watch-config-map", "--namespace=kube-system"]).as_deref(), Some("kube-system"));
    // Otherwise the namespace is not read at all.
    assert_eq!(namespace(&["--namespace=No_Namespace"]), None);
    let settings = settings(&["--in-cluster=false", "--watch-config-map"]);
    assert!(shown(&settings).starts_with("kubeconfig=(in cluster) watch-config-map=eks "), "{settings:?}");
    assert_eq!(settings.notices, [""; 0]);
}

#[test]
fn manifests_bring_their_own_config_map() {
    let settings = settings(&["--manifests=x", "--watch-config-map", "--namespace=No_Namespace"]);
    assert_eq!(settings.sources.config_map, None);
    assert_eq!(
        settings.notices,
        ["--watch-config-map has no effect: a ConfigMap of --manifests is read from there"]
    );
}

#[test]
fn association_resources_are_taken_by_their_controllers_names() {
    let in_files = |args: &[&str]| settings(&[&["--in-cluster=false"], args].concat());
    let flag = "--watch-association-resources";
    for (names, controllers) in [
        ("ack", &[Controller::Ack][..]),
        ("crossplane", &[Controller::Crossplane]),
        ("own", &[Controller::Own]),
        ("crossplane, ack ,ack", &[Controller::Ack, Controller::Crossplane]),
    ] {
        let resources = in_files(&[flag, names]).sources.association_resources.unwrap();
        assert_eq!(resources.controllers, controllers);
        assert_eq!(resources.selection, Selection::default());
    }
    assert_eq!(in_files(&[&format!("{flag}=")]).sources.association_resources, None);

    let settings = in_files(&[
        "--watch-association-resources=ack,crossplane",
        "--eks-cluster-name=prod",
        "--association-resources-own-namespace-only=false",
        "--use-pending-associations",
    ]);
    let Selection { cluster, namespaces, pending, detail: _ } =
        settings.sources.association_resources.clone().unwrap().selection;
    assert_eq!(cluster.unwrap().as_str(), "prod");
    assert_eq!((namespaces, pending), (Namespaces::Any, Pending::Use));
    let line = "kubeconfig=(in cluster) watch-association-resources=ack,crossplane eks-cluster-name=prod \
                 association-resources-own-namespace-only=false use-pending-associations=true ";
    assert!(shown(&settings).starts_with(line), "{settings:?}");
    assert_eq!(settings.notices, [""; 0]);
    let settings = in_files(&["--watch-association-resources=crossplane"]);
    let notice = "Crossplane's cluster-scoped resources (eks.aws.upbound.io) do not count, because they are in no \
                  namespace; --association-resources-own-namespace-only=false makes all count, for accounts of any \
                  namespace";
    assert_eq!(settings.notices, [notice]);
    for value in ["true", "false"] {
        let settings = in_files(&[&format!("--association-resources-own-namespace-only={value}")]);
        let notice = "--association-resources-own-namespace-only has no effect without \
                      --watch-association-resources: it says which resources count";
        assert_eq!(settings.notices, [notice]);
    }
}

#[test]
fn look_ups_are_as_many_as_the_flags_say() {
    let lookups = |args: &[&str]| {
        let LookupPace { rate, burst } = settings(&[&["--in-cluster=false"], args].concat()).sources.lookups;
        (rate, burst)
    };
    assert_eq!(lookups(&[]), (50, 100));
    assert_eq!(lookups(&["--lookup-rate=7", "--lookup-burst=10000"]), (7, 10_000));
    let shown = shown(&settings(&["--in-cluster=false", "--lookup-rate=7"]));
    assert!(shown.contains(" lookup-rate=7/s lookup-burst=100 "), "{shown}");
}

#[test]
fn manifests_bring_their_own_association_resources() {
    let settings = settings(&["--manifests=x", "--watch-association-resources=ack"]);
    assert_eq!(settings.sources.association_resources, None);
    assert_eq!(
        settings.notices,
        ["--watch-association-resources has no effect: such resources of --manifests are read from there"]
    );
}

#[cfg(feature = "eks-api")]
#[test]
fn the_eks_api_is_asked_for_one_cluster() {
    let settings = settings(&["--in-cluster=false", "--eks-cluster-name=prod", "--watch-eks-api"]);
    assert_eq!(settings.sources.eks_api.unwrap().as_str(), "prod");
}

#[test]
fn kube_api_is_taken_beside_a_kubeconfig() {
    let settings = settings(&["--in-cluster=false", "--kubeconfig=/k", "--kube-api=https://10.0.0.1:6443"]);
    let AccountSource::Cluster(kubernetes::Settings { kubeconfig: Some(_), server: Some(server) }) =
        settings.sources.accounts
    else {
        panic!("both")
    };
    assert_eq!(server.to_string(), "https://10.0.0.1:6443/");
}
