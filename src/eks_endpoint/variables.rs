//! The variables by which AWS's clients use the endpoint: set for the command that is run, or printed for a shell.

use std::path::Path;

use super::sigv4::AccessKey;

/// Variables that would have a client use another key, or another endpoint, or refuse this one: to be removed.
pub(super) const REMOVED: [&str; 9] = [
    // A profile that is named counts more than keys in the environment.
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    // The key has no session.
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    // Clients refuse an endpoint of one's own together with these.
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_ACCOUNT_ID",
    "AWS_CREDENTIAL_EXPIRATION",
];

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
            ("AWS_ACCESS_KEY_ID", key.id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", key.secret().to_owned()),
            // The first version of the command line reads the second one alone.
            ("AWS_REGION", region.to_owned()),
            ("AWS_DEFAULT_REGION", region.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        if let Some(trust) = trust {
            let path = trust.display().to_string();
            // The command line and boto3; Rust and Go; JavaScript.
            let names = ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"];
            set.extend(names.map(|name| (name, path.clone())));
        }
        // Both spellings are read, and where a proxy is set neither leaves loopback out by itself.
        for name in ["NO_PROXY", "no_proxy"] {
            let before = environment(name).filter(|before| !before.is_empty());
            let all = before.map_or_else(|| LOOPBACK.to_owned(), |before| format!("{before},{LOOPBACK}"));
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
        let set = self.set().map(|(name, value)| format!("export {name}={}\n", quoted(value)));
        set.chain([format!("unset {}\n", REMOVED.join(" "))]).collect()
    }
}

/// A value as a POSIX shell reads it back, whatever it holds.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn variables() -> Variables {
        let key = AccessKey::new("AKIAEXAMPLE", "a/b+c");
        let proxies = |name: &str| (name == "NO_PROXY").then(|| "10.0.0.0/8".to_owned());
        let trust = Path::new("/tmp/it's here.pem");
        Variables::new("https://127.0.0.1:4510", "eu-west-1", &key, Some(trust), proxies)
    }

    #[test]
    fn a_shell_reads_the_lines_as_they_were_meant() {
        let variables = variables();
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
    fn hosts_without_a_proxy_stay_without() {
        let variables = variables();
        let of = |wanted: &str| variables.set().find(|(name, _)| *name == wanted).unwrap().1.to_owned();
        assert_eq!(of("NO_PROXY"), "10.0.0.0/8,127.0.0.1,localhost");
        assert_eq!(of("no_proxy"), "127.0.0.1,localhost");
    }
}
