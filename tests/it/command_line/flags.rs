//! The flags of the Go webhook as they are written: their list is the one of its documentation.

use std::fmt::Debug;
use std::time::Duration;

use clap::Parser;
use pod_identity_webhook::cli::{Cli, Command};

fn parse(args: &[&str]) -> Cli {
    let args = ["pod-identity-webhook"].iter().chain(args);
    Cli::try_parse_from(args).unwrap_or_else(|error| panic!("{error}"))
}

fn is_taken(args: &[&str]) -> bool {
    Cli::try_parse_from(["pod-identity-webhook"].iter().chain(args)).is_ok()
}

/// How a parsed value is read, for a table of many types.
type Reader = fn(&Cli) -> String;

fn show(value: impl Debug) -> String {
    format!("{value:?}").replace('"', "")
}

/// Flag, default, another value, what that comes to, and where it is found.
const VALUES: [(&str, &str, &str, &str, Reader); 23] = [
    ("port", "443", "8443", "8443", |a| show(a.webhook.server.port)),
    ("metrics-port", "9999", "0x50", "80", |a| show(a.webhook.server.metrics_port)),
    ("service-name", "pod-identity-webhook", "other", "other", |a| {
        show(&a.webhook.certificates.objects.service_name)
    }),
    ("namespace", "eks", "other", "other", |a| show(&a.webhook.certificates.objects.namespace)),
    ("tls-secret", "None", "other", "Some(other)", |a| show(&a.webhook.certificates.objects.tls_secret)),
    ("tls-cert", "None", "/c", "Some(/c)", |a| show(&a.webhook.certificates.tls_cert)),
    ("tls-key", "None", "/k", "Some(/k)", |a| show(&a.webhook.certificates.tls_key)),
    ("tls-min-version", "", "VersionTLS13", "VersionTLS13", |a| show(&a.webhook.tls.tls_min_version)),
    ("tls-cipher-suites", "", "A,B", "A,B", |a| show(&a.webhook.tls.tls_cipher_suites)),
    ("annotation-prefix", "eks.amazonaws.com", "a.b", "a.b", |a| {
        show(&a.webhook.injection.annotation_prefix)
    }),
    ("token-audience", "sts.amazonaws.com", "x", "x", |a| show(&a.webhook.injection.token_audience)),
    ("token-mount-path", "/var/run/secrets/eks.amazonaws.com/serviceaccount", "/x", "/x", |a| {
        show(&a.webhook.injection.token_mount_path)
    }),
    ("token-expiration", "None", "01130", "Some(600)", |a| show(a.webhook.injection.token_expiration)),
    ("aws-default-region", "", "eu-west-1", "eu-west-1", |a| show(&a.webhook.injection.aws_default_region)),
    ("resync-period", "None", "1m0s", "Some(60s)", |a| show(a.webhook.sources.resync_period)),
    ("service-account-lookup-grace-period", "None", "100ms", "Some(100ms)", |a| {
        show(a.webhook.sources.service_account_lookup_grace_period)
    }),
    ("kubeconfig", "", "/x", "/x", |a| show(&a.webhook.sources.kubernetes.kubeconfig)),
    ("kube-api", "", "http://x", "http://x", |a| show(&a.webhook.sources.kubernetes.kube_api)),
    ("watch-container-credentials-config", "", "/x", "/x", |a| {
        show(&a.webhook.sources.watch_container_credentials_config)
    }),
    ("container-credentials-audience", "pods.eks.amazonaws.com", "x", "x", |a| {
        show(&a.webhook.injection.container_credentials_audience)
    }),
    (
        "container-credentials-token-mount-path",
        "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount",
        "/x",
        "/x",
        |a| show(&a.webhook.injection.container_credentials_token_mount_path),
    ),
    ("container-credentials-token-volume-name", "eks-pod-identity-token", "x", "x", |a| {
        show(&a.webhook.injection.container_credentials_token_volume_name)
    }),
    ("container-credentials-token-path", "eks-pod-identity-token", "x", "x", |a| {
        show(&a.webhook.injection.container_credentials_token_path)
    }),
];

