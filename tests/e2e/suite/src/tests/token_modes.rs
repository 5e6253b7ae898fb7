//! Who can read a projected token: what the webhook takes kubelet to do with users, groups and modes is what it
//! does. A volume of the pod's own is reused only where all its containers can read it.

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use injection::Pod;
use injection::annotation::Prefix;
use serde_json::{Value, json};

use crate::harness::injected::{MOUNT, TOKEN_FILE, VOLUME};
use crate::harness::test::CHECKOUT_ROLE;
use crate::harness::{Injected, Report, Test, workload};

/// Prints what a container's user makes of the file, in one JSON line.
const READ: &str = r#"
import json, os
status = os.stat("/sts/token")
try:
    readable = len(open("/sts/token").read()) > 0
except PermissionError:
    readable = False
print(json.dumps({"mode": oct(status.st_mode & 0o777), "owner": [status.st_uid, status.st_gid], "readable": readable}))
"#;

const ROOT: Option<u32> = Some(0);
const ONE: Option<u32> = Some(1000);
const OTHER: Option<u32> = Some(1001);

/// A pod's volume and users, and what became of the file.
struct Shape {
    name: &'static str,
    mode: u32,
    security: Value,
    /// The user of each container; `None` names none.
    users: &'static [Option<u32>],
    file: &'static str,
}

fn shapes() -> Vec<Shape> {
    let shape = |name, mode, security, users, file| Shape { name, mode, security, users, file };
    vec![
        shape("usual-of-two-users", 0o644, json!({}), &[ONE, OTHER], "0o644 [0, 0]"),
        shape("hidden-of-two-users", 0o400, json!({}), &[ONE, OTHER], "0o400 [0, 0]"),
        shape("for-roots-group-of-two-users", 0o440, json!({}), &[ONE, OTHER], "0o440 [0, 0]"),
        shape("hidden-of-root-and-a-user", 0o400, json!({}), &[ROOT, ONE], "0o400 [0, 0]"),
        shape("hidden-of-root-alone", 0o400, json!({}), &[ROOT, ROOT], "0o600 [0, 0]"),
        shape("hidden-of-one-user", 0o400, json!({}), &[ONE, ONE], "0o600 [1000, 0]"),
        shape("hidden-of-the-pods-user", 0o400, json!({"runAsUser": 1000}), &[None, None], "0o600 [1000, 0]"),
        shape(
            "hidden-of-the-pods-user-but-one",
            0o400,
            json!({"runAsUser": 1000}),
            &[None, OTHER],
            "0o400 [0, 0]",
        ),
        shape("hidden-of-a-group", 0o400, json!({"fsGroup": 2000}), &[ONE, OTHER], "0o640 [0, 2000]"),
        shape(
            "hidden-of-one-user-and-a-group",
            0o400,
            json!({"fsGroup": 2000}),
            &[ONE, ONE],
            "0o640 [1000, 2000]",
        ),
    ]
}

/// Each shape's file is as it is expected, and the webhook's rule says who can read it.
pub async fn token_is_readable_for_whom_the_rule_says(test: Test) -> Result<()> {
    let image = test.image("client-boto3")?;
    let judged = shapes().into_iter().map(|shape| judge(&test, &image, shape));
    let wrong: Vec<_> = try_join_all(judged).await?.into_iter().flatten().collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What is not as expected.
async fn judge(test: &Test, image: &str, shape: Shape) -> Result<Option<String>> {
    let Shape { name, mode, security, users, file } = shape;
    let pod = workload::of_spec(name, &spec("default", image, mode, &security, users));
    let rule = {
        let json = pod.to_string();
        let prefix = Prefix::new("eks.amazonaws.com").context("a prefix")?;
        let read = Pod::decode(&json, &prefix)?;
        read.readers(read.containers.iter()).can_read(i64::from(mode))
    };
    test.create(pod).await?;
    let mut readable = true;
    let mut seen = Vec::new();
    for number in 0..users.len() {
        let report = test.printed(name, &container(number)).await?;
        readable &= report["readable"] == true;
        seen.push(format!("{} {}", report["mode"].as_str().unwrap_or_default(), spaced(&report["owner"])));
    }
    // A user that the image does not know gets root's group, which the rule cannot know either.
    let may_be_in_group = mode & 0o040 != 0;
    let is_right = (readable == rule || readable && may_be_in_group) && seen.iter().all(|seen| seen == file);
    Ok((!is_right).then(|| {
        format!("{name}: readable for all {readable}, by the rule {rule}; {seen:?}, expected {file}")
    }))
}

fn spaced(owner: &Value) -> String {
    format!("[{}, {}]", owner[0], owner[1])
}

fn container(number: usize) -> String {
    format!("c{number}")
}

fn spec(account: &str, image: &str, mode: u32, security: &Value, users: &[Option<u32>]) -> Value {
    let mut spec = workload::pod_spec(account, &json!({}));
    let fields = json!({
        "image": image,
        "command": ["python3", "-c", READ],
        "volumeMounts": [{"name": "sts", "mountPath": "/sts", "readOnly": true}],
    });
    let containers = users.iter().enumerate().map(|(number, user)| {
        let mut container = workload::container(&container(number), &fields);
        if let Some(user) = user {
            container["securityContext"] = json!({"runAsUser": user});
        }
        container
    });
    spec["containers"] = containers.collect();
    spec["securityContext"] = security.clone();
    let token = json!({"audience": "sts.amazonaws.com", "expirationSeconds": 86_400, "path": "token"});
    spec["volumes"] = json!([
        {"name": "sts", "projected": {"defaultMode": mode, "sources": [{"serviceAccountToken": token}]}}
    ]);
    spec
}

/// A token that only root may read is not handed to other users: ours stands beside it, and they read that.
pub async fn token_that_a_container_cannot_read_is_not_reused(test: Test) -> Result<()> {
    test.account("checkout", &[("role-arn", CHECKOUT_ROLE)]).await?;
    let image = test.image("client-boto3")?;
    let mut spec = spec("checkout", &image, 0o400, &json!({}), &[Some(1000), Some(1001)]);
    for number in 0..2 {
        spec["containers"][number]["command"] = workload::report(&image)["command"].clone();
    }
    let pod = test.create(workload::of_spec("hidden", &spec)).await?;
    let injected = Injected(&pod);
    assert_eq!(injected.volumes(VOLUME).len(), 1);
    for name in ["c0", "c1"] {
        assert_eq!(injected.mounts(name, VOLUME), [(MOUNT, true)], "{name}");
        let report = Report::of(&test, "hidden", name).await?;
        assert!(report.env().contains(&("AWS_WEB_IDENTITY_TOKEN_FILE", TOKEN_FILE)), "{name}");
        assert_eq!(report.token()?.claim("aud"), &json!(["sts.amazonaws.com"]), "{name}");
    }
    Ok(())
}
