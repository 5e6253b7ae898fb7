//! `inject`: manifests in, the same manifests with their AWS identity out; offline, by the same
//! decision as the webhook's.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use injection::review::Subject;
use injection::setting::Strays;
use injection::text::visible;
use injection::warning::Warning;
use injection::{AccountName, Candidate, Decision, Defaults, Pod, Rules, decide};
use json_patch::Patch;
use manifests::{Loss, Rendered, Stream};

use super::args::{InjectArgs, InjectOutput};
use super::workload::Template;
use super::{explain, settings, unknown, workload};
use crate::cli::exit::{USAGE, fail, print, refuse, say};
use crate::cli::injection::{self as flags, PendingDefaults, RolePolicySettings};
use crate::identities::offline::{Location, Manifests};
use crate::identities::sources::association_resources::Namespaces;
use crate::role_policy::Snapshot;

pub(crate) fn run(args: &InjectArgs) -> ExitCode {
    let mut notices = Vec::new();
    let defaults = match flags::defaults(&args.injection, &mut notices).and_then(PendingDefaults::offline) {
        Ok(defaults) => defaults,
        Err(error) => return refuse(error, USAGE),
    };
    let policy = match flags::role_policy(&args.injection) {
        Ok(policy) => policy,
        Err(error) => return refuse(error, USAGE),
    };
    for notice in notices {
        say(notice);
    }
    match inject(args, &defaults, policy.as_ref()) {
        Ok(Printed { text, warnings, denials }) => {
            for line in warnings.iter().chain(&denials) {
                say(line);
            }
            // Nothing is printed before all is there, for half a stream might be applied; and nothing if the
            // webhook would refuse a pod, which has no manifest with its identity.
            if denials.is_empty() { print(&text) } else { ExitCode::FAILURE }
        }
        Err(error) => fail(&error),
    }
}

/// One input and what is in it.
struct Input {
    path: PathBuf,
    stream: Stream,
}

/// What goes to standard output, and what is said on standard error.
#[derive(Default)]
struct Printed {
    text: String,
    warnings: Vec<String>,
    /// Pods that the webhook would refuse, and why.
    denials: Vec<String>,
}

impl Printed {
    /// Adds an entry of `--explain`, whose lines end.
    fn explain(&mut self, heading: &str, explanation: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        for part in [gap, &visible(heading), "\n", explanation] {
            self.text.push_str(part);
        }
    }
}

fn inject(args: &InjectArgs, defaults: &Defaults, policy: Option<&RolePolicySettings>) -> Result<Printed> {
    let prefix = &defaults.annotation_prefix;
    let policy = policy.map(|RolePolicySettings { path, mode }| Snapshot::read(path, *mode)).transpose()?;
    let inputs = args.files.iter().map(|path| Input::read(path)).collect::<Result<Vec<_>>>()?;
    let namespaces = Namespaces::own(args.association_resources_own_namespace_only);
    let mut identities = Manifests::read(&args.manifests, &args.namespace, prefix, namespaces)?;
    for input in &inputs {
        identities.add(&input.stream, &input.path, &args.namespace, prefix)?;
    }
    let mut printed = Printed::default();
    if let Some((complaint, place)) = identities.complaint() {
        printed.warnings.push(format!("ConfigMap of {place}: {complaint}"));
    }
    let mut streams = Vec::new();
    for Input { path, stream } in &inputs {
        let mut patches = Vec::new();
        for document in stream.documents() {
            let place = Location::of(path, document);
            let mut operations = Vec::new();
            for template in workload::templates(document, &args.namespace) {
                let policy = policy.as_ref();
                let question = Question { template: &template, identities: &identities, defaults, policy };
                let Decided { patch, explanation, warnings, denial } =
                    question.answer().with_context(|| format!("failed to read {place}"))?;
                if args.explain {
                    printed.explain(&format!("{template} ({place})"), &explanation);
                } else {
                    printed.warnings.extend(warnings.iter().map(|warning| format!("{template}: {warning}")));
                    printed
                        .denials
                        .extend(denial.iter().map(|denial| format!("{template}: refused: {denial}")));
                }
                operations.extend(template.prefixed(patch).0);
            }
            for (heading, strays) in settings::of_namespaces(prefix, document) {
                for stray in strays.iter() {
                    if args.explain {
                        printed.explain(&format!("{heading} ({place})"), &format!("  warning: {stray}\n"));
                    } else {
                        printed.warnings.push(format!("{heading}: {stray}"));
                    }
                }
            }
            for unknown in unknown::unknown(document) {
                let (heading, explanation) = (format!("{unknown} ({place})"), unknown.explanation());
                if args.explain {
                    printed.explain(&heading, &format!("  {explanation}\n"));
                }
                printed.warnings.push(format!("{heading}: {explanation}"));
            }
            patches.push(Some(Patch(operations)));
        }
        streams.push((path, stream, patches));
    }
    match args.output {
        _ if args.explain && printed.text.is_empty() => {
            printed.text.push_str("the input has no pod, and nothing that makes pods\n");
        }
        _ if args.explain => {}
        InjectOutput::Patch => {
            for patch in streams.iter().flat_map(|(.., patches)| patches) {
                writeln!(printed.text, "{}", serde_json::to_string(patch)?)?;
            }
        }
        InjectOutput::Manifests => {
            // JSON values one after the other are a stream; beside YAML, separators are needed.
            let has_yaml = streams.iter().any(|(_, stream, _)| !stream.is_json());
            let separators =
                if streams.len() > 1 && has_yaml { Separators::Needed } else { Separators::None };
            for (path, stream, patches) in &streams {
                let rendered = match separators {
                    Separators::Needed => stream.render_among_others(patches),
                    Separators::None => stream.render(patches),
                };
                let Rendered { text, losses } =
                    rendered.with_context(|| format!("failed to write {}", path.display()))?;
                join(&mut printed.text, &text, separators);
                printed.warnings.extend(losses.iter().filter_map(|loss| lost(path, stream, *loss)));
            }
        }
    }
    Ok(printed)
}

