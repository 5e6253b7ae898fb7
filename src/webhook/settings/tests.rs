use clap::Parser;
use injection::defaults::TokenVolume;
use injection::role::{AccountId, Partition, RoleNames};

use super::*;
use crate::cli::Cli;
use crate::cli::injection::{Discoverable, Flags, MissingIpFamily, MissingRoleNames};

/// The settings of these arguments, which read manifests unless they say otherwise.
fn settings(args: &[&str]) -> Result<Settings, String> {
    let args = ["pod-identity-webhook", "--manifests=x"].iter().chain(args);
    Settings::new(&Cli::try_parse_from(args).unwrap().webhook).map_err(|error| error.to_string())
}

fn in_files(args: &[&str]) -> Result<Settings, String> {
    let args = ["pod-identity-webhook", "--in-cluster=false"].iter().chain(args);
    Settings::new(&Cli::try_parse_from(args).unwrap().webhook).map_err(|error| error.to_string())
}

#[test]
fn a_lifetime_that_the_api_server_refuses_is_moved_with_a_notice() {
    for (given, used) in [
        ("599", 600),
        ("0", 600),
        ("-1", 600),
        ("-9223372036854775808", 600),
        ("4294967297", 4_294_967_296),
        ("9223372036854775807", 4_294_967_296),
    ] {
        let settings = settings(&["--token-expiration", given]).unwrap();
        assert_eq!(settings.defaults.flags.lifetime, used, "{given}");
        let notice = format!("--token-expiration {given} is not within 600 to 4294967296: {used} is used");
        assert_eq!(settings.notices, [notice]);
    }
}

#[test]
fn a_lifetime_within_bounds_is_taken_without_a_word() {
    for (given, used) in [("600", 600), ("86400", 86_400), ("4294967296", 4_294_967_296)] {
        let settings = settings(&["--token-expiration", given]).unwrap();
        assert_eq!((settings.defaults.flags.lifetime, settings.notices.len()), (used, 0));
        assert!(settings.defaults.flags.lifetime_is_explicit);
    }
    let settings = settings(&[]).unwrap();
    assert_eq!(
        (settings.defaults.flags.lifetime, settings.defaults.flags.lifetime_is_explicit),
        (86_400, false)
    );
}

#[test]
fn values_that_would_cost_pods_are_refused_at_the_start() {
    for (flag, good, bad) in [
        ("--annotation-prefix", &["a", "a.b-c.d1"][..], &["", "A", "a_b", "a..b", ".a", "-a", "a/b"][..]),
        ("--aws-default-region", &["", "eu-west-1", "us-iso-east-1"], &["EU", "eu west", "eu_west"]),
        ("--token-audience", &["x", "https://x"], &[""]),
        (
            "--token-mount-path",
            &["/a/../b", "/a b"],
            &["", "a", "./a", "/a:b", "/a\nb", "/", "//./", "/a/.."],
        ),
        ("--container-credentials-token-mount-path", &["/a"], &["", "a"]),
        (
            "--container-credentials-token-volume-name",
            &["a", "a-1"],
            &[
                "",
                "A",
                "a.b",
                "-a",
                "a-",
                "a_b",
                "a234567890123456789012345678901234567890123456789012345678901234",
            ],
        ),
        (
            "--container-credentials-token-path",
            &["a", "a/b", "a..b"],
            &["", "/a", "../a", "a/..", "..a", "a\0"],
        ),
        (
            "--container-credentials-full-uri",
            &["http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1", "https://x"],
            &["", "x", "169.254.170.23/v1", "ftp://x", "http://"],
        ),
    ] {
        for value in good {
            let settings = settings(&[&format!("{flag}={value}")]);
            assert!(settings.is_ok(), "{flag}={value}: {settings:?}");
        }
        for value in bad {
            let error = settings(&[&format!("{flag}={value}")]).unwrap_err();
            let start = format!("invalid value '{}' for '{flag}': expected ", value.escape_debug());
            assert!(error.starts_with(&start), "{error}");
        }
    }
}

#[test]
fn an_empty_region_is_none() {
    assert_eq!(settings(&["--aws-default-region="]).unwrap().defaults.flags.region, None);
    let settings = settings(&["--aws-default-region=eu-west-1"]).unwrap();
    assert_eq!(settings.defaults.flags.region.as_deref(), Some("eu-west-1"));
}