/// How a parsed boolean is read.
type Switch = fn(&Cli) -> bool;

/// Flag, default, and where it is found.
const BOOLEANS: [(&str, bool, Switch); 7] = [
    ("in-cluster", true, |a| a.webhook.certificates.in_cluster.unwrap_or(true)),
    ("sts-regional-endpoint", false, |a| a.webhook.injection.sts_regional_endpoint),
    ("watch-config-map", false, |a| a.webhook.sources.watch_config_map),
    ("compose-role-arn", false, |a| a.webhook.injection.compose_role_arn),
    ("no-agent-fallback", false, |a| a.webhook.injection.no_agent_fallback),
    ("enable-debugging-handlers", false, |a| a.webhook.debug.enable_debugging_handlers),
    ("version", false, |a| a.version),
];

#[test]
fn takes_every_value_behind_an_equals_sign_and_as_the_next_word() {
    for (flag, default, value, expected, read) in VALUES {
        assert_eq!(read(&parse(&[])), default, "--{flag}");
        assert_eq!(read(&parse(&[&format!("--{flag}={value}")])), expected, "--{flag}={value}");
        assert_eq!(read(&parse(&[&format!("--{flag}"), value])), expected, "--{flag} {value}");
    }
    let uri = |args: &[&str]| parse(args).webhook.injection.container_credentials_full_uri;
    assert_eq!(uri(&[]), None);
    for (args, expected) in [
        (&["--container-credentials-full-uri=http://[fd00:ec2::23]/v1"][..], "http://[fd00:ec2::23]/v1"),
        (&["--container-credentials-full-uri", "http://x/v1"], "http://x/v1"),
    ] {
        assert_eq!(uri(args).as_deref(), Some(expected));
    }
}

#[test]
fn takes_booleans_alone_and_in_every_spelling_of_go() {
    for (flag, default, read) in BOOLEANS {
        assert_eq!(read(&parse(&[])), default, "--{flag}");
        assert!(read(&parse(&[&format!("--{flag}")])), "--{flag}");
        for value in ["1", "t", "T", "TRUE", "true", "True"] {
            assert!(read(&parse(&[&format!("--{flag}={value}")])), "--{flag}={value}");
        }
        for value in ["0", "f", "F", "FALSE", "false", "False"] {
            assert!(!read(&parse(&[&format!("--{flag}={value}")])), "--{flag}={value}");
        }
        for value in ["", "yes", "on", "tRUE", "2"] {
            assert!(!is_taken(&[&format!("--{flag}={value}")]), "--{flag}={value}");
        }
    }
}

/// pflag leaves the word as an argument, which the Go webhook never looks at: `--in-cluster false` is true
/// there. Refusing it shows the mistake before it misleads.
#[test]
fn refuses_a_boolean_s_value_as_the_next_word() {
    for (flag, ..) in BOOLEANS {
        for word in ["true", "false", "0"] {
            assert!(!is_taken(&[&format!("--{flag}"), word]), "--{flag} {word}");
        }
    }
    assert!(is_taken(&["--sts-regional-endpoint", "--port=1"]));
}

#[test]
fn the_last_of_a_repeated_flag_wins() {
    let args = parse(&["--port=1", "--port", "2", "-v2", "--v=4", "--in-cluster", "--in-cluster=false"]);
    assert_eq!(
        (args.webhook.server.port, args.webhook.klog.verbosity, args.webhook.certificates.in_cluster),
        (2, 4, Some(false))
    );
    let args = parse(&["--skip_headers", "--skip_headers=false", "--log_dir=a", "--log_dir=b"]);
    assert_eq!(args.webhook.klog.ignored(), ["--skip_headers", "--log_dir"]);
    let args = parse(&["inject", "-f", "a", "-n", "one", "--namespace=two"]);
    let Some(Command::Inject(inject)) = args.command else { panic!("a subcommand") };
    assert_eq!(inject.namespace, "two");
}

