//! Wrong arguments: exit code 2, and one line that says which flag, which value, what is allowed.

use crate::support::program::run;

/// What is said of these arguments, split at blanks.
fn refused(args: &str) -> String {
    run(args.split(' ').filter(|arg| !arg.is_empty())).refused(2)
}

#[test]
fn a_wrong_value_is_named_with_its_flag_and_what_is_allowed() {
    for (flag, value, allowed) in [
        ("--port", "x", "expected a whole number from 0 to 65535"),
        ("--port", "65536", "expected a whole number from 0 to 65535"),
        ("--port", "-1", "expected a whole number from 0 to 65535"),
        ("--metrics-port", "", "expected a whole number from 0 to 65535"),
        ("--max-connections", "0", "expected a whole number from 1 to 1000000"),
        ("--lookup-rate", "0", "expected a whole number from 1 to 10000"),
        ("--lookup-burst", "10001", "expected a whole number from 1 to 10000"),
        ("--max-request-memory", "15", "expected a whole number from 16 to 4095"),
        ("--token-expiration", "1h", "expected a whole number"),
        ("--v", "high", "expected a whole number"),
        ("--in-cluster", "no", "expected true or false"),
        ("--watch-config-map", "", "expected true or false"),
        ("--logtostderr", "2", "expected true or false"),
        ("--resync-period", "60", "expected a duration such as 1m0s, 100ms or 0"),
        ("--shutdown-delay", "-1s", "expected a duration that is not negative"),
        ("--log-format", "yaml", "expected text or json"),
        ("--role-arn-validation", "strict", "expected warn or enforce or off"),
        ("--role-policy-mode", "off", "expected enforce or warn"),
        ("--ip-family", "IPv6", "expected ipv4 or ipv6 or auto"),
        ("--certificates", "secret", "expected self-managed or files"),
        ("--certificate-lifetime", "24", "expected a duration such as 1m0s, 100ms or 0"),
    ] {
        let expected = format!("invalid value '{value}' for '{flag}': {allowed}");
        assert_eq!(refused(&format!("{flag}={value}")), expected);
    }
    // These values are parsed as words; it is the settings that say what is wrong.
    for (flag, value, allowed) in [
        ("--annotation-prefix", "Foo_", "expected a DNS name such as eks.amazonaws.com"),
        ("--annotation-prefix", "", "expected a DNS name such as eks.amazonaws.com"),
        ("--aws-default-region", "EU", "expected a region such as eu-west-1"),
        ("--token-audience", "", "expected an audience"),
        ("--container-credentials-audience", "", "expected an audience"),
        ("--token-mount-path", "x", "expected an absolute path, not the root, without a colon"),
        ("--token-mount-path", "C:/x", "expected an absolute path, not the root, without a colon"),
        (
            "--container-credentials-token-mount-path",
            "",
            "expected an absolute path, not the root, without a colon",
        ),
        (
            "--container-credentials-token-volume-name",
            "a.b",
            "expected a volume's name: at most 63 of a-z, 0-9 and -, no - at either end",
        ),
        ("--container-credentials-token-path", "../x", "expected a relative path without .."),
        (
            "--container-credentials-full-uri",
            "169.254.170.23",
            "expected a URL such as http://169.254.170.23/v1/credentials",
        ),
        ("--aws-account-id", "12345", "expected 12 digits"),
        ("--aws-account-id", "1234-5678-9012", "expected 12 digits"),
        ("--aws-partition", "AWS", "expected a partition such as aws, aws-cn or aws-us-gov"),
        ("--kube-api", "10.0.0.1:6443", "expected a URL such as https://10.0.0.1:6443"),
        ("--tls-min-version", "1.4", "expected 1.2 or 1.3 (or VersionTLS12, VersionTLS13)"),
        ("--bind-address", "localhost", "expected an IPv4 or IPv6 address"),
        ("--namespace", "Shop", "expected a namespace's name, for --watch-config-map"),
        ("--namespace", "", "expected a namespace's name, for --watch-config-map"),
        (
            "--watch-association-resources",
            "ack,",
            "expected own, ack, crossplane or several of them with commas",
        ),
        (
            "--watch-association-resources",
            "ACK",
            "expected own, ack, crossplane or several of them with commas",
        ),
        (
            "--eks-cluster-name",
            "prod.eu",
            "expected 1 to 100 letters, digits, - and _, a letter or digit first",
        ),
    ] {
        let expected = format!("invalid value '{value}' for '{flag}': {allowed}");
        assert_eq!(refused(&format!("--in-cluster=false --watch-config-map {flag}={value}")), expected);
    }
}

#[test]
fn a_wrong_value_of_self_managed_certificates_is_named() {
    for (flag, value, allowed) in [
        ("--service-name", "a.b", "expected at most 63 small letters, digits and -"),
        ("--tls-secret", "a_b", "expected the name of an object: small letters, digits, - and ."),
        ("--tls-secret", "../x", "expected the name of an object: small letters, digits, - and ."),
        ("--webhook-configuration", "-x", "expected the name of an object: small letters, digits, - and ."),
        ("--certificate-lifetime", "2s", "expected at least 3s"),
        (
            "--authority-lifetime",
            "48h",
            "expected at least three times --certificate-lifetime and --rotation-wait together",
        ),
    ] {
        let expected = format!("invalid value '{value}' for '{flag}': {allowed}");
        assert_eq!(refused(&format!("{flag}={value}")), expected);
    }
}

#[test]
fn a_value_of_several_lines_is_told_in_one() {
    for (args, line) in [
        (
            ["--in-cluster=false", "--port=1\n2"],
            "'1\\n2' for '--port': expected a whole number from 0 to 65535",
        ),
        (
            ["--in-cluster=false", "--bind-address=a\nb"],
            "'a\\nb' for '--bind-address': expected an IPv4 or IPv6 address",
        ),
    ] {
        assert_eq!(run(args).refused(2), format!("invalid value {line}"));
    }
}

