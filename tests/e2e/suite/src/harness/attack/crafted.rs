//! Pods that no one needs, each the worst of its kind: what repeats in them, and what is multiplied by it.

/// The user's account, with a role as others have.
pub const ACCOUNT: &str = "shop";

/// The user's account with a role that is as long as annotations may be.
pub const LONG: &str = "long";

/// The user's pod that gets ephemeral containers.
pub const HELD: &str = "held";

/// A request to the API server, in the user's namespace.
pub struct Call {
    pub what: &'static str,
    pub method: &'static str,
    pub path: String,
    pub body: String,
}

/// A body for `/mutate`.
pub struct Review {
    pub what: &'static str,
    pub body: String,
}

/// A role of 250 KB: all annotations of an object may have 256 KiB.
pub fn long_role() -> String {
    format!("arn:aws:iam::111122223333:role/{}", "x".repeat(250_000))
}

/// What is sent to the API server, as dry runs: it takes 3 MiB, and asks webhooks before it validates. Nearly
/// all of them are valid pods. On others it spends half a minute by itself, and asks the webhook the less often;
/// those that are not even that go to the port.
pub fn calls() -> Vec<Call> {
    let pods = [
        ("10,000 mounts where ours belongs, on Windows", windows(10_000)),
        ("20,000 containers and 100,000 skipped names", skipped(100_000, 20_000)),
        ("20,000 containers", pod(ACCOUNT, "", &times(20_000, container))),
        ("1,000 containers that say nothing", pod(ACCOUNT, "", &times(1000, |_| "{}".to_owned()))),
        ("600 containers with a role of 250 KB", pod(LONG, "", &times(600, container))),
    ];
    let create = pods.into_iter().map(|(what, body)| Call {
        what,
        method: "POST",
        path: "pods?dryRun=All".to_owned(),
        body,
    });
    let path = format!("pods/{HELD}/ephemeralcontainers?dryRun=All");
    let body = format!(r#"{{"spec":{{"ephemeralContainers":[{}]}}}}"#, times(60_000, container));
    let debuggers = Call { what: "60,000 ephemeral containers", method: "PATCH", path, body };
    create.chain([debuggers]).collect()
}

/// What is sent to the webhook's port, which takes 7 MiB and knows no user.
pub fn reviews(namespace: &str) -> Vec<Review> {
    let created = |pod: &str| review(namespace, "CREATE", "", pod, "null");
    let ephemeral = |first: usize, count: usize| {
        let containers = times(count, |number| container(first + number));
        format!(r#"{{"spec":{{"ephemeralContainers":[{containers}]}}}}"#)
    };
    let both =
        review(namespace, "UPDATE", "ephemeralcontainers", &ephemeral(0, 60_000), &ephemeral(60_000, 60_000));
    vec![
        Review {
            what: "2,300,000 containers that say nothing",
            body: created(&pod(ACCOUNT, "", &times(2_300_000, |_| "{}".to_owned()))),
        },
        Review { what: "60,000 mounts where ours belongs, on Windows", body: created(&windows(60_000)) },
        Review {
            what: "1,000,000 skipped names and 100,000 containers",
            body: created(&skipped(1_000_000, 100_000)),
        },
        Review { what: "60,000 ephemeral containers beside 60,000 others", body: both },
        Review {
            what: "600 containers with a role of 250 KB",
            body: created(&pod(LONG, "", &times(600, container))),
        },
    ]
}

/// A review of an ordinary pod of this account.
pub fn ordinary(namespace: &str, account: &str) -> String {
    review(namespace, "CREATE", "", &pod(account, "", &container(0)), "null")
}

/// A review whose answer is as long as that of a pod that is not an attack by itself.
pub fn of_a_long_answer(namespace: &str) -> String {
    review(namespace, "CREATE", "", &pod(ACCOUNT, "", &times(900, container)), "null")
}

fn review(namespace: &str, operation: &str, subresource: &str, object: &str, old: &str) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{
        "uid":"00000000-0000-0000-0000-000000000000","kind":{{"group":"","version":"v1","kind":"Pod"}},
        "resource":{{"group":"","version":"v1","resource":"pods"}},"subResource":"{subresource}",
        "namespace":"{namespace}","operation":"{operation}","object":{object},"oldObject":{old}}}}}"#
    )
}

/// A pod as text: `spec` ends with a comma, `containers` stand between theirs.
fn pod(account: &str, spec: &str, containers: &str) -> String {
    annotated("", account, spec, containers)
}

fn annotated(metadata: &str, account: &str, spec: &str, containers: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{{metadata}"name":"crafted"}},
        "spec":{{{spec}"serviceAccountName":"{account}","containers":[{containers}]}}}}"#
    )
}

/// One container that mounts something at every path which the webhook tries, each compared as Windows does.
fn windows(mounts: usize) -> String {
    let path = "/var/run/secrets/eks.amazonaws.com/serviceaccount";
    let mounts = times(mounts, |number| match number {
        0 => format!(r#"{{"name":"v","mountPath":"{path}"}}"#),
        _ => format!(r#"{{"name":"v","mountPath":"{path}-{}"}}"#, number + 1),
    });
    let container = format!(r#"{{"name":"main","image":"none.invalid/none","volumeMounts":[{mounts}]}}"#);
    let spec = r#""nodeSelector":{"kubernetes.io/os":"windows"},"volumes":[{"name":"v","emptyDir":{}}],"#;
    pod(ACCOUNT, spec, &container)
}

fn skipped(names: usize, containers: usize) -> String {
    let metadata =
        format!(r#""annotations":{{"eks.amazonaws.com/skip-containers":"{}"}},"#, "a,".repeat(names));
    annotated(&metadata, ACCOUNT, "", &times(containers, container))
}

fn container(number: usize) -> String {
    format!(r#"{{"name":"c{number}","image":"i"}}"#)
}

fn times(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(",")
}
