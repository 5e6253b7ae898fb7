//! The variables by which AWS's clients use the endpoint: set for the command that is run, or printed for a shell.

use std::path::Path;

use super::sigv4::AccessKey;
use super::trust::TRUST_VARIABLES;
use crate::cli::shell;

/// Variables that would have a client use another key, or another endpoint, or refuse this one: to be removed.
pub(super) const REMOVED: [&str; 6] = [
    // A profile that is named counts more than keys in the environment.
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    // The key has no session.
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ACCOUNT_ID",
    "AWS_CREDENTIAL_EXPIRATION",
];

/// Variables that would have a client ignore the endpoint, or refuse it. To take them away is not enough: `~/.aws/config`
/// may set the same, and counts less than a variable.
const OFF: [&str; 3] =
    ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"];

/// Hosts that no proxy reaches.
const LOOPBACK: &str = "127.0.0.1,localhost";

/// What a client has to be told.
pub(super) struct Variables {
    set: Vec<(&'static str, String)>,
}

impl Variables {
    /// The variables for an endpoint, its key and the file of its authority, in this environment.
    pub(super) fn new(
        url: &str,
        region: &str,
        key: &AccessKey,
        trust: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut set = vec![
            ("AWS_ENDPOINT_URL_EKS", url.to_owned()),
            // eksctl reads this one first.
            ("AWS_EKS_ENDPOINT", url.to_owned()),
            ("AWS_ACCESS_KEY_ID", key.id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", key.secret().to_owned()),
            // The first version of the command line reads the second one alone.
            ("AWS_REGION", region.to_owned()),
            ("AWS_DEFAULT_REGION", region.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        set.extend(OFF.map(|name| (name, "false".to_owned())));
        if let Some(trust) = trust {
            let path = trust.display().to_string();
            set.extend(TRUST_VARIABLES.map(|name| (name, path.clone())));
        }
        // Both spellings are read, and where a proxy is set neither leaves loopback out by itself.
        let before = |name| environment(name).filter(|before| !before.is_empty());
        for (name, other) in [("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")] {
            // A client that reads both takes one of them: what is set in the other alone has to stand there too.
            let all = match before(name).or_else(|| before(other)) {
                None => LOOPBACK.to_owned(),
                // Every host already, and only if it stands alone.
                Some(all) if all.trim() == "*" => all,
                Some(before) => format!("{before},{LOOPBACK}"),
            };
            set.push((name, all));
        }
        Self { set }
    }

    /// What is to be set.
    pub(super) fn set(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.set.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The same as lines for a shell.
    pub(super) fn lines(&self) -> String {
        let set = self.set().map(|(name, value)| format!("export {name}={}\n", shell::quoted(value)));
        set.chain([format!("unset {}\n", REMOVED.join(" "))]).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn variables(environment: &[(&str, &str)]) -> Variables {
        let key = AccessKey::new("AKIAEXAMPLE", "a/b+c");
        let trust = Path::new("/tmp/it's here.pem");
        Variables::new("https://127.0.0.1:4510", "eu-west-1", &key, Some(trust), |wanted| {
            environment.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        })
    }

    fn of(environment: &[(&str, &str)], wanted: &str) -> String {
        variables(environment).set().find(|(name, _)| *name == wanted).unwrap().1.to_owned()
    }

    #[test]
    fn a_shell_reads_the_lines_as_they_were_meant() {
        let variables = variables(&[]);
        let script = format!("{}env", variables.lines());
        let told = Command::new("sh").args(["-c", &script]).env("AWS_PROFILE", "mine").output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let told: Vec<_> = told.lines().collect();
        for (name, value) in variables.set() {
            assert!(told.contains(&format!("{name}={value}").as_str()), "{name}: {told:?}");
        }
        assert!(!told.iter().any(|line| line.starts_with("AWS_PROFILE=")), "{told:?}");
    }

    #[test]
    fn what_a_configuration_file_may_turn_on_is_turned_off() {
        for name in OFF {
            assert_eq!(of(&[(name, "true")], name), "false");
            assert!(!REMOVED.contains(&name), "{name}");
        }
        assert_eq!(of(&[], "AWS_EKS_ENDPOINT"), of(&[], "AWS_ENDPOINT_URL_EKS"));
    }

    #[test]
    fn hosts_without_a_proxy_stay_without() {
        for (before, upper, lower) in [
            (&[][..], "127.0.0.1,localhost", "127.0.0.1,localhost"),
            (&[("NO_PROXY", "a")], "a,127.0.0.1,localhost", "a,127.0.0.1,localhost"),
            (&[("no_proxy", "a"), ("NO_PROXY", "")], "a,127.0.0.1,localhost", "a,127.0.0.1,localhost"),
            (&[("NO_PROXY", "a"), ("no_proxy", "b")], "a,127.0.0.1,localhost", "b,127.0.0.1,localhost"),
            (&[("no_proxy", "*")], "*", "*"),
            (&[("NO_PROXY", "*"), ("no_proxy", "b")], "*", "b,127.0.0.1,localhost"),
        ] {
            assert_eq!((of(before, "NO_PROXY"), of(before, "no_proxy")), (upper.into(), lower.into()));
        }
    }
}