#[test]
fn each_method_has_its_own_flags() {
    let args = [
        "--token-audience=one",
        "--token-mount-path=/one",
        "--container-credentials-audience=two",
        "--container-credentials-token-mount-path=/two",
        "--container-credentials-token-volume-name=name",
        "--container-credentials-token-path=path",
    ];
    let Flags { web_identity, container_credentials, .. } = settings(&args).unwrap().defaults.flags;
    let fields = |volume: TokenVolume| [volume.audience, volume.mount_path, volume.name, volume.token_path];
    assert_eq!(fields(web_identity), ["one", "/one", "aws-iam-token", "token"]);
    assert_eq!(fields(container_credentials), ["two", "/two", "name", "path"]);
}

#[test]
fn account_and_partition_of_role_names_are_known_or_asked_for() {
    let account = || AccountId::new("012345678901");
    let known = |partition| {
        let (partition, account) = (Partition::new(partition).unwrap(), account().unwrap());
        Discoverable::Known(Some(RoleNames { partition, account }))
    };
    let missing = |account, partition: Option<_>| {
        Discoverable::Missing(MissingRoleNames { account, partition: partition.and_then(Partition::new) })
    };
    let flag = "--compose-role-arn";
    let id = "--aws-account-id=012345678901";
    for (args, expected) in [
        (&[][..], Discoverable::Known(None)),
        (&[flag], missing(None, None)),
        (&[flag, "--aws-partition=aws-cn"], missing(None, Some("aws-cn"))),
        (&[flag, "--aws-default-region=cn-north-1"], missing(None, None)),
        (&[flag, id], missing(account(), None)),
        (&[flag, id, "--aws-default-region=cn-north-1"], known("aws-cn")),
        (&[flag, id, "--aws-default-region=eu-west-1"], known("aws")),
        (&[flag, id, "--aws-partition=aws-iso"], known("aws-iso")),
        (&[flag, id, "--aws-partition=aws", "--aws-default-region=cn-north-1"], known("aws")),
    ] {
        let Settings { defaults, notices, .. } = settings(args).unwrap();
        assert_eq!(defaults.role_names, expected, "{args:?}");
        assert_eq!(notices, [""; 0]);
    }
}

#[test]
fn flags_of_role_names_without_them_are_said() {
    let notices = settings(&["--aws-account-id=012345678901", "--aws-partition=aws"]).unwrap().notices;
    let notice = |flag| format!("{flag} has no effect without --compose-role-arn");
    assert_eq!(notices, [notice("--aws-account-id"), notice("--aws-partition")]);
}

#[test]
fn the_agent_is_at_its_own_address_of_the_family_or_where_it_is_said_to_be() {
    let (v4, v6) = ("http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials");
    let given = |uri| format!("--container-credentials-full-uri={uri}");
    let notice = "--container-credentials-full-uri is an IPv6 address: the SDK for Java accepts it only with \
                  --ip-family=ipv6";
    for (args, uri, mode, notices) in [
        (&[][..], v4, None, &[][..]),
        (&["--ip-family=ipv4"], v4, None, &[]),
        (&["--ip-family=ipv6"], v6, Some("IPv6"), &[]),
        (&["--ip-family=ipv6", &given(v4)], v4, None, &[]),
        (&["--ip-family=ipv6", &given(v6)], v6, Some("IPv6"), &[]),
        // As the Go webhook has it.
        (&[&given(v6)], v6, None, &[notice]),
        (&[&given("http://x/y")], "http://x/y", None, &[]),
    ] {
        let Settings { defaults, notices: said, .. } = settings(args).unwrap();
        let Discoverable::Known(agent) = defaults.agent else { panic!("{args:?}") };
        assert_eq!((agent.full_uri(), agent.endpoint_mode()), (uri, mode), "{args:?}");
        assert_eq!(said, notices, "{args:?}");
    }
    for (args, full_uri) in [(&[][..], None), (&[given("http://x/y")], Some("http://x/y".to_owned()))] {
        let args: Vec<_> = ["--ip-family=auto"].into_iter().chain(args.iter().map(String::as_str)).collect();
        let Settings { defaults, notices, .. } = in_files(&args).unwrap();
        let missing = Discoverable::Missing(MissingIpFamily { full_uri });
        assert_eq!((defaults.agent, notices.len()), (missing, 0));
    }
}

