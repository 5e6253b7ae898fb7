//! `associations list`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::args::{ListArgs, ListOutput, ScopeArgs};
use super::refusal::{Asked, Refusal};
use super::target::Target;
use super::{Ended, manifest, table};
use crate::association::{Association, Listing, Unreadable};
use crate::cli::exit::{print, say};

pub(super) async fn run(args: &ListArgs) -> Ended {
    let ListArgs { output, scope, cluster } = args;
    let target = Target::find(cluster, scope.namespace.as_deref()).await?;
    let Listing { kept: associations, unreadable } = all(&target, scope).await?;
    say_unreadable(&unreadable);
    if associations.is_empty()
        && unreadable.is_empty()
        && matches!(output, ListOutput::Table | ListOutput::Name)
    {
        say(nothing(&target, scope));
        return Ok(print(""));
    }
    let items = || associations.iter().map(manifest::whole).collect::<Vec<_>>();
    Ok(print(&match output {
        ListOutput::Table => rows(&associations, scope.all_namespaces, now()),
        ListOutput::Json => manifest::json(&manifest::list(&items())),
        ListOutput::Yaml => manifest::yaml(&[manifest::list(&items())]),
        ListOutput::Name => associations.iter().map(|one| manifest::name(one.account.get()) + "\n").collect(),
    }))
}

/// The associations that are meant, ordered by namespace and name.
pub(super) async fn all(target: &Target, scope: &ScopeArgs) -> Result<Listing<Association>, Refusal> {
    let namespace = (!scope.all_namespaces).then_some(target.namespace.as_str());
    let what = namespace.map_or_else(
        || "associations".to_owned(),
        |namespace| format!("associations of namespace {namespace}"),
    );
    Asked::List.of(what, namespace, target.store.listing(namespace, None, Some)).await
}

/// Says what is left out because nobody can read it.
pub(super) fn say_unreadable(unreadable: &[Unreadable]) {
    for Unreadable { namespace, name, why } in unreadable {
        say(format_args!("association {namespace}/{name} is left out, because it cannot be read: {why}"));
    }
}

/// What is said if there is nothing.
pub(super) fn nothing(target: &Target, scope: &ScopeArgs) -> String {
    if scope.all_namespaces {
        return "no associations found".to_owned();
    }
    format!("no associations found in namespace {}", target.namespace)
}

fn rows(associations: &[Association], has_namespaces: bool, now: i64) -> String {
    const COLUMNS: [&str; 7] = ["NAMESPACE", "NAME", "ROLE", "TARGET", "ACCEPTED", "AGE", "ID"];
    let row = |one: &Association| {
        let account = one.account.get();
        let accepted = condition(one).and_then(|condition| condition.get("status")?.as_str());
        let target = one.spec.target_role_arn.as_deref().unwrap_or("<none>");
        [
            account.namespace.to_owned(),
            account.name.to_owned(),
            one.spec.role_arn.clone(),
            target.to_owned(),
            accepted.unwrap_or("<unknown>").to_owned(),
            table::age(now.saturating_sub(one.created.as_second())),
            one.id().to_string(),
        ]
    };
    let rows: Vec<_> = associations.iter().map(row).collect();
    if has_namespaces {
        return table::table(COLUMNS, &rows);
    }
    let [_, columns @ ..] = COLUMNS;
    let rows: Vec<_> = rows.into_iter().map(|[_, row @ ..]| row).collect();
    table::table(columns, &rows)
}

/// What the webhook says of whether it gives the association to pods.
pub(super) fn condition(association: &Association) -> Option<&Value> {
    let conditions = association.object().pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some("Accepted"))
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
