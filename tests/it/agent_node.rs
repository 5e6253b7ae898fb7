//! `agent initialize` and `agent teardown` on a real kernel, each test in a network namespace of its own.
//!
//! They need root and util-linux (`unshare`, `nsenter`, `setpriv`), and say so where they cannot run. They take
//! whichever type of link the kernel has. That of the machine on which they were written has no dummy device: only
//! bridges were seen there.

use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::process::PROGRAM;

/// A network namespace, which ends when it is dropped.
struct Namespace(Child);

/// How a run ended.
struct Ended {
    code: i32,
    out: String,
    lines: Vec<String>,
}

impl Namespace {
    /// A fresh one, or nothing where there can be none.
    fn fresh() -> Option<Self> {
        let missing: Vec<_> =
            ["unshare", "nsenter", "setpriv"].into_iter().filter(|name| !is_there(name)).collect();
        if !missing.is_empty() {
            eprintln!("skipped: this test needs {}", missing.join(" and "));
            return None;
        }
        if !Command::new("unshare").args(["--net", "true"]).output().unwrap().status.success() {
            eprintln!("skipped: this test makes network namespaces, which needs root");
            return None;
        }
        // It ends with its input, should this process be killed.
        let mut holder = Command::new("unshare");
        let child =
            holder.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let namespace = Self(child);
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        let since = Instant::now();
        while fs::read_link(namespace.path("ns/net")).unwrap() == own {
            assert!(since.elapsed() < Duration::from_secs(10), "unshare has made no namespace");
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(namespace)
    }

    fn path(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.0.id())
    }

