//! What is said of a write: a line as kubectl has it, or the object.

use injection::AccountName;
use injection::text::visible;
use serde_json::Value;

use super::args::{DryRun, WriteOutput};
use super::manifest;
use crate::association::{Association, Spec, Writing};

/// What was written or would be.
pub(super) enum Object<'a> {
    /// As the API server has it, or would have it.
    Answered(&'a Association),
    /// Nobody was asked.
    Meant(AccountName<'a>, &'a Spec),
}

impl Object<'_> {
    /// The text for standard output; `done` is a verb in its past form.
    pub(super) fn told(&self, output: Option<WriteOutput>, done: &str, dry_run: DryRun) -> String {
        match output {
            None => line(self.account(), done, dry_run),
            Some(WriteOutput::Name) => manifest::name(self.account()) + "\n",
            Some(WriteOutput::Json) => manifest::json(&self.value()),
            Some(WriteOutput::Yaml) => manifest::yaml(&[self.value()]),
        }
    }

    fn account(&self) -> AccountName<'_> {
        match self {
            Self::Answered(association) => association.account.get(),
            Self::Meant(account, _) => *account,
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Answered(association) => manifest::whole(association),
            Self::Meant(account, spec) => manifest::fresh(*account, spec),
        }
    }
}

/// `KIND.GROUP/NAME created`.
pub(super) fn line(account: AccountName<'_>, done: &str, dry_run: DryRun) -> String {
    format!("{} {done}{}\n", visible(&manifest::name(account)), dry_run.suffix())
}

impl DryRun {
    /// What kubectl adds to a line of something that was not done.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }

    /// How the API server is asked; `None` if it is not.
    pub(super) fn writing(self) -> Option<Writing> {
        match self {
            Self::None => Some(Writing::Real),
            Self::Server => Some(Writing::Dry),
            Self::Client => None,
        }
    }
}
