//! Makes the associations of the input, or changes those that are there, several at a time.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::future::ready;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::stream::{StreamExt, iter};
use injection::name::OwnedAccountName;
use tokio::time::sleep;

use super::entry::Entry;
use super::made;
use super::progress::Progress;
use super::selected::Selected;
use crate::association::{Association, Spec, Store, StoreError, Why, Writing};
use crate::associations_command::args::DryRun;
use crate::associations_command::refusal::{Asked, Refusal};
use crate::associations_command::update::ATTEMPTS;
use crate::associations_command::{Ended, Failure};
use crate::cli::exit::{print, say};

/// How many associations are written at the same time: an API server answers eight as easily as one.
const AT_A_TIME: usize = 8;

/// How long is waited before each further attempt at an API server that does not answer, or has too much to do.
const WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// Why one that could neither be made nor read was given up.
const VANISHING: &str = "somebody else makes and deletes it again and again";

/// How entries are applied.
pub(super) struct Applying<'a> {
    pub(super) store: &'a Store,
    pub(super) writing: Writing,
    /// Whether what is there and says something else is changed.
    pub(super) is_overwriting: bool,
    pub(super) dry_run: DryRun,
}

/// What became of an entry.
enum Outcome {
    Created,
    Unchanged,
    Updated,
    /// It is there, and says something else in these members.
    Different(Vec<&'static str>),
}

/// How many entries ended how.
#[derive(Default)]
struct Counts {
    created: usize,
    unchanged: usize,
    updated: usize,
    different: usize,
    failed: usize,
    /// Those of the created whose external id is a new one.
    with_target: usize,
}

type Known = HashMap<OwnedAccountName, Association>;

impl Applying<'_> {
    /// Applies all, and says at the end how it went.
    pub(super) async fn run(&self, selected: Selected) -> Ended {
        let known = self.known(&selected.entries).await?;
        let all = selected.entries.len();
        let mut counts = Counts { failed: selected.unusable.len(), ..Counts::default() };
        let mut progress = Progress::new("associations done", all);
        let is_stopped = Cell::new(false);
        let mut outcomes = iter(&selected.entries)
            .take_while(|_| ready(!is_stopped.get()))
            .map(async |entry| {
                let known = known.get(&entry.account);
                (entry, patiently(async || self.apply(entry, known).await).await)
            })
            .buffered(AT_A_TIME);
        let mut done = 0;
        let mut printed = ExitCode::SUCCESS;
        while let Some((entry, outcome)) = outcomes.next().await {
            done += 1;
            match outcome {
                Ok(outcome) => {
                    counts.add(&outcome, &entry.spec);
                    let line = made(entry.account.get(), &outcome.told(), self.dry_run);
                    if print(&line) != ExitCode::SUCCESS {
                        printed = ExitCode::FAILURE;
                    }
                }
                Err(refusal) => {
                    counts.failed += 1;
                    say(format_args!("{}: {refusal}", entry.place));
                    // No other could be written either. Those that are under way may be: what became of them is said.
                    if matches!(refusal.why(), Why::Undefined | Why::Unavailable | Why::Busy) {
                        is_stopped.set(true);
                    }
                }
            }
            progress.step();
        }
        drop(outcomes);
        if counts.with_target > 0 {
            say(format_args!(
                "{} of the created have a target role: where its trust policy asks for an external id, it needs the new one, \
                 which 'associations describe' shows",
                counts.with_target
            ));
        }
        let left = if done < all { format!(", {} not tried", all - done) } else { String::new() };
        say(format_args!("{}{}{left}", counts.told(self), selected.skipped()));
        Ok(if counts.failed == 0 { printed } else { ExitCode::FAILURE })
    }

