//! The report for people: a line a step, and below one that is not well what a pod sees and what to do.

use std::fmt::{self, Display};

use injection::text::visible;

use super::finding::Status;
use super::report::{FindingReport, Report};

/// Letters of a line.
const WIDTH: usize = 110;

/// Where what was seen begins.
const INDENT: usize = 27;

/// A report as text.
pub(super) struct Text<'a>(pub(super) &'a Report);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { issuer, all_well: _, thumbprint, findings } = self.0;
        writeln!(f, "Issuer {}\n", visible(issuer))?;
        for FindingReport { step, status, seen, pod_sees, fix } in findings {
            write!(f, "{status:<7}  {:<17} ", step.name())?;
            wrapped(f, &visible(seen), INDENT)?;
            if let Some(sees) = pod_sees {
                write!(f, "{:17}a pod sees ", "")?;
                wrapped(f, &visible(sees), INDENT + 1)?;
            }
            if let Some(fix) = fix {
                write!(f, "{:17}to do      ", "")?;
                wrapped(f, &visible(fix), INDENT + 1)?;
            }
        }
        if let Some(thumbprint) = thumbprint {
            writeln!(
                f,
                "\nThumbprint of the keys' server, which IAM needs only if its authority is not public:"
            )?;
            writeln!(f, "{thumbprint}")?;
        }
        summary(f, findings)
    }
}

fn summary(f: &mut fmt::Formatter<'_>, findings: &[FindingReport]) -> fmt::Result {
    let of = |status| findings.iter().filter(move |finding| finding.status == status);
    let warnings = match of(Status::Warning).count() {
        0 => "without a warning".to_owned(),
        1 => "1 warning".to_owned(),
        count => format!("{count} warnings"),
    };
    let mut failed: Vec<_> = of(Status::Failed).map(|finding| finding.step.name()).collect();
    failed.dedup();
    let text = match failed.as_slice() {
        [] => format!("Nothing failed; {warnings}."),
        [first] => format!("Failed: {first}; {warnings}."),
        [first, ..] => format!(
            "Failed: {}; {warnings}. Begin with {first}: AWS gets no further, and what follows may come of it.",
            failed.join(", ")
        ),
    };
    writeln!(f)?;
    wrapped(f, &text, 0)
}

/// A text whose further lines are indented; words are never cut.
fn wrapped(f: &mut fmt::Formatter<'_>, text: &str, indent: usize) -> fmt::Result {
    let mut column = indent;
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > WIDTH {
            write!(f, "\n{:indent$}", "")?;
            column = indent;
        } else if index > 0 {
            f.write_str(" ")?;
            column += 1;
        }
        f.write_str(word)?;
        column += length;
    }
    writeln!(f)
}
