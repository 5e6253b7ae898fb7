//! `identity`, run as a pod's container would run it.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Run, run_with};

const ROLE: &str = "arn:aws:iam::123456789012:role/shop-orders";
const AGENT: &str = "http://169.254.170.23/v1/credentials";

/// The part of a token that must not be seen.
const SIGNATURE: &str = "c2lnbmF0dXJl";

/// A pod's token, in a file of its own.
struct Token {
    folder: TempDir,
}

impl Token {
    fn of(text: &str) -> Self {
        let token = Self { folder: TempDir::new().unwrap() };
        std::fs::write(token.folder.path().join("token"), text).unwrap();
        token
    }

    /// A token of this audience that expires in so many seconds.
    fn with(audience: &Value, seconds: i64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "aud": audience, "exp": i64::try_from(now).unwrap() + seconds, "iss": "https://issuer",
            "sub": "system:serviceaccount:shop:orders",
            "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "orders"}},
        });
        let [head, payload] = [r#"{"alg":"RS256"}"#.to_owned(), claims.to_string()];
        let [head, payload] = [head, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
        Self::of(&format!("{head}.{payload}.{SIGNATURE}"))
    }

    fn irsa() -> Self {
        Self::with(&json!(["sts.amazonaws.com"]), 3610)
    }

    fn path(&self) -> String {
        self.folder.path().join("token").display().to_string()
    }

    /// Runs `identity` in a pod of IRSA with this token.
    fn run(&self, args: &[&str]) -> Run {
        let path = self.path();
        identity(args, &[("AWS_ROLE_ARN", ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", &path)])
    }

    /// The same in a pod of EKS Pod Identity.
    fn run_with_agent(&self, args: &[&str]) -> Run {
        let path = self.path();
        let pair = [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AGENT),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &path),
        ];
        identity(args, &pair)
    }
}

fn identity(args: &[&str], environment: &[(&str, &str)]) -> Run {
    let run = run_with([&["identity"], args].concat(), environment, b"");
    assert!(!format!("{run:?}").contains(SIGNATURE), "the token is printed: {run:?}");
    run
}

/// The one line that says what is wrong, whatever was printed.
fn problem(run: &Run) -> &str {
    assert_eq!(run.code, 1, "{run:?}");
    let line = run.stderr.strip_prefix("pod-identity-webhook: ").expect("the program's name");
    let line = line.strip_suffix('\n').expect("a whole line");
    assert!(!line.contains('\n'), "more than a line:\n{line}");
    line
}

/// The value of a line of what was printed.
fn value<'a>(run: &'a Run, name: &str) -> &'a str {
    let line = run.stdout.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in {}", run.stdout)).trim()
}

#[test]
fn identity_of_irsa_is_told_with_its_role_and_its_token() {
    let token = Token::irsa();
    for args in [&[][..], &["--audience=sts.amazonaws.com", &format!("--role-arn={ROLE}")]] {
        let run = token.run(args);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert_eq!(value(&run, "method"), "IRSA");
        assert_eq!(value(&run, "role"), ROLE);
        assert_eq!(value(&run, "token file"), token.path());
        assert_eq!(value(&run, "audience"), "sts.amazonaws.com");
        assert_eq!(value(&run, "account"), "shop/orders");
        assert!(value(&run, "expires").ends_with("Z, in 1h"), "{}", run.stdout);
        assert_eq!(run.stdout.lines().count(), 6);
    }
}