    /// What is there already of the entries' namespaces; nothing if the user may not list, and then each is asked for.
    async fn known(&self, entries: &[Entry]) -> Result<Known, Failure> {
        let namespaces: BTreeSet<_> = entries.iter().map(|entry| entry.account.get().namespace).collect();
        let namespace = match namespaces.first() {
            Some(only) if namespaces.len() == 1 => Some(*only),
            _ => None,
        };
        let listed = patiently(async || {
            Asked::List.of("associations", namespace, self.store.listing(namespace, None, Some)).await
        });
        match listed.await {
            // What cannot be read is refused under its own name when it is asked for.
            Ok(listed) => Ok(listed.kept.into_iter().map(|one| (one.account.clone(), one)).collect()),
            Err(refusal) if refusal.why() == Why::Forbidden => Ok(Known::new()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn apply(&self, entry: &Entry, known: Option<&Association>) -> Result<Outcome, Refusal> {
        let account = entry.account.get();
        let what = format!("association {account}");
        let namespace = Some(account.namespace);
        let mut found = known.cloned();
        let mut attempt = 1;
        loop {
            let Some(before) = found else {
                let created = self.store.create(account, &entry.spec, &[], self.writing);
                if Asked::Create.of(&what, namespace, created).await?.is_some() {
                    return Ok(Outcome::Created);
                }
                found = Asked::GetToChange.of(&what, namespace, self.store.find(account)).await?;
                if found.is_none() {
                    if attempt >= ATTEMPTS {
                        let why = StoreError { why: Why::Changed, message: VANISHING.to_owned() };
                        return Asked::Create.of(&what, namespace, async { Err(why) }).await;
                    }
                    attempt += 1;
                }
                continue;
            };
            let spec = wanted(entry, &before.spec);
            let differences = differences(&before.spec, &spec);
            if differences.is_empty() {
                return Ok(Outcome::Unchanged);
            }
            if !self.is_overwriting {
                return Ok(Outcome::Different(differences));
            }
            let replaced = self.store.replace(&before, &spec, &[], self.writing);
            match Asked::Update.of(&what, namespace, replaced).await {
                Err(refusal) if refusal.why() == Why::Changed && attempt < ATTEMPTS => attempt += 1,
                ended => return ended.map(|_| Outcome::Updated),
            }
            found = Asked::GetToChange.of(&what, namespace, self.store.find(account)).await?;
        }
    }
}

/// Asks again, after a while, if the API server is not there or has too much to do.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, Refusal>) -> Result<T, Refusal> {
    let mut waits = WAITS.iter();
    loop {
        match (ask().await, waits.next()) {
            (Err(refusal), Some(wait)) if matches!(refusal.why(), Why::Busy | Why::Unavailable) => {
                sleep(*wait).await;
            }
            (ended, _) => return ended,
        }
    }
}

/// What the association is to say. What comes from elsewhere does not know on which of these clusters it counts.
fn wanted(entry: &Entry, before: &Spec) -> Spec {
    let cluster_name = if entry.is_own { &entry.spec.cluster_name } else { &before.cluster_name };
    Spec { cluster_name: cluster_name.clone(), ..entry.spec.clone() }
}

/// The members in which two differ.
fn differences(one: &Spec, other: &Spec) -> Vec<&'static str> {
    // Taken apart whole, so that a new member is not forgotten.
    let Spec { role_arn, target_role_arn, disable_session_tags, policy, tags, cluster_name } = one;
    [
        ("roleArn", *role_arn != other.role_arn),
        ("targetRoleArn", *target_role_arn != other.target_role_arn),
        // Not to say it is to say no.
        (
            "disableSessionTags",
            disable_session_tags.unwrap_or_default() != other.disable_session_tags.unwrap_or_default(),
        ),
        ("policy", *policy != other.policy),
        ("tags", *tags != other.tags),
        ("clusterName", *cluster_name != other.cluster_name),
    ]
    .into_iter()
    .filter_map(|(member, differs)| differs.then_some(member))
    .collect()
}

impl Outcome {
    fn told(&self) -> String {
        match self {
            Self::Created => "created".to_owned(),
            Self::Unchanged => "unchanged".to_owned(),
            Self::Updated => "updated".to_owned(),
            Self::Different(members) => format!("left alone: it differs in {}", members.join(", ")),
        }
    }
}

impl Counts {
    fn add(&mut self, outcome: &Outcome, spec: &Spec) {
        if matches!(outcome, Outcome::Created) && spec.target_role_arn.is_some() {
            self.with_target += 1;
        }
        *match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Updated => &mut self.updated,
            Outcome::Different(_) => &mut self.different,
        } += 1;
    }

    fn told(&self, applying: &Applying<'_>) -> String {
        let Self { created, unchanged, updated, different, failed, with_target: _ } = self;
        let hint = if *different > 0 { " (--overwrite changes them)" } else { "" };
        let dry_run = applying.dry_run.suffix();
        format!(
            "{created} created, {unchanged} unchanged, {updated} updated, {different} different{hint}, {failed} failed{dry_run}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_differ_are_named() {
        let one = Spec { role_arn: "r".to_owned(), ..Spec::default() };
        let no = Spec { disable_session_tags: Some(false), ..one.clone() };
        assert!(differences(&one, &no).is_empty());
        let other = Spec {
            role_arn: "s".to_owned(),
            target_role_arn: Some("t".to_owned()),
            disable_session_tags: Some(true),
            policy: Some("{}".to_owned()),
            tags: [("a".to_owned(), "b".to_owned())].into(),
            cluster_name: Some("c".to_owned()),
        };
        let all = ["roleArn", "targetRoleArn", "disableSessionTags", "policy", "tags", "clusterName"];
        assert_eq!(differences(&one, &other), all);
    }
}
