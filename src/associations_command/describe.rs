//! `associations describe`.

use std::fmt::{self, Display, Write};
use std::process::ExitCode;

use injection::AccountName;
use injection::text::visible;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::args::{DescribeArgs, DescribeOutput};
use super::list::{condition, now};
use super::refusal::Asked;
use super::target::Target;
use super::{Ended, manifest, table};
use crate::association::{Association, Spec};
use crate::cli::exit::{print, say};

pub(super) async fn run(args: &DescribeArgs) -> Ended {
    let DescribeArgs { names, namespace, output, cluster } = args;
    let target = Target::find(cluster, namespace.as_deref()).await?;
    let mut found = Vec::new();
    let mut is_whole = true;
    for name in names {
        let account = AccountName::new(&target.namespace, name);
        let what = format_args!("association {account}");
        let asked = Asked::Get.of(what, Some(&target.namespace), target.store.find(account)).await?;
        if asked.is_none() {
            say(missing(account));
            is_whole = false;
        }
        found.extend(asked);
    }
    let printed = match (output, found.as_slice()) {
        (_, []) => ExitCode::SUCCESS,
        (DescribeOutput::Text, found) => {
            let texts: Vec<_> = found.iter().map(|one| Text(one, now()).to_string()).collect();
            print(&texts.join("\n"))
        }
        (DescribeOutput::Json, found) => print(&manifest::json(&one_or_list(found))),
        (DescribeOutput::Yaml, found) => print(&manifest::yaml(&[one_or_list(found)])),
    };
    Ok(if is_whole { printed } else { ExitCode::FAILURE })
}

/// What is said of an association that is not there.
pub(super) fn missing(account: AccountName<'_>) -> String {
    format!(
        "association {account} not found: 'associations list -n {}' shows those that there are",
        account.namespace
    )
}

fn one_or_list(found: &[Association]) -> Value {
    match found {
        [one] => manifest::whole(one),
        several => manifest::list(&several.iter().map(manifest::whole).collect::<Vec<_>>()),
    }
}

/// An association for people, and the time of now.
struct Text<'a>(&'a Association, i64);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(association, now) = self;
        let account = association.account.get();
        let Spec { role_arn, target_role_arn, disable_session_tags, policy, tags, cluster_name } =
            &association.spec;
        let status = |member| association.object().get("status")?.get(member)?.as_str();
        line(f, "Name", account.name)?;
        line(f, "Namespace", account.namespace)?;
        line(f, "Role", role_arn)?;
        line(f, "Target Role", target_role_arn.as_deref().unwrap_or("<none>"))?;
        if let Some(id) = association.external_id() {
            line(f, "External ID", status("externalId").unwrap_or(&id))?;
        }
        line(f, "Session Tags", if *disable_session_tags == Some(true) { "disabled" } else { "enabled" })?;
        line(f, "Policy", policy.as_deref().unwrap_or("<none>"))?;
        line(f, "Cluster", cluster_name.as_deref().unwrap_or("<any>"))?;
        let mut heading = "Tags";
        for (key, value) in tags {
            line(f, heading, &format!("{key}={value}"))?;
            heading = "";
        }
        if tags.is_empty() {
            line(f, heading, "<none>")?;
        }
        line(f, "ID", association.id().as_str())?;
        line(f, "ARN", status("associationArn").unwrap_or("<unknown>"))?;
        let when = |moment: Timestamp| {
            format!("{moment} ({} ago)", table::age(now.saturating_sub(moment.as_second())))
        };
        line(f, "Created", &when(association.created))?;
        line(f, "Modified", &when(association.modified))?;
        line(f, "Accepted", &accepted(association))
    }
}

fn line(f: &mut impl Write, heading: &str, value: &str) -> fmt::Result {
    let heading = if heading.is_empty() { String::new() } else { format!("{heading}:") };
    writeln!(f, "{heading:<15}{}", visible(value))
}

/// Whether the webhook gives it to pods, and why not.
fn accepted(association: &Association) -> String {
    let Some(condition) = condition(association) else {
        return "<unknown>: no webhook has looked at it yet; it does with --watch-association-resources=own"
            .to_owned();
    };
    let text = |member| condition.get(member).and_then(Value::as_str).unwrap_or_default();
    let generation = association.object().pointer("/metadata/generation").and_then(Value::as_i64);
    let observed = condition.get("observedGeneration").and_then(Value::as_i64);
    // What is said of what it said before.
    let is_old = observed.zip(generation).is_some_and(|(observed, generation)| observed < generation);
    let age = if is_old { ", of what it said before the last change" } else { "" };
    format!("{} ({}){age}: {}", text("status"), text("reason"), text("message"))
}
