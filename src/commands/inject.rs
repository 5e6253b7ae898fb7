//! `inject`: manifests in, the same manifests with their AWS identity out; offline, by the same
//! plan as the webhook's.

mod explain;
mod workload;

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use json_patch::Patch;
use manifests::Stream;

use super::{USAGE, fail, print, printable, refuse, say};
use crate::args::{InjectArgs, InjectOutput};
use crate::identities::manifests::{Manifests, Place};
use crate::identities::{Found, Need};
use crate::injection::review::Subject;
use crate::injection::{Decision, Defaults, Denial, Pod, Rules, decide};
use crate::role_policy::Snapshot;
use crate::settings::{self, Namespaces};
use workload::Template;

pub(super) fn run(args: &InjectArgs) -> ExitCode {
    let mut notices = Vec::new();
    let defaults = match settings::defaults(&args.injection, &mut notices) {
        Ok(defaults) => defaults,
        Err(error) => return refuse(error, USAGE),
    };
    let policy = match settings::role_policy(&args.injection) {
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
            // Nothing before all of it is there: half a stream of manifests may be applied. Nor what
            // the webhook would refuse: it has no manifest with its identity.
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

/// What goes to standard output, and what is said beside it.
#[derive(Default)]
struct Printed {
    text: String,
    warnings: Vec<String>,
    /// Pods that the webhook would refuse, and why.
    denials: Vec<String>,
}

fn inject(args: &InjectArgs, defaults: &Defaults, policy: Option<&settings::RolePolicy>) -> Result<Printed> {
    let prefix = &defaults.annotation_prefix;
    let policy = policy.map(|settings::RolePolicy { path, mode }| Snapshot::read(path, *mode)).transpose()?;
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
            let place = Place::of(path, document);
            let mut operations = Vec::new();
            for template in workload::templates(document, &args.namespace) {
                let policy = policy.as_ref();
                let question = Question { template: &template, identities: &identities, defaults, policy };
                let Decided { patch, explanation, warnings, denial } =
                    question.answer().with_context(|| format!("failed to read {place}"))?;
                if args.explain {
                    let gap = if printed.text.is_empty() { "" } else { "\n" };
                    let heading = format!("{template} ({place})");
                    write!(printed.text, "{gap}{}\n{explanation}", printable(&heading))?;
                } else {
                    printed.warnings.extend(warnings.iter().map(|warning| format!("{template}: {warning}")));
                    printed
                        .denials
                        .extend(denial.iter().map(|denial| format!("{template}: refused: {denial}")));
                }
                operations.extend(template.prefixed(patch).0);
            }
            patches.push(Some(Patch(operations)));
        }
        streams.push((path, stream, patches));
    }
    match args.output {
        _ if args.explain && printed.text.is_empty() => {
            printed.text.push_str("no pod, and nothing that makes pods, in what was read\n");
        }
        _ if args.explain => {}
        InjectOutput::Patch => {
            for patch in streams.iter().flat_map(|(.., patches)| patches) {
                writeln!(printed.text, "{}", serde_json::to_string(patch)?)?;
            }
        }
        InjectOutput::Manifests => {
            // As many JSON values as one likes are a stream; beside YAML, separators are needed.
            let is_apart = streams.len() > 1 && !streams.iter().all(|(_, stream, _)| stream.is_json());
            for (path, stream, patches) in &streams {
                let rendered =
                    if is_apart { stream.render_among_others(patches) } else { stream.render(patches) };
                let text = rendered.with_context(|| format!("failed to write {}", path.display()))?;
                join(&mut printed.text, &text, is_apart);
            }
        }
    }
    Ok(printed)
}

/// Appends a file's text to the stream that is printed.
fn join(printed: &mut String, text: &str, is_apart: bool) {
    if !printed.is_empty() {
        if !printed.ends_with('\n') {
            printed.push('\n');
        }
        if is_apart && !text.starts_with("---") {
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
    /// Why it is as it is.
    explanation: String,
    /// What the webhook would tell the user.
    warnings: Vec<String>,
    /// Why it would refuse the pod.
    denial: Option<String>,
}

impl Question<'_> {
    fn answer(&self) -> Result<Decided> {
        let Self { template, identities, defaults, policy } = self;
        let json = template.pod.to_string();
        // Its lines would be those of this JSON, not of the file.
        let pod = Pod::decode(&json, &defaults.annotation_prefix).map_err(|error| {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or_default().to_owned();
            anyhow::anyhow!("the pod of {template} cannot be read: {what}")
        })?;
        if pod.metadata.is_mirror {
            return Ok(Decided { explanation: explain::mirror(), ..Decided::default() });
        }
        if pod.metadata.has_skip_label {
            return Ok(Decided { explanation: explain::skipped(), ..Decided::default() });
        }
        let (namespace, account) = (template.namespace, &*pod.service_account().to_owned());
        let found = identities.find(namespace, account);
        let source = explain::source(identities, namespace, account, &found, defaults);
        let Some(grant) = &found.grant else {
            return Ok(self.without(&pod, &found, source));
        };
        let guard = policy.map(|policy| policy.guard(namespace, account));
        let demand = Need::of(&pod, None).demand();
        let subject = Subject::Pod(Box::new(pod));
        let decision = decide(&subject, grant, Rules { defaults, guard }, demand, None);
        let Decision { plan, patch } = decision.context("a pod is decided on")?;
        let patch = match patch {
            Some(bytes) => serde_json::from_slice(&bytes).context("a patch of ours cannot be read")?,
            None => Patch::default(),
        };
        let message = |denial: &Denial| denial.message(&defaults.annotation_prefix, namespace, account);
        let denial = plan.denial.as_ref().map(message);
        Ok(Decided {
            patch,
            explanation: source + &explain::policy(guard, &plan) + &explain::plan(&plan, denial.as_deref()),
            warnings: plan.warnings.iter().map(ToString::to_string).collect(),
            denial,
        })
    }

    /// A pod of an account that has no identity.
    fn without(&self, pod: &Pod<'_>, found: &Found, source: String) -> Decided {
        let Self { template, identities: _, defaults, policy: _ } = self;
        let (namespace, account) = (template.namespace, pod.service_account());
        // Every namespace has its `default`, which is in no manifest.
        let is_missing = !found.exists && account != "default";
        let missing = || {
            let place = "neither in the input nor in --manifests";
            format!("no AWS identity injected: ServiceAccount {namespace}/{account} is {place}")
        };
        let denial = match Need::of(pod, None) {
            Need::Usual | Need::OptedIn => None,
            Need::Required(demand) => {
                let sources = vec!["manifests"];
                let denial = Denial::RequiredMissing { demand, exists: found.exists, sources };
                Some(denial.message(&defaults.annotation_prefix, namespace, account))
            }
        };
        Decided {
            explanation: source + &explain::nothing(found, denial.as_deref()),
            warnings: is_missing.then(missing).into_iter().collect(),
            denial,
            ..Decided::default()
        }
    }
}
