//! The agent's command line in the real program.

use crate::support::program::run;

/// What is said of a name that no cluster can have, whichever way the agent is called.
#[test]
fn the_server_is_started_with_its_word_and_without() {
    let refused = "invalid value 'a b' for '--cluster-name': ";
    for words in [&["agent", "--cluster-name=a b"][..], &["agent", "server", "-c", "a b"]] {
        let line = run(words.iter()).refused(2);
        assert!(line.starts_with(refused), "{line}");
    }
}

#[test]
fn a_cluster_has_to_be_named() {
    for words in [&["agent"][..], &["agent", "server"]] {
        let line = run(words.iter()).refused(2);
        assert!(line.starts_with("invalid value '' for '--cluster-name': "), "{line}");
    }
}

#[test]
fn what_cannot_be_had_is_refused_in_a_line() {
    for (flag, words) in [
        ("--rotate-credentials", "hybrid nodes' shared credentials are not read again: leave it out"),
        ("--credential-duration=5m", "expected 15m to 12h"),
        ("--bind-hosts=localhost", "expected IPv4 and IPv6 addresses with commas"),
    ] {
        let line = run(["agent", "--cluster-name=prod", flag].iter()).refused(2);
        assert!(line.ends_with(words), "{line}");
    }
    let resources =
        ["agent", "--cluster-name=prod", "--upstream=web-identity", "--watch-association-resources=x"];
    let line = run(resources.iter()).refused(2);
    assert!(line.ends_with("expected own, ack, crossplane or several of them with commas"), "{line}");
}
