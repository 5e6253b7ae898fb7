//! What is told: the steps, which of them is next, what to do for it, and what is wrong. As text, and as JSON for programs.

use std::fmt::{self, Display};

use injection::text::visible;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::progress::Progress;
use super::settings::{Paths, Settings};
use super::step::{Danger, Step};
use crate::cli::shell;
use crate::cli::time::distance;
use crate::issuer::distribution::{ApiServer, Distribution};

/// The steps in their order, as they are told.
const STEPS: [&str; 6] = [
    "publish the new key",
    "have every API server verify by it, too",
    "wait until all who verify tokens have read it",
    "have every API server sign with it",
    "wait until the tokens of the old key have expired",
    "withdraw the old key from what is published",
];

/// Everything that is told.
pub(super) struct Report<'a> {
    pub(super) settings: &'a Settings,
    pub(super) progress: &'a Progress,
    pub(super) step: &'a Step,
    pub(super) dangers: &'a [Danger],
    pub(super) now: Timestamp,
}

impl Step {
    /// Its place among [`STEPS`]; their number once all are done.
    fn number(&self) -> usize {
        match self {
            Self::Publish => 0,
            Self::Trust { .. } => 1,
            Self::WaitBeforeSigning { .. } => 2,
            Self::Sign { .. } => 3,
            Self::WaitForTokens { .. } => 4,
            Self::Withdraw => 5,
            Self::Over { .. } => STEPS.len(),
        }
    }

    /// Its name for programs.
    fn name(&self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Trust { .. } => "trust",
            Self::WaitBeforeSigning { .. } => "waitBeforeSigning",
            Self::Sign { .. } => "sign",
            Self::WaitForTokens { .. } => "waitForTokens",
            Self::Withdraw => "withdraw",
            Self::Over { .. } => "over",
        }
    }
}