#[test]
fn an_unknown_cipher_suite_is_told_from_those_that_there_are() {
    let line = refused("--in-cluster=false --tls-cipher-suites=TLS_AES_128_GCM_SHA256,TLS_NOPE");
    let names =
        line.strip_prefix("invalid value 'TLS_NOPE' for '--tls-cipher-suites': expected names out of ");
    let names: Vec<_> = names.expect(&line).split(", ").collect();
    assert_eq!(names.len(), 9);
    assert!(names.contains(&"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
}

#[test]
fn a_wrong_value_is_refused_offline_too() {
    assert_eq!(
        refused("inject -f - --token-mount-path=x"),
        "invalid value 'x' for '--token-mount-path': expected an absolute path, not the root, without a colon"
    );
    assert_eq!(
        refused("inject -f - --output=yaml"),
        "invalid value 'yaml' for '--output': expected manifests or patch"
    );
}

#[test]
fn what_a_server_would_ask_for_has_to_be_given_offline() {
    for (args, missing) in [
        ("", "--aws-account-id"),
        ("--aws-partition=aws-cn", "--aws-account-id"),
        ("--aws-default-region=eu-west-1", "--aws-account-id"),
        ("--aws-account-id=123456789012", "--aws-partition"),
    ] {
        assert_eq!(
            refused(&format!("inject -f - --compose-role-arn {args}")),
            format!("'--compose-role-arn' needs '{missing}': no instance metadata is asked offline")
        );
    }
    assert_eq!(
        refused("inject -f - --ip-family=auto"),
        "invalid value 'auto' for '--ip-family': expected ipv4 or ipv6: no cluster is asked offline"
    );
}

#[test]
fn an_unknown_flag_is_named_and_the_one_that_may_be_meant() {
    assert_eq!(refused("--nope=1"), "unknown flag or argument '--nope'; see --help");
    assert_eq!(refused("--prot=1"), "unknown flag or argument '--prot'; did you mean '--port'?");
    assert_eq!(refused("-port 1"), "unknown flag or argument '-p'; see --help");
    assert_eq!(refused("inject -f - --port=1"), "unknown flag or argument '--port'; see --help");
}

#[test]
fn a_flag_without_its_value_is_named() {
    assert_eq!(refused("--port"), "'--port' needs a value");
    assert_eq!(refused("--tls-cert="), "'--tls-cert' needs a value");
    assert_eq!(refused("inject -f"), "'--filename' needs a value");
}

#[test]
fn a_stray_word_is_no_flag_and_a_boolean_s_value_is_told_its_place() {
    assert_eq!(refused("injcet -f x"), "'injcet' is neither flag nor subcommand; see --help");
    assert_eq!(refused("--in-cluster=false -- x"), "'x' is neither flag nor subcommand; see --help");
    for word in ["true", "false"] {
        assert_eq!(
            refused(&format!("--sts-regional-endpoint {word}")),
            format!("'{word}' is neither flag nor subcommand; a boolean is written --flag={word}")
        );
    }
}

#[test]
fn a_subcommand_comes_first_and_wants_a_file() {
    assert_eq!(refused("--port=1 inject -f x"), "'inject' has to come first, and its flags after it");
    assert!(refused("inject").contains("--filename <FILE>"));
    assert_eq!(
        refused("inject -f - --explain --output=patch"),
        "the argument '--explain' cannot be used with '--output <FORMAT>'; see --help"
    );
}

#[test]
fn flags_that_exclude_each_other_are_both_named() {
    for (args, one, other) in [
        ("--manifests=x --kubeconfig=y", "--manifests", "--kubeconfig"),
        ("--manifests=x --kube-api=http://y", "--manifests", "--kube-api"),
        ("--manifests=x --ip-family=auto", "--manifests", "--ip-family=auto"),
        ("--in-cluster=false --tls-ca-out=x", "--tls-ca-out", "a certificate from files or of the cluster"),
        ("--tls-ca-out=x", "--tls-ca-out", "a certificate from files or of the cluster"),
        ("--in-cluster --certificates=files", "--certificates=files", "--in-cluster=true"),
        (
            "--in-cluster=false --certificates=self-managed",
            "--certificates=self-managed",
            "--in-cluster=false",
        ),
        (
            "--in-cluster=true --manifests=x",
            "--manifests",
            "--certificates=self-managed or --in-cluster=true",
        ),
    ] {
        let line = refused(args);
        assert!(
            line.starts_with(&format!("'{one}' cannot be used together with '{other}': ")),
            "{args}: {line}"
        );
    }
}

#[test]
fn a_flag_that_means_nothing_without_another_names_it() {
    assert_eq!(
        refused("--in-cluster=false --use-pending-associations"),
        "'--use-pending-associations' needs '--watch-association-resources': it says which resources count"
    );
    for command in ["--in-cluster=false", "--manifests=x", "inject -f -"] {
        for mode in ["enforce", "warn --role-policy="] {
            assert_eq!(
                refused(&format!("{command} --role-policy-mode={mode}")),
                "'--role-policy-mode' needs '--role-policy': it says what is done about a role that the policy \
                 does not allow"
            );
        }
    }
}

#[cfg(not(feature = "eks-api"))]
#[test]
fn a_flag_of_a_feature_that_was_not_built_in_stops_the_start() {
    assert_eq!(
        refused("--in-cluster=false --watch-eks-api --eks-cluster-name=prod"),
        "'--watch-eks-api' needs the cargo feature eks-api, which this binary was built without; use an image \
         with it, or build one"
    );
}
