//! The words of `inject --explain`: what was found, where, what was added to which container, what
//! was left out and why.

use injection::Reason;
use injection::annotation::ROLE_ARN;
use injection::decide::{Admitted, RoleRuling};
use injection::grant::Method;
use injection::plan::{
    Access, Additions, ContainerPlan, Difference, LabelPlan, MountPlan, Variable, Verdict, VolumePlan,
};
use injection::pod::{MIRROR_ANNOTATION, POD_IDENTITY_LABEL, SKIP_LABEL, env};
use injection::policy::{ActivePolicy, Ruling};
use injection::text::visible;
use injection::unable::{SkipReason, Unable};
use injection::warning::Warning;
use injection::{AccountName, Candidate, Decision, Defaults, Found, Grant, Outcome, Plan, Pod};

use super::notes;
use crate::identities::offline::Manifests;
use crate::identities::sources::config_map::{Entry, KEY};

/// Says why a pod is left as it is, whatever its account has.
pub(super) fn settled(reason: &Reason) -> String {
    format!("  annotation {MIRROR_ANNOTATION}\n{}", outcome(reason.outcome()))
}

/// Says that the label keeps the pod from the webhook.
pub(super) fn skipped() -> String {
    format!("  the label {SKIP_LABEL} keeps the pod from the webhook, whatever its value\n")
}

/// Says where the account's identity comes from, and what lost to it.
pub(super) fn source(
    identities: &Manifests,
    candidate: &Candidate<'_>,
    found: &Found,
    defaults: &Defaults,
) -> String {
    let (mut text, account) = (String::new(), candidate.account);
    let known = identities.account(account);
    match known {
        Some((_, place)) => line(&mut text, format_args!("ServiceAccount {account} ({place})")),
        None => {
            line(&mut text, format_args!("ServiceAccount {account}: neither in the input nor in --manifests"))
        }
    }
    let has_association = matches!(found.grant.as_deref(), Some(Grant::Association(_)));
    if let Some(place) = identities.association_place(account) {
        let lost = match candidate.pod().agentless() {
            Some(nodes) if !has_association => {
                format!("; not used, no agent answers on {nodes} and --no-agent-fallback is set")
            }
            _ => String::new(),
        };
        line(&mut text, format_args!("EKS Pod Identity: an association names it ({place}){lost}"));
    }
    if let Some(place) = identities.foreign_place(account) {
        let why = "ignored, because it is in another namespace than its pods";
        line(&mut text, format_args!("EKS Pod Identity: an association resource names it ({place}); {why}"));
    }
    let after_association = if has_association { "; not used, the association comes first" } else { "" };
    let annotation = known.and_then(|(lookup, _)| lookup.role_arn());
    if let Some(role) = annotation {
        let prefix = defaults.annotation_prefix.as_str();
        line(&mut text, format_args!("IRSA: annotation {prefix}/{ROLE_ARN} is {role}{after_association}"));
    }
    let lost = match annotation {
        Some(_) if !has_association => "; not used, the annotation comes first",
        _ => after_association,
    };
    entries(&mut text, identities, account, lost);
    text
}

/// Lists the ConfigMap's entries that name the account, the closest first; `lost` says why they do not count.
fn entries(text: &mut String, identities: &Manifests, account: AccountName<'_>, lost: &str) {
    let Some((entries, place)) = identities.entries() else {
        return;
    };
    let mut closest: Option<&Entry> = None;
    for entry in entries.matching(account) {
        let Entry { key, line: entry_line, .. } = entry;
        let role = entry.role_arn().map_or("grants no role".to_owned(), |role| format!("is {role}"));
        let lost = match closest {
            Some(Entry { key, .. }) if lost.is_empty() => format!("; not used, {key} is more specific"),
            _ => lost.to_owned(),
        };
        let place = format_args!("{place}; line {entry_line} of {KEY}");
        line(text, format_args!("IRSA: ConfigMap entry {key} {role} ({place}){lost}"));
        closest.get_or_insert(entry);
    }
}

/// Says what the role policy decides, if there is one and the account has an identity.
pub(super) fn policy(policy: Option<ActivePolicy<'_>>, found: &Found, decision: &Decision<'_>) -> String {
    let (Some(ActivePolicy { file, .. }), Some(grant)) = (policy, &found.grant) else {
        return String::new();
    };
    let said = match decision {
        _ if let Some((_, why)) = decision.forbidden() => format!("does not allow it: {why}"),
        Decision::Admitted(Admitted {
            ruling: Some(RoleRuling { ruling: Ruling::Allowed { rule }, .. }),
            ..
        }) => {
            format!("rules[{rule}] allows it")
        }
        _ if grant.method() == Method::ContainerCredentials => {
            "not consulted, the source of the association does not say which role it gives".to_owned()
        }
        _ => "not consulted, no role is injected".to_owned(),
    };
    format!("  role policy {file}: {said}\n")
}