impl Report<'_> {
    /// As JSON.
    pub(super) fn to_json(&self) -> String {
        let Self { settings, progress, step, dangers, .. } = self;
        let (at, until) = match step {
            Step::Trust { at } | Step::Sign { at } | Step::Over { left_at: at } => (at.as_slice(), None),
            Step::WaitBeforeSigning { until } | Step::WaitForTokens { until } => ([].as_slice(), Some(until)),
            Step::Publish | Step::Withdraw => ([].as_slice(), None),
        };
        let report = json!({
            "issuer": settings.issuer.as_str(),
            "oldKeys": progress.old,
            "newKey": progress.new,
            "emergency": progress.emergency,
            "step": step.name(),
            "at": at,
            "until": until.map_or(Value::Null, |until| json!(until)),
            "dangers": dangers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        format!("{report:#}\n")
    }

    fn to_do(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, progress, step, now, .. } = self;
        let Paths { old, new, .. } = &settings.paths;
        let is_kops = settings.paths.distribution == Distribution::Kops;
        match step {
            Step::Publish | Step::Trust { .. } | Step::Sign { .. } | Step::Withdraw if is_kops => {
                f.write_str(&self.configuration(old, &[]))
            }
            Step::Publish => {
                let keys = shell::quoted(&settings.new_key.display().to_string());
                writeln!(f, "Publish the new key beside all that API servers have:\n")?;
                self.publish(f, &format!("--keys={keys} {}", self.asked()))
            }
            Step::Trust { at } => {
                writeln!(f, "Have each of these verify by both keys, and sign as before:\n")?;
                list(f, at)?;
                self.all(f)?;
                f.write_str(&self.configuration(old, &[old, new]))
            }
            Step::WaitBeforeSigning { until } => writeln!(
                f,
                "Nothing until {until}, {}: AWS and others may have documents without the new key, and would refuse\nwhat it signs.",
                away(*until, *now)
            ),
            Step::Sign { at } => {
                writeln!(f, "Have each of these sign with the new key, one after the other:\n")?;
                list(f, at)?;
                self.all(f)?;
                f.write_str(&self.configuration(new, &[new, old]))
            }
            Step::WaitForTokens { until } => writeln!(
                f,
                "Nothing until {until}, {}: pods have tokens that the old key has signed.",
                away(*until, *now)
            ),
            Step::Withdraw => self.withdraw(f),
            Step::Over { left_at } => {
                self.over(f, left_at, &progress.old.iter().cloned().collect::<Vec<_>>())
            }
        }
    }

    /// What is not named would be missing in what is printed.
    fn all(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.settings.paths.issuers.len() > 1 {
            return Ok(());
        }
        writeln!(
            f,
            "If they accept other issuers, too, name each of them with --keep-issuer, or it is missing below. Keys of theirs that are\n\
             neither the old one nor the new one stay, beside these two.\n"
        )
    }

    fn withdraw(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let removed: Vec<_> =
            self.progress.old.iter().map(|kid| format!("--remove={}", shell::quoted(kid))).collect();
        writeln!(f, "Withdraw the old key. AWS refuses every token that it has signed from then on:\n")?;
        self.publish(f, &format!("{} {} --yes", self.asked(), removed.join(" ")))?;
        if self.progress.emergency {
            writeln!(
                f,
                "\nPods go on showing such a token until kubelet renews it, at four fifths of its life. In every namespace whose\n\
                 pods use AWS, have them made anew:\n\n    kubectl rollout restart deployment,statefulset,daemonset --namespace=NAMESPACE"
            )?;
        }
        Ok(())
    }

    fn over(&self, f: &mut fmt::Formatter<'_>, left_at: &[String], old: &[String]) -> fmt::Result {
        writeln!(f, "The rotation is over, and {} can be taken away.", self.settings.state.display())?;
        if left_at.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nThese verify by the old key still, for tokens that are for the API server itself: they can live a year, and those\n\
             of Secrets for ever. Until you take it away there, name it to 'issuer check' with --withdrawn={}:\n",
            old.join(" --withdrawn=")
        )?;
        list(f, left_at)
    }

    fn publish(&self, f: &mut fmt::Formatter<'_>, rest: &str) -> fmt::Result {
        let issuer = shell::quoted(self.settings.issuer.as_str());
        writeln!(
            f,
            "    pod-identity-webhook issuer publish --issuer={issuer} --to=FOLDER-OR-s3://BUCKET \\\n        {rest}"
        )
    }

    /// The flags by which the same API servers are asked.
    fn asked(&self) -> String {
        let words = self.settings.asked.iter().map(|word| shell::word(word).unwrap_or_default());
        words.collect::<Vec<_>>().join(" ")
    }

    fn configuration(&self, signing: &str, verifying: &[&str]) -> String {
        self.settings.paths.distribution.configuration(&self.server(signing, verifying))
    }

    fn server(&self, signing: &str, verifying: &[&str]) -> ApiServer {
        ApiServer {
            issuers: self.settings.paths.issuers.clone(),
            signing_key: signing.to_owned(),
            verifying_keys: verifying.iter().map(|path| (*path).to_owned()).collect(),
        }
    }
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, progress, step, dangers, .. } = self;
        writeln!(f, "Issuer   {}", settings.issuer)?;
        for kid in &progress.old {
            writeln!(f, "Old key  {}", visible(kid))?;
        }
        writeln!(f, "New key  {}", visible(&progress.new))?;
        if progress.emergency {
            writeln!(f, "It is an emergency: nothing is waited for.")?;
        }
        writeln!(f)?;
        let at = step.number();
        for (number, name) in STEPS.iter().enumerate() {
            let mark = match number {
                number if number < at => "done",
                number if number == at => "next",
                _ => "",
            };
            writeln!(f, "{mark:<5}{}. {name}", number + 1)?;
        }
        for danger in *dangers {
            writeln!(f, "\nWRONG: {}.", visible(&danger.to_string()))?;
        }
        writeln!(f)?;
        self.to_do(f)
    }
}

fn list(f: &mut fmt::Formatter<'_>, urls: &[String]) -> fmt::Result {
    urls.iter().try_for_each(|url| writeln!(f, "    {}", visible(url)))?;
    writeln!(f)
}

fn away(until: Timestamp, now: Timestamp) -> String {
    distance(until.as_second(), now.as_second())
}