    /// Runs a program within it.
    fn run(&self, words: &[&str]) -> Output {
        let net = format!("--net={}", self.path("ns/net"));
        Command::new("nsenter").arg(net).args(words).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs the agent within it.
    fn agent(&self, before: &[&str], words: &[&str]) -> Ended {
        let Output { status, stdout, stderr } = self.run(&[before, &[PROGRAM, "agent"], words].concat());
        let line =
            |line: &str| line.strip_prefix("pod-identity-webhook: ").expect("the program's name").to_owned();
        Ended {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            lines: String::from_utf8(stderr).unwrap().lines().map(line).collect(),
        }
    }

    fn initialize(&self, flags: &[&str]) -> Ended {
        self.agent(&[], &[&["initialize"], flags].concat())
    }

    fn teardown(&self, flags: &[&str]) -> Ended {
        self.agent(&[], &[&["teardown"], flags].concat())
    }

    /// A table of its network, by the kernel.
    fn table(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("net/{name}"))).unwrap()
    }

    /// Lines of a table that name a link.
    fn lines(&self, table: &str, link: &str) -> Vec<String> {
        let is_of_it = |line: &&str| line.split([' ', '\t', ':']).any(|word| word == link);
        self.table(table).lines().filter(is_of_it).map(str::to_owned).collect()
    }

    /// Everything by which a change would be seen: number, addresses and routes of the link.
    fn seen(&self, link: &str) -> Vec<Vec<String>> {
        ["if_inet6", "route", "ipv6_route", "dev_mcast"].map(|table| self.lines(table, link)).into()
    }

    fn has_link(&self, link: &str) -> bool {
        !self.lines("dev", link).is_empty()
    }

    /// Whether the address is this namespace's own, by the table of local routes.
    fn has_v4(&self) -> bool {
        let trie = self.table("fib_trie");
        trie.lines().zip(trie.lines().skip(1)).any(|(address, kind)| {
            address.trim().trim_start_matches("|-- ") == "169.254.170.23" && kind.contains("/32 host LOCAL")
        })
    }

    /// The link's IPv6 address, with its length, scope and flags.
    fn v6(&self, link: &str) -> Option<String> {
        let mut lines = self.lines("if_inet6", link).into_iter();
        lines.find(|line| line.starts_with("fd000ec2000000000000000000000023"))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Ended {
    /// What a run has printed that went well, and the lines of notes.
    #[track_caller]
    fn went_well(self) -> (String, Vec<String>) {
        assert_eq!(self.code, 0, "{:?}", self.lines);
        (self.out.strip_suffix('\n').expect("a whole line").to_owned(), self.lines)
    }

    /// The lines of a run that failed.
    #[track_caller]
    fn failed(self) -> Vec<String> {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{:?}", self.lines);
        self.lines
    }
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The type of link that the kernel gave, by what a run has printed.
fn kind(printed: &str) -> &str {
    ["dummy", "bridge"].into_iter().find(|kind| printed.contains(&format!("({kind})"))).expect("a type")
}

const LINK: &str = "pod-id-link0";

#[test]
fn addresses_and_routes_are_made_and_found_the_second_time() {
    let Some(namespace) = Namespace::fresh() else { return };
    let (printed, notes) = namespace.initialize(&[]).went_well();
    let kind = kind(&printed);
    assert!(printed.starts_with(&format!("made: link {LINK} ({kind}), address 169.254.170.23")), "{printed}");
    assert_eq!(notes.len(), usize::from(kind == "bridge"), "{notes:?}");
    assert!(namespace.has_v4());
    // A /128 of global scope that is not tentative (0x40): it can be listened at right away.
    let v6 = namespace.v6(LINK).expect("the IPv6 address");
    let [_, _, length, scope, flags, _] = v6.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((length, scope, u8::from_str_radix(flags, 16).unwrap() & 0x40), ("80", "00", 0), "{v6}");
    let routes = namespace.lines("route", LINK);
    assert_eq!(routes.len(), 1, "{routes:?}");
    // Destination in the machine's byte order, the flags up and host.
    let destination = format!("{:08X}", u32::from_ne_bytes([169, 254, 170, 23]));
    let words: Vec<_> = routes[0].split_whitespace().collect();
    assert_eq!((words[1], words[3], words[7]), (destination.as_str(), "0005", "FFFFFFFF"));
    let to_v6 = |line: &String| line.starts_with("fd000ec2000000000000000000000023 80");
    assert!(namespace.lines("ipv6_route", LINK).iter().any(to_v6));

    let seen = namespace.seen(LINK);
    let (printed, notes) = namespace.initialize(&[]).went_well();
    let expected = format!(
        "nothing to do; was there: link {LINK} ({kind}), address 169.254.170.23, route to 169.254.170.23, address \
         fd00:ec2::23, route to fd00:ec2::23"
    );
    assert_eq!((printed, notes), (expected, Vec::new()));
    assert_eq!(namespace.seen(LINK), seen);
}

#[test]
fn what_is_missing_of_a_link_is_made_good() {
    let Some(namespace) = Namespace::fresh() else { return };
    namespace.initialize(&[]).went_well();
    // IPv6 loses its addresses, and what is made for IPv4 stays.
    let set = |value| {
        let command = format!("echo {value} > /proc/sys/net/ipv6/conf/all/disable_ipv6");
        namespace.run(&["sh", "-c", &command]).status.success()
    };
    if !(set("1") && set("0")) {
        eprintln!("skipped: this test writes to /proc/sys");
        return;
    }
    assert_eq!(namespace.v6(LINK), None);
    let (printed, _) = namespace.initialize(&[]).went_well();
    assert!(printed.starts_with("made: address fd00:ec2::23"), "{printed}");
    assert!(printed.contains("was there: link pod-id-link0"), "{printed}");
    assert!(namespace.v6(LINK).is_some());
}

#[test]
fn another_interface_with_the_addresses_is_named() {
    let Some(namespace) = Namespace::fresh() else { return };
    namespace.initialize(&["--link=other0"]).went_well();
    let lines = namespace.initialize(&[]).failed();
    let said = |text: &str| lines.iter().any(|line| line.starts_with(text));
    assert!(said("169.254.170.23 is on other0 already"), "{lines:?}");
    assert!(said("fd00:ec2::23 is on other0 already"), "{lines:?}");
    assert!(
        said("the main routing table sends packets to 169.254.170.23 through other0 already"),
        "{lines:?}"
    );
    assert!(!namespace.has_link(LINK), "a link was made");
    // The way out that the message names.
    let (printed, _) = namespace.initialize(&["--link=other0"]).went_well();
    assert!(printed.starts_with("nothing to do"), "{printed}");
}

#[test]
fn node_without_ipv6_gets_the_other_address_and_a_warning() {
    let Some(namespace) = Namespace::fresh() else { return };
    let disable = "for of in all default; do echo 1 > /proc/sys/net/ipv6/conf/$of/disable_ipv6; done";
    if !namespace.run(&["sh", "-c", disable]).status.success() {
        eprintln!("skipped: this test writes to /proc/sys");
        return;
    }
    for expected in ["made: ", "nothing to do; "] {
        let (printed, notes) = namespace.initialize(&[]).went_well();
        assert!(printed.starts_with(expected), "{printed}");
        assert!(
            printed.contains("route to 169.254.170.23") && !printed.contains("fd00:ec2::23"),
            "{printed}"
        );
        let warning = notes.last().expect("a warning");
        assert!(
            warning.starts_with("no IPv6 for the agent: failed to put fd00:ec2::23/128 on pod-id-link0"),
            "{warning}"
        );
        assert!(warning.contains("disable_ipv6"), "{warning}");
        let follows =
            "SDKs that ask at [fd00:ec2::23] get no answer, and the agent listens at 169.254.170.23 alone";
        assert!(warning.ends_with(follows), "{warning}");
        assert!(namespace.has_v4());
    }
    namespace.teardown(&[]).went_well();
    assert!(!namespace.has_link(LINK));
}

#[test]
fn capability_that_is_missing_is_named() {
    let Some(namespace) = Namespace::fresh() else { return };
    let without = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"];
    let needs = "it needs CAP_NET_ADMIN in the host's network namespace (hostNetwork: true)";
    let lines = namespace.agent(&without, &["initialize"]).failed();
    assert_eq!(lines, [format!("not allowed to make the link {LINK}: {needs}")]);
    namespace.initialize(&[]).went_well();
    // What is there can be seen without a right.
    let (printed, _) = namespace.agent(&without, &["initialize"]).went_well();
    assert!(printed.starts_with("nothing to do"), "{printed}");
    let lines = namespace.agent(&without, &["teardown"]).failed();
    assert_eq!(lines, [format!("not allowed to remove {LINK}: {needs}")]);
}

#[test]
fn teardown_removes_what_was_made_and_then_has_nothing_to_do() {
    let Some(namespace) = Namespace::fresh() else { return };
    let (printed, _) = namespace.initialize(&[]).went_well();
    let kind = kind(&printed);
    let (printed, notes) = namespace.teardown(&[]).went_well();
    assert_eq!(printed, format!("removed: link {LINK} ({kind}) with its addresses and routes"));
    assert!(notes.is_empty());
    assert!(!namespace.has_link(LINK) && !namespace.has_v4());
    assert!(namespace.lines("route", LINK).is_empty());
    let (printed, _) = namespace.teardown(&[]).went_well();
    assert_eq!(printed, format!("nothing to do: there is no link {LINK}"));
}

#[test]
fn link_of_another_kind_is_left_alone() {
    let Some(namespace) = Namespace::fresh() else { return };
    let [line] = namespace.initialize(&["--link=lo"]).failed().try_into().unwrap();
    assert!(line.starts_with("lo is a link of type loopback already"), "{line}");
    let [line] = namespace.teardown(&["--link=lo"]).failed().try_into().unwrap();
    assert!(line.starts_with("lo is left as it is: it is a link of type loopback"), "{line}");
    namespace.initialize(&["--link-type=bridge"]).went_well();
    let [line] = namespace.initialize(&["--link-type=dummy"]).failed().try_into().unwrap();
    assert!(
        line.starts_with("pod-id-link0 is a bridge already: remove it with 'agent teardown' first"),
        "{line}"
    );
}

#[test]
fn type_that_the_kernel_does_not_have_is_named() {
    let Some(namespace) = Namespace::fresh() else { return };
    let (printed, _) = namespace.initialize(&[]).went_well();
    namespace.teardown(&[]).went_well();
    let dummy = namespace.initialize(&["--link-type=dummy"]);
    if kind(&printed) == "dummy" {
        let (printed, notes) = dummy.went_well();
        assert_eq!((kind(&printed), notes), ("dummy", Vec::new()));
        return;
    }
    let [line] = dummy.failed().try_into().unwrap();
    assert!(line.starts_with("the kernel has no dummy device: load its module on the node"), "{line}");
    assert!(!namespace.has_link(LINK));
}

#[test]
fn bridge_with_ports_is_left_alone() {
    if !is_there("ip") {
        eprintln!("skipped: this test makes links of other kinds with ip");
        return;
    }
    let Some(namespace) = Namespace::fresh() else { return };
    namespace.initialize(&["--link-type=bridge"]).went_well();
    let ip = |words: &str| {
        let words: Vec<_> = ["ip"].into_iter().chain(words.split(' ')).collect();
        let output = namespace.run(&words);
        assert!(output.status.success(), "{words:?}: {output:?}");
    };
    ip("link add port0 type veth peer name port1");
    ip(&format!("link set port0 master {LINK}"));
    let [line] = namespace.initialize(&[]).failed().try_into().unwrap();
    assert!(line.starts_with("pod-id-link0 is a bridge already, with the ports port0,"), "{line}");
    let [line] = namespace.teardown(&[]).failed().try_into().unwrap();
    assert!(line.contains("it is a bridge with the ports port0,"), "{line}");
    ip("link set port0 nomaster");
    ip(&format!("address add 10.1.2.3/24 dev {LINK}"));
    let [line] = namespace.teardown(&[]).failed().try_into().unwrap();
    assert!(line.contains("it has 10.1.2.3/24 too"), "{line}");
    ip(&format!("address del 10.1.2.3/24 dev {LINK}"));
    ip("link add pod-id-veth type veth peer name port2");
    let [line] = namespace.teardown(&["--link=pod-id-veth"]).failed().try_into().unwrap();
    assert!(line.contains("it is a link of type veth"), "{line}");
    // A route alone stands in the way too, and a link that is down is set up.
    ip("link set port1 up");
    ip("route replace 169.254.170.23/32 dev port1");
    let [line] = namespace.initialize(&[]).failed().try_into().unwrap();
    assert!(line.contains("169.254.170.23 through port1 already"), "{line}");
    ip("route del 169.254.170.23/32 dev port1");
    ip(&format!("link set {LINK} down"));
    let (printed, _) = namespace.initialize(&[]).went_well();
    assert!(printed.starts_with("made: its state up, route to 169.254.170.23"), "{printed}");
}