fn outcome(outcome: Outcome) -> String {
    format!("  {outcome}: {}\n", outcome.sentence())
}

/// Says what is added and left out, or why the pod is refused or left as it is.
pub(super) fn decision(pod: &Pod<'_>, decision: &Decision<'_>) -> String {
    let mut text = outcome(decision.outcome());
    match decision {
        Decision::Refused { message, .. } => line(&mut text, format_args!("{message}")),
        Decision::Admitted(Admitted { plan, .. }) => additions(&mut text, pod, plan),
        Decision::Untouched { .. } => {}
    }
    // That the account is missing was said already, with where it was looked for.
    let is_new = |warning: &&Warning| !matches!(warning, Warning::AccountMissing { .. });
    for warning in decision.warnings().iter().filter(is_new) {
        line(&mut text, format_args!("warning: {warning}"));
    }
    text
}

/// Says which settings of the object that makes the pods have no effect.
pub(super) fn strays(strays: &[String]) -> String {
    let mut text = String::new();
    for stray in strays {
        line(&mut text, format_args!("warning: {stray}"));
    }
    text
}

/// What is added where, and what is left out and why.
fn additions(text: &mut String, pod: &Pod<'_>, plan: &Plan<'_>) {
    if let Some(LabelPlan::Member | LabelPlan::Labels | LabelPlan::Metadata) = plan.label {
        line(text, format_args!("label {POD_IDENTITY_LABEL}=enabled: added"));
    }
    match &plan.volume {
        VolumePlan::Add { name, audience, lifetime, .. } => line(
            text,
            format_args!("volume {name}: added, a token for {audience} that lasts {lifetime} seconds"),
        ),
        VolumePlan::Reuse { name, .. } => {
            line(text, format_args!("volume {name}: there already, with an equal token"));
        }
    }
    for container in &plan.containers {
        let field = container.container.list.field();
        let singular = field.strip_suffix('s').unwrap_or(field);
        line(text, format_args!("{singular} {}", container.container.name));
        match &container.verdict {
            Verdict::Skipped(SkipReason::Named) => {
                detail(text, format_args!("skipped: skip-containers names it"))
            }
            Verdict::Skipped(SkipReason::NotNamed) => {
                detail(text, format_args!("skipped: inject-containers does not name it"));
            }
            Verdict::Judged(additions) => judged(text, plan, additions),
        }
        access(text, plan, container);
        for note in notes::of(pod, container.container, plan.method) {
            detail(text, format_args!("{note}"));
        }
    }
}

/// Where SDKs in the container find credentials, if not where nearly all do.
fn access(text: &mut String, plan: &Plan<'_>, container: &ContainerPlan<'_>) {
    if let Some(Difference { there, .. }) = container.difference {
        let wanted = plan.wanted();
        let what = if plan.method == Method::WebIdentity { env::ROLE_ARN } else { env::CREDENTIALS_FULL_URI };
        detail(text, format_args!("{what} is {there} there; the webhook would set {wanted}"));
    }
    match container.access {
        Access::None(Unable::Skipped(_)) | Access::Added | Access::Present | Access::Other => {}
        Access::None(why) => {
            detail(text, format_args!("SDKs do not find the pod's identity: {why}"));
        }
    }
}

fn judged<'a>(text: &mut String, plan: &Plan<'a>, additions: &Additions<'a>) {
    for (name, value) in plan.variables(additions) {
        detail(text, format_args!("env {name}={value}: added"));
    }
    let left_out = [
        ("the regional STS endpoint", additions.sts),
        ("the region", additions.region),
        ("the credentials", additions.credentials),
    ];
    for (what, variable) in left_out {
        match variable {
            Variable::AlreadySet(name) => {
                detail(text, format_args!("{what}: left out, the container sets {name} itself"));
            }
            Variable::NotConfigured => detail(text, format_args!("{what}: not configured")),
            Variable::Add => {}
        }
    }
    if let Variable::AlreadySet(name) = additions.endpoint_mode {
        detail(text, format_args!("{name}: left out, the container sets it itself"));
    }
    match &additions.mount {
        MountPlan::Add { path } => detail(text, format_args!("mount {path}: added")),
        MountPlan::Existing { path } => detail(text, format_args!("mount {path}: there already")),
        MountPlan::NotNeeded => {
            detail(
                text,
                format_args!("mount: left out, the container sets credentials, region and STS itself"),
            );
        }
    }
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    push(text, "  ", what);
}

fn detail(text: &mut String, what: std::fmt::Arguments<'_>) {
    push(text, "    ", what);
}

fn push(text: &mut String, indent: &str, what: std::fmt::Arguments<'_>) {
    text.push_str(indent);
    text.push_str(&visible(&what.to_string()));
    text.push('\n');
}