/// Says that a document is printed without its comments.
fn lost(path: &Path, stream: &Stream, Loss { document, line }: Loss) -> Option<String> {
    let place = Location::of(path, stream.documents().get(document.checked_sub(1)?)?);
    Some(format!(
        "{place}: the document cannot be edited in place, so that it is written anew and loses comments, \
         the first on line {line}"
    ))
}

/// What stands between the files of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separators {
    Needed,
    None,
}

/// Appends a file's text to the stream that is printed.
fn join(printed: &mut String, text: &str, separators: Separators) {
    if !printed.is_empty() {
        if !printed.ends_with('\n') {
            printed.push('\n');
        }
        if separators == Separators::Needed && !text.starts_with("---") {
            printed.push_str("---\n");
        }
    }
    printed.push_str(text);
}

impl Input {
    fn read(path: &Path) -> Result<Self> {
        let (path, text) = if path == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("failed to read standard input")?;
            (PathBuf::from("standard input"), text)
        } else {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            (path.to_owned(), text)
        };
        let stream = manifests::parse(&text).with_context(|| format!("failed to read {}", path.display()))?;
        Ok(Self { path, stream })
    }
}

/// What is to become of one pod template.
struct Question<'a> {
    template: &'a Template<'a>,
    identities: &'a Manifests,
    defaults: &'a Defaults,
    policy: Option<&'a Snapshot>,
}

/// What becomes of one pod template.
#[derive(Default)]
struct Decided {
    patch: Patch,
    /// What was found and decided, and why, for `--explain`.
    explanation: String,
    /// Warnings that the webhook would give the user.
    warnings: Vec<String>,
    /// Why the webhook would refuse the pod, if it would.
    denial: Option<String>,
}

impl Question<'_> {
    fn answer(&self) -> Result<Decided> {
        let Self { template, identities, defaults, policy } = self;
        let (json, prefix) = (template.pod.to_string(), &defaults.annotation_prefix);
        // The error's line is left out: it is one of this JSON, not of the file.
        let pod = Pod::decode(&json, prefix).map_err(|error| {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or_default().to_owned();
            anyhow::anyhow!("the pod of {template} cannot be read: {what}")
        })?;
        let subject = Subject::Pod(Box::new(pod));
        let candidate = Candidate::offline(&subject, template.namespace);
        if let Some(reason) = candidate.settled() {
            return Ok(Decided { explanation: explain::settled(&reason), ..Decided::default() });
        }
        if candidate.pod().metadata.has_skip_label {
            return Ok(Decided { explanation: explain::skipped(), ..Decided::default() });
        }
        let account = candidate.account;
        let found = identities.find(account, candidate.precedence(defaults));
        let policy = policy.map(Snapshot::active);
        let rules = Rules { defaults, policy, sources: &["manifests"] };
        let decision = decide(&candidate, &found, &rules);
        let patch = match decision.patch() {
            Some(bytes) => serde_json::from_slice(bytes).context("the webhook's own patch cannot be read")?,
            None => Patch::default(),
        };
        let owner = template.owner.map(|owner| settings::of_workload(prefix, owner, template.pod));
        let strays: Vec<_> = owner.iter().flat_map(Strays::iter).map(ToString::to_string).collect();
        let warnings = decision.warnings().iter().filter_map(|warning| told(warning, account));
        Ok(Decided {
            patch,
            explanation: explain::source(identities, &candidate, &found, defaults)
                + &explain::policy(policy, &found, &decision)
                + &explain::decision(candidate.pod(), &decision)
                + &explain::strays(&strays),
            warnings: warnings.chain(strays).collect(),
            denial: match decision {
                Decision::Refused { message, .. } => Some(message),
                Decision::Untouched { .. } | Decision::Admitted(_) => None,
            },
        })
    }
}

/// A warning as it is told: of an account that is not in the input it says more than the server knows.
fn told(warning: &Warning, account: AccountName<'_>) -> Option<String> {
    if !matches!(warning, Warning::AccountMissing { .. }) {
        return Some(warning.to_string());
    }
    // Every namespace has a ServiceAccount `default`, which stands in no manifest.
    (account.name != "default").then(|| {
        format!(
            "no AWS identity injected: ServiceAccount {account} is neither in the input nor in --manifests"
        )
    })
}
