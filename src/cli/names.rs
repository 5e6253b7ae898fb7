//! The names under which others' manifests run this program: AWS's DaemonSet of the Pod Identity agent has the command
//! `/go-runner /eks-pod-identity-agent server`, and an init container with `initialize`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What wraps programs in AWS's images; it only runs what follows.
const WRAPPER: &str = "go-runner";

/// AWS's agent.
const AGENT: &str = "eks-pod-identity-agent";

/// The arguments as this program has them; the first is the program's name.
pub(super) fn of_this_program(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if is(arguments.first(), WRAPPER) && is(arguments.get(1), AGENT) {
        arguments.remove(0);
    }
    if is(arguments.first(), AGENT) {
        arguments.insert(1, "agent".into());
    }
    arguments
}

fn is(path: Option<&OsString>, name: &str) -> bool {
    path.and_then(|path| Path::new(path).file_name()) == Some(OsStr::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> String {
        let read = of_this_program(line.split(' ').map(OsString::from).collect());
        read.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn awss_daemon_set_runs_the_agent() {
        for (line, read) in [
            (
                "/go-runner /eks-pod-identity-agent server --port 80",
                "/eks-pod-identity-agent agent server --port 80",
            ),
            ("/go-runner /eks-pod-identity-agent initialize", "/eks-pod-identity-agent agent initialize"),
            ("eks-pod-identity-agent version", "eks-pod-identity-agent agent version"),
        ] {
            assert_eq!(arguments(line), read);
        }
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        for line in ["/webhook --in-cluster", "pod-identity-webhook agent server", "/go-runner /webhook", ""]
        {
            assert_eq!(arguments(line), line);
        }
    }
}