#[test]
fn without_a_cluster_a_certificate_is_made_unless_files_are_given() {
    let certificate = |args: &[&str]| settings(args).unwrap().certificate;
    assert!(matches!(certificate(&[]), CertificateSource::InMemory { authority_out: None }));
    assert!(matches!(
        certificate(&["--tls-ca-out=x"]),
        CertificateSource::InMemory { authority_out: Some(_) }
    ));
    let CertificateSource::Files { certificate, key } = certificate(&["--tls-cert=c"]) else {
        panic!("files")
    };
    assert_eq!((certificate, key), ("c".into(), "/etc/webhook/certs/tls.key".into()));
    assert!(settings(&["--tls-cert=c", "--tls-ca-out=x"]).is_err());
    assert!(in_files(&["--tls-ca-out=x"]).is_err());
}

#[test]
fn addresses_are_every_one_unless_one_is_given() {
    for (given, expected) in [
        ("", "[::]:8443"),
        ("127.0.0.1", "127.0.0.1:8443"),
        ("0.0.0.0", "0.0.0.0:8443"),
        ("::1", "[::1]:8443"),
    ] {
        let settings = settings(&["--port=8443", &format!("--bind-address={given}")]).unwrap();
        assert_eq!(settings.server.address.to_string(), expected);
        assert_eq!(settings.server.metrics_address.ip(), settings.server.address.ip());
    }
    for bad in ["localhost", "127.0.0.1:443", "[::1]"] {
        assert!(settings(&[&format!("--bind-address={bad}")]).is_err(), "{bad}");
    }
}

#[test]
fn limits_are_counted_in_bytes() {
    let Settings { server, admission, .. } =
        settings(&["--max-connections=7", "--max-request-memory=4095"]).unwrap();
    assert_eq!((server.limits.connections, admission.memory), (7, 4095 << 20));
    let Settings { server, admission, .. } = settings(&[]).unwrap();
    assert_eq!((server.limits.connections, admission.memory), (1000, 64 << 20));
    assert!(admission.memory > 2 * admission.body);
}

#[test]
fn peer_has_half_of_the_connections_unless_it_is_said_otherwise() {
    let shared = |args: &[&str]| settings(args).unwrap().server.limits.connections_per_peer;
    assert_eq!(shared(&[]), 500);
    assert_eq!(shared(&["--max-connections=7"]), 4);
    assert_eq!(shared(&["--max-connections=1"]), 1);
    assert_eq!(shared(&["--max-connections-per-peer=0"]), 0);
    assert_eq!(shared(&["--max-connections-per-peer=30"]), 30);
}

#[test]
fn the_api_server_s_address_is_a_url() {
    for good in ["https://10.0.0.1:6443", "http://127.0.0.1:8001/", "https://[::1]"] {
        assert!(in_files(&["--kube-api", good]).is_ok(), "{good}");
    }
    for bad in ["10.0.0.1", "10.0.0.1:6443", "tcp://10.0.0.1:443", "https://"] {
        assert!(in_files(&["--kube-api", bad]).is_err(), "{bad}");
    }
}

/// Whatever is refused first, one line says all of it.
#[test]
fn every_error_is_one_line() {
    for error in [
        settings(&["--bind-address=a\nb"]).unwrap_err(),
        settings(&["--kubeconfig=x"]).unwrap_err(),
        settings(&["--in-cluster=true"]).unwrap_err(),
        in_files(&["--tls-cipher-suites=x"]).unwrap_err(),
    ] {
        assert!(!error.contains('\n') && !error.is_empty(), "{error}");
    }
}

#[test]
fn what_is_in_force_is_one_line_of_flags() {
    let args = [
        "--aws-default-region=eu-west-1",
        "--token-expiration=900",
        "--tls-min-version=1.3",
        "--compose-role-arn",
        "--aws-account-id=012345678901",
    ];
    let settings = settings(&args).unwrap();
    let defaults = settings.defaults.clone().offline().unwrap();
    assert_eq!(
        Shown(&settings, &defaults).to_string(),
        "manifests=x tls-cert=(in memory) tls-min-version=1.3 annotation-prefix=eks.amazonaws.com \
         aws-default-region=eu-west-1 sts-regional-endpoint=false token-expiration=900s \
         irsa=sts.amazonaws.com@aws-iam-token:/var/run/secrets/eks.amazonaws.com/serviceaccount:token \
         pod-identity=pods.eks.amazonaws.com@eks-pod-identity-token:\
         /var/run/secrets/pods.eks.amazonaws.com/serviceaccount:eks-pod-identity-token \
         container-credentials-full-uri=http://169.254.170.23/v1/credentials ip-family=ipv4 no-agent-fallback=false \
         compose-role-arn=arn:aws:iam::012345678901:role/ role-arn-validation=warn \
         shutdown-delay=10s \
         max-connections=1000 max-connections-per-peer=500 max-request-memory=64MiB enable-debugging-handlers=false"
    );
}
