//! One list of calls, made by each of AWS's clients: what they get, and what errors are called there. The table of
//! docs/associations.md is what was seen.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::join_all;
use kube::config::Kubeconfig;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::repeated;
use super::table::{Column, compared};
use crate::harness::cluster::Skipped;
use crate::harness::eks_client::{EksClient, KINDS, Kind, Outcome};
use crate::harness::eks_endpoint::CLUSTER;
use crate::harness::own_associations::{define, fill, role};
use crate::harness::{Test, command, kubeconfig, until};

/// The calls, and what is expected of each.
const CALLS: &str = include_str!("../../../../clients/calls.json");

/// More than two pages.
const CROWD: usize = 250;

/// Who calls: `admin` if nothing is said.
const USERS: [&str; 3] = ["admin", "nobody", "team"];

pub async fn every_client_makes_every_call(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    let crowd = test.in_another_namespace("crowd").await?;
    let names: Vec<_> = (0..CROWD).map(|number| format!("account-{number}")).collect();
    fill(&crowd.namespace, &names).await?;
    let users = users(&test).await?;
    let seen = join_all(KINDS.map(|kind| seen(kind, &test, &crowd, &users))).await;
    let mut columns = Vec::new();
    for (kind, seen) in KINDS.into_iter().zip(seen) {
        match seen {
            Ok(column) => columns.push(Some(column)),
            Err(error) if error.is::<Skipped>() => {
                println!("{}: {error}", kind.name());
                columns.push(None);
            }
            Err(error) => return Err(error.context(kind.name())),
        }
    }
    compared(&columns)
}

/// The kubeconfigs of [`USERS`]: one may do everything, one nothing, one all with associations in the test's namespace.
async fn users(test: &Test) -> Result<Vec<NamedTempFile>> {
    let namespace = format!("--namespace={}", test.namespace);
    test.apply(
        &json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "associations"},
            "rules": [{
                "apiGroups": ["pod-identity-webhook.dev"],
                "resources": ["podidentityassociations"],
                "verbs": ["get", "list", "create", "update", "delete"],
            }],
        })
        .to_string(),
    )
    .await?;
    let mut users = vec![kubeconfig::of_environment().await?];
    for name in USERS.iter().skip(1) {
        test.account(name, &[]).await?;
        let token = command::kubectl(["create", "token", name, &namespace]).await?;
        let mut user = kubeconfig::with_token(token.trim()).await?;
        user["contexts"][0]["context"]["namespace"] = json!(test.namespace);
        users.push(kubeconfig::written(&user)?);
    }
    let account = format!("--serviceaccount={}:team", test.namespace);
    command::kubectl(["create", "rolebinding", "team", "--role=associations", &account, &namespace]).await?;
    // The API server learns of it a moment later.
    let team = format!("--as=system:serviceaccount:{}:team", test.namespace);
    until("the team may create associations", async || {
        let words = ["auth", "can-i", "create", "podidentityassociations.pod-identity-webhook.dev"];
        let answer = command::output("kubectl", words.into_iter().chain([&*team, &*namespace]), "").await?;
        Ok((answer.code == 0).then_some(()))
    })
    .await?;
    Ok(users)
}

/// Makes all calls by one client.
async fn seen(kind: Kind, test: &Test, crowd: &Test, users: &[NamedTempFile]) -> Result<Column> {
    let mut clients = BTreeMap::new();
    for (user, kubeconfig) in USERS.into_iter().zip(users) {
        clients.insert(user, EksClient::start(kind, &test.cluster, kubeconfig.path()).await?);
    }
    let server = Kubeconfig::read_from(users[0].path())?;
    let server = server.clusters[0].cluster.as_ref().and_then(|cluster| cluster.server.clone());
    let account = format!("orders-{}", kind.name().replace(' ', "-").to_lowercase());
    let mut world = World::from([
        ("namespace".to_owned(), test.namespace.clone()),
        ("crowd".to_owned(), crowd.namespace.clone()),
        ("account".to_owned(), account),
        ("server".to_owned(), server.context("no server")?),
    ]);
    let calls: Vec<Value> = serde_json::from_str(CALLS)?;
    let mut seen = Vec::new();
    for call in &calls {
        let row = call["row"].as_str().context("no row")?;
        let user = call["as"].as_str().unwrap_or(USERS[0]);
        let client = clients.get_mut(user).context("no such user")?;
        let input = filled(&call["input"], &world);
        let name = call["call"].as_str().context("no call")?;
        let outcome = if call["paged"] == true {
            client.pages(name, input).await?
        } else {
            client.call(name, input).await?
        };
        let cell = judged(call, outcome, &mut world).with_context(|| row.to_owned())?;
        seen.push((row.to_owned(), cell));
    }
    let admin = clients.remove(USERS[0]).context("no admin")?;
    seen.push(("update-kubeconfig".to_owned(), updated(&admin, &world).await?));
    seen.push(("a create whose answer is lost".to_owned(), lost(kind, test, users[0].path()).await?));
    Ok(Column { kind, version: admin.version, cells: seen })
}

