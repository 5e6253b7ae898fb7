//! What is printed of the program itself.

use crate::support::program::{run, run_with};

/// The verbs of `associations`.
const VERBS: [&str; 8] = ["list", "describe", "create", "update", "delete", "import", "export", "definition"];

/// The help without a terminal and COLUMNS, so that the width is clap's hundred.
fn help(args: &[&str]) -> String {
    run(args.iter()).printed()
}

#[test]
fn help_reads_well() {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("help", help(&["--help"]));
        insta::assert_snapshot!("help_inject", help(&["inject", "--help"]));
        insta::assert_snapshot!("help_certificates", help(&["certificates", "--help"]));
        insta::assert_snapshot!("help_identity", help(&["identity", "--help"]));
        insta::assert_snapshot!("help_agent", help(&["agent", "--help"]));
        insta::assert_snapshot!("help_associations", help(&["associations", "--help"]));
        insta::assert_snapshot!("help_issuer", help(&["issuer", "--help"]));
        insta::assert_snapshot!("help_issuer_check", help(&["issuer", "check", "--help"]));
        insta::assert_snapshot!("help_issuer_new", help(&["issuer", "new", "--help"]));
        insta::assert_snapshot!("help_issuer_publish", help(&["issuer", "publish", "--help"]));
        insta::assert_snapshot!("help_issuer_rotate", help(&["issuer", "rotate", "--help"]));
        insta::assert_snapshot!("help_issuer_serve", help(&["issuer", "serve", "--help"]));
        for verb in VERBS {
            let name = format!("help_associations_{verb}");
            insta::assert_snapshot!(name, help(&["associations", verb, "--help"]));
        }
    });
}

#[test]
fn help_has_one_form() {
    assert_eq!(help(&["-h"]), help(&["--help"]));
    for command in ["inject", "certificates", "identity", "associations", "issuer"] {
        assert_eq!(help(&[command, "-h"]), help(&[command, "--help"]));
    }
    for verb in VERBS {
        assert_eq!(help(&["associations", verb, "-h"]), help(&["associations", verb, "--help"]));
    }
    assert_eq!(help(&["--port=1", "--help"]), help(&["--help"]));
}

#[test]
fn version_is_the_package_s() {
    let version = concat!("pod-identity-webhook ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(help(&["--version"]), version);
    assert_eq!(help(&["--version=T", "--port=1"]), version);
}

#[test]
fn an_argument_s_value_is_not_taken_from_the_environment() {
    let poisoned = [
        ("POD_IDENTITY_WEBHOOK_PORT", "tcp://10.0.0.1:443"),
        ("POD_IDENTITY_WEBHOOK_SERVICE_HOST", "10.0.0.1"),
        ("PORT", "x"),
        ("RUST_LOG", "off"),
        ("KUBECONFIG", "/nowhere"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("NAMESPACE", "other"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "junk"),
    ];
    let pod = br#"{"apiVersion":"v1","kind":"List","items":[
        {"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default",
            "annotations":{"eks.amazonaws.com/role-arn":"arn:aws:iam::111122223333:role/r"}}},
        {"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"}]}}]}"#;
    for (args, code) in [
        (&["--help"][..], 0),
        (&["inject", "-f", "-"], 0),
        (&["inject", "-f", "-", "--explain"], 0),
        (&["--in-cluster=false", "--port=x"], 2),
        (&["--in-cluster=false", "--tls-cert=/nowhere"], 1),
    ] {
        let plain = run_with(args, &[], pod);
        let other = run_with(args, &poisoned, pod);
        assert_eq!(plain.code, code, "{args:?}: {}", plain.stderr);
        assert_eq!(format!("{plain:?}"), format!("{other:?}"), "{args:?}");
    }
}