#[test]
fn identity_of_an_association_is_told_with_its_agent() {
    let token = Token::with(&json!("pods.eks.amazonaws.com"), 30);
    let run = token.run_with_agent(&["--audience=pods.eks.amazonaws.com"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(value(&run, "method"), "EKS Pod Identity");
    assert_eq!(value(&run, "agent"), AGENT);
    assert_eq!(value(&run, "audience"), "pods.eks.amazonaws.com");
    let run = token.run_with_agent(&[&format!("--role-arn={ROLE}")]);
    assert!(problem(&run).contains("the pod has EKS Pod Identity, whose role only AWS knows"), "{run:?}");
}

#[test]
fn web_identity_wins_over_an_agent_and_keys_over_both() {
    let token = Token::irsa();
    let path = token.path();
    let mut set = vec![
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", path.as_str()),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AGENT),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nowhere"),
    ];
    let run = identity(&[], &set);
    assert_eq!((run.code, value(&run, "method")), (0, "IRSA"));
    set.extend([("AWS_ACCESS_KEY_ID", "AKIA1"), ("AWS_SECRET_ACCESS_KEY", "hidden")]);
    let run = identity(&[], &set);
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set too"), "{run:?}");
    assert!(!format!("{run:?}").contains("AKIA1") && !format!("{run:?}").contains("hidden"));
}

#[test]
fn pod_without_an_identity_is_told_what_to_do() {
    for environment in [&[][..], &[("AWS_ROLE_ARN", ""), ("AWS_WEB_IDENTITY_TOKEN_FILE", "")]] {
        let run = identity(&[], environment);
        assert!(problem(&run).starts_with("this pod has no AWS identity: none of AWS_ROLE_ARN, "), "{run:?}");
        assert!(run.stdout.is_empty());
    }
}

#[test]
fn half_a_pair_is_named_with_its_other_half() {
    for (there, missing) in [
        ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    ] {
        for (there, missing) in [(there, missing), (missing, there)] {
            let expected =
                format!("this pod has half of an AWS identity: {there} is set and {missing} is not;");
            let run = identity(&[], &[(there, "x")]);
            assert!(problem(&run).starts_with(&expected), "{run:?}");
        }
    }
}

#[test]
fn token_file_that_cannot_be_read_is_named() {
    let token = Token::irsa();
    std::fs::remove_file(token.path()).unwrap();
    let missing = format!("failed to read the token file {}: No such file or directory", token.path());
    for run in [token.run(&[]), token.run_with_agent(&[])] {
        assert!(problem(&run).starts_with(&missing), "{run:?}");
        assert!(value(&run, "method").len() > 3, "what is known is printed all the same");
    }
    std::fs::create_dir(token.path()).unwrap();
    assert!(problem(&token.run(&[])).contains(": not a regular file; "));
    let large = Token::of(&"a".repeat((1 << 20) + 1));
    assert!(problem(&large.run(&[])).contains(": larger than 1 MiB; "));
}

#[test]
fn file_without_a_token_is_not_quoted() {
    for (text, why) in [
        ("", "it is empty"),
        ("hunter2", "it does not have the three parts of a JSON web token"),
        ("a.hunter2!.c", "its payload is not base64"),
        ("a.aHVudGVyMg.c", "its payload does not have the audience, subject and expiry"),
    ] {
        for run in [Token::of(text).run(&[]), Token::of(text).run_with_agent(&[])] {
            assert!(problem(&run).contains(&format!("holds no token: {why}")), "{run:?}");
            assert!(!format!("{run:?}").contains("hunter2"));
        }
    }
}

#[test]
fn expired_token_is_no_identity() {
    let token = Token::with(&json!(["sts.amazonaws.com"]), -120);
    for run in [token.run(&[]), token.run_with_agent(&[])] {
        assert!(problem(&run).starts_with("the token expired 2m "), "{run:?}");
        assert!(value(&run, "expires").ends_with(" ago"));
    }
}

#[test]
fn role_and_audience_have_to_be_those_that_are_asked_for() {
    let token = Token::irsa();
    let run = token.run(&["--role-arn=arn:aws:iam::123456789012:role/shop"]);
    let role = format!("the role is {ROLE}, not arn:aws:iam::123456789012:role/shop as --role-arn asks for;");
    assert!(problem(&run).starts_with(&role), "{run:?}");
    let run = token.run(&["--audience=sts.amazonaws.com.cn"]);
    assert!(
        problem(&run).starts_with("the token does not have the audience sts.amazonaws.com.cn "),
        "{run:?}"
    );
    let several = Token::with(&json!(["a", "sts.amazonaws.com"]), 60);
    let run = several.run(&["--audience=sts.amazonaws.com"]);
    assert_eq!((run.code, value(&run, "audience")), (0, "a, sts.amazonaws.com"));
}

#[test]
fn what_others_wrote_breaks_no_line() {
    let token = Token::with(&json!("a\nmethod: none\u{202e}"), 60);
    let path = token.path();
    let run = identity(&[], &[("AWS_ROLE_ARN", "r\nx"), ("AWS_WEB_IDENTITY_TOKEN_FILE", &path)]);
    assert_eq!((run.code, value(&run, "role")), (0, r#""r\nx""#));
    assert_eq!(value(&run, "audience"), r#""a\nmethod: none\u{202e}""#);
    assert_eq!(run.stdout.lines().count(), 6);
}

#[test]
fn empty_flags_are_refused_as_usage() {
    for flag in ["--role-arn", "--audience"] {
        let line = run_with(["identity", &format!("{flag}=")], &[], b"").refused(2);
        assert_eq!(line, format!("'{flag}' needs a value"));
    }
}
