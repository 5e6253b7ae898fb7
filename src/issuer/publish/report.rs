//! What is published, or would be, for people.

use std::fmt::{self, Display};

use injection::text::visible;

use super::plan::{Entry, Fate, Plan, Rules};

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There was none.
    Created,
    /// There was another.
    Changed,
    /// Its text is the same, and how it is served changes: Content-Type or Cache-Control.
    Headers,
    /// It is as it should be.
    Unchanged,
}

/// What becomes of everything.
pub(super) struct Report<'a> {
    pub(super) plan: &'a Plan,
    pub(super) rules: &'a Rules,
    /// Each object by its path, in the order in which they are written.
    pub(super) objects: &'a [(String, Outcome)],
    /// Whether nothing is written.
    pub(super) is_dry: bool,
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, rules, objects, is_dry } = self;
        for entry in &plan.entries {
            write_entry(f, entry, rules)?;
        }
        for (path, outcome) in *objects {
            let path = visible(path);
            match (outcome, is_dry) {
                (Outcome::Created, true) => writeln!(f, "{path} would be created")?,
                (Outcome::Created, false) => writeln!(f, "{path} created")?,
                (Outcome::Changed, true) => writeln!(f, "{path} would be changed")?,
                (Outcome::Changed, false) => writeln!(f, "{path} changed")?,
                (Outcome::Headers, true) => writeln!(f, "{path} would be served with other headers")?,
                (Outcome::Headers, false) => writeln!(f, "{path} is served with other headers")?,
                (Outcome::Unchanged, _) => writeln!(f, "{path} unchanged")?,
            }
        }
        Ok(())
    }
}

/// The sign of a key, as in a difference: `+` and `-` for what is published and is not any more.
fn sign(fate: Fate) -> char {
    match fate {
        Fate::Added => '+',
        Fate::Expires | Fate::Withdrawn => '-',
        Fate::Stays | Fate::Kept => ' ',
        Fate::LeftOut => '!',
    }
}

fn write_entry(f: &mut fmt::Formatter<'_>, entry: &Entry, rules: &Rules) -> fmt::Result {
    let Entry { kid, key, fate, sources, history } = entry;
    write!(f, "{} {} {}: ", sign(*fate), visible(kid), key.algorithm())?;
    let sources = sources.iter().map(|source| visible(source).to_string()).collect::<Vec<_>>().join(", ");
    let absent = history.absent_since.map(|since| (since, rules.end(since)));
    match (fate, absent) {
        (Fate::Added, _) => writeln!(f, "new, in {sources}"),
        (Fate::Stays, _) => match history.published_since {
            Some(since) => writeln!(f, "published since {since}, in {sources}"),
            None => writeln!(f, "published, in {sources}"),
        },
        (Fate::Kept, Some((since, Some(end)))) => {
            writeln!(f, "in no file and no API server since {since}; stays until {end}")
        }
        (Fate::Kept, Some((since, None))) => {
            writeln!(f, "in no file and no API server since {since}; stays until --retention or --remove")
        }
        (Fate::Kept, None) => writeln!(f, "stays: not every source could be read"),
        (Fate::Expires, _) => writeln!(f, "goes, for no file and no API server has had it for --retention"),
        (Fate::Withdrawn, _) if sources.is_empty() => writeln!(f, "goes, for --remove says so"),
        (Fate::Withdrawn, _) => {
            writeln!(
                f,
                "goes, for --remove says so: tokens that it signs are refused by AWS; still in {sources}"
            )
        }
        (Fate::LeftOut, _) => {
            writeln!(f, "not published, for it was removed; still in {sources}; --restore publishes it again")
        }
    }
}