#[test]
fn manifests_and_files_are_gathered_not_replaced() {
    assert_eq!(parse(&["--manifests=a", "--manifests", "b"]).webhook.sources.manifests.len(), 2);
    let args =
        parse(&["inject", "-f", "a", "b", "-f=c", "--filename", "-", "--manifests=x", "--manifests=y"]);
    let Some(Command::Inject(inject)) = args.command else { panic!("a subcommand") };
    let files: Vec<_> = inject.files.iter().map(|file| file.to_str().unwrap()).collect();
    assert_eq!((files, inject.manifests.len()), (vec!["a", "b", "c", "-"], 2));
}

#[test]
fn verbosity_has_every_spelling_of_klog() {
    for args in [&["-v4"][..], &["-v", "4"], &["-v=4"], &["--v=4"], &["--v", "4"], &["-v", "0x4"]] {
        assert_eq!(parse(args).webhook.klog.verbosity, 4, "{args:?}");
    }
    assert_eq!(parse(&[]).webhook.klog.verbosity, 0);
    assert_eq!(parse(&["-v", "-1"]).webhook.klog.verbosity, -1);
    assert!(!is_taken(&["-v"]));
}

#[test]
fn takes_every_klog_flag_and_says_which_have_no_effect() {
    let booleans = [
        "--add_dir_header",
        "--alsologtostderr",
        "--legacy_stderr_threshold_behavior",
        "--logtostderr",
        "--one_output",
        "--skip_headers",
        "--skip_log_headers",
    ];
    for flag in booleans {
        for spelling in [flag.to_owned(), format!("{flag}=false"), format!("{flag}=T")] {
            assert_eq!(parse(&[&spelling]).webhook.klog.ignored(), [flag], "{spelling}");
        }
        assert!(!is_taken(&[flag, "true"]), "{flag} true");
    }
    for (flag, value) in [
        ("--alsologtostderrthreshold", "INFO"),
        ("--log_backtrace_at", ":0"),
        ("--log_dir", "/tmp"),
        ("--log_file", ""),
        ("--log_file_max_size", "1800"),
        ("--stderrthreshold", "2"),
        ("--vmodule", "a=1,b=2"),
    ] {
        assert_eq!(parse(&[&format!("{flag}={value}")]).webhook.klog.ignored(), [flag]);
        assert_eq!(parse(&[flag, value]).webhook.klog.ignored(), [flag]);
        assert!(!is_taken(&[flag]), "{flag}");
    }
    // klog's flags have underscores, the webhook's have dashes.
    assert!(!is_taken(&["--log-dir=/tmp"]));
    assert!(!is_taken(&["--tls_cert=/c"]));
}

#[test]
fn integers_are_written_as_in_go() {
    let lifetime =
        |value: &str| parse(&[&format!("--token-expiration={value}")]).webhook.injection.token_expiration;
    for (value, expected) in
        [("86400", 86_400), ("0x258", 600), ("01130", 600), ("0o1130", 600), ("86_400", 86_400), ("-5", -5)]
    {
        assert_eq!(lifetime(value), Some(expected), "{value}");
    }
    assert_eq!(parse(&["--token-expiration", "-5"]).webhook.injection.token_expiration, Some(-5));
    for value in ["", "1h", "1e3", "1.0", " 1", "08"] {
        assert!(!is_taken(&[&format!("--token-expiration={value}")]), "{value}");
    }
}

#[test]
fn durations_are_written_as_in_go() {
    for (value, expected) in [
        ("1m0s", Duration::from_mins(1)),
        ("100ms", Duration::from_millis(100)),
        ("0", Duration::ZERO),
        ("0s", Duration::ZERO),
        ("1.5h", Duration::from_mins(90)),
    ] {
        let sources = parse(&[&format!("--resync-period={value}")]).webhook.sources;
        assert_eq!(sources.resync_period, Some(expected), "{value}");
    }
    for value in ["60", "", "1 m", "1d", "-1s"] {
        assert!(!is_taken(&["--resync-period", value]), "{value}");
        assert!(!is_taken(&[&format!("--service-account-lookup-grace-period={value}")]), "{value}");
    }
}