/// What the placeholders of the calls stand for.
type World = BTreeMap<String, String>;

/// Compares an outcome with what the list of calls expects, and says it in a few words.
fn judged(call: &Value, outcome: Outcome, world: &mut World) -> Result<String> {
    match (outcome, call["error"].as_str()) {
        (Ok(output), None) => {
            if let Some(pages) = output["pages"].as_u64() {
                ensure!(pages == 3, "{pages} pages");
            }
            matched(&call["output"], &output, world).with_context(|| output.to_string())?;
            Ok("yes".to_owned())
        }
        (Err(refusal), Some(name)) => {
            let words = filled(&call["message"], world);
            let words = words.as_str().context("no message")?;
            ensure!(
                refusal.name == name && refusal.message.contains(words),
                "{refusal:?}, not {name}: {words}"
            );
            let class = &refusal.class;
            Ok(if class == name { format!("`{name}`") } else { format!("`{name}`, as `{class}`") })
        }
        (outcome, _) => bail!("{outcome:?}"),
    }
}

/// A value with what the placeholders stand for.
fn filled(value: &Value, world: &World) -> Value {
    match value {
        Value::String(text) => {
            let all = world.iter();
            json!(all.fold(text.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value)))
        }
        Value::Array(all) => all.iter().map(|one| filled(one, world)).collect(),
        Value::Object(all) => all.iter().map(|(name, one)| (name.clone(), filled(one, world))).collect(),
        other => other.clone(),
    }
}

/// An error unless the value has at least what is expected; what `<NAME>` stands for is kept as `{NAME}`.
fn matched(expected: &Value, found: &Value, world: &mut World) -> Result<()> {
    match expected {
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, one)| matched(one, &found[name], world).with_context(|| name.clone())),
        Value::Array(all) => {
            let found = found.as_array().filter(|found| found.len() == all.len()).context("not as many")?;
            all.iter().zip(found).try_for_each(|(one, found)| matched(one, found, world))
        }
        Value::String(text) => match text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
            Some(what) => stands_for(what, found, world),
            None => equal(&filled(expected, world), found),
        },
        other => equal(other, found),
    }
}

fn equal(expected: &Value, found: &Value) -> Result<()> {
    ensure!(expected == found, "{found} instead of {expected}");
    Ok(())
}

fn stands_for(what: &str, found: &Value, world: &mut World) -> Result<()> {
    if let Ok(count) = what.parse::<usize>() {
        let all = found.as_array().context("no list")?;
        ensure!(all.len() == count, "{} of {count}", all.len());
        return Ok(());
    }
    if let "now" | "moment" = what {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
        let seconds = found.as_f64().context("no number")?;
        ensure!(
            seconds < now + 1.0 && (what == "moment" || seconds > now - 300.0),
            "{seconds}, and now is {now}"
        );
        return Ok(());
    }
    let text = found.as_str().filter(|text| !text.is_empty()).context("no text")?;
    world.insert(what.to_owned(), text.to_owned());
    Ok(())
}

/// `aws eks update-kubeconfig`, which no SDK has.
async fn updated(client: &EksClient, world: &World) -> Result<String> {
    if client.kind != Kind::Cli {
        return Ok("–".to_owned());
    }
    let file = tempfile::tempdir()?;
    let path = file.path().join("kubeconfig");
    let option = format!("--kubeconfig={}", path.display());
    let output = client.run(&["eks", "update-kubeconfig", "--name", CLUSTER, &option]).await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = Kubeconfig::read_from(&path)?;
    let cluster = written.clusters[0].cluster.as_ref().context("no cluster")?;
    ensure!(cluster.server.as_ref() == world.get("server"), "{:?}", cluster.server);
    ensure!(cluster.certificate_authority_data.is_some(), "no authority");
    ensure!(
        written.clusters[0].name == "arn:aws:eks:eu-west-1:000000000000:cluster/e2e",
        "{}",
        written.clusters[0].name
    );
    Ok("yes".to_owned())
}

/// Through a proxy, which not every client takes from its environment.
async fn lost(kind: Kind, test: &Test, kubeconfig: &Path) -> Result<String> {
    let (Kind::Cli | Kind::Boto3 | Kind::Rust) = kind else { return Ok("not tried".to_owned()) };
    let account = format!("lost-{kind:?}").to_lowercase();
    let calls = repeated::lose_an_answer(test, kubeconfig, kind, &account, &role(&account)).await?;
    Ok(format!("yes, with {calls} calls"))
}
