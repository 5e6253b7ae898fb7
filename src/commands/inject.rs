//! `inject`: manifests in, the same manifests with their AWS identity out; offline, by the same
//! plan as the webhook's.

mod explain;
mod workload;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use json_patch::Patch;

use super::{USAGE, fail, refuse};
use crate::args::{InjectArgs, InjectOutput};
use crate::identities::manifests::{Manifests, Place};
use crate::injection::{Defaults, Plan, Pod, patch};
use crate::manifests::{self, Stream};
use crate::settings;
use workload::Template;

pub(super) fn run(args: &InjectArgs) -> ExitCode {
    let mut notices = Vec::new();
    let defaults = match settings::defaults(&args.injection, &mut notices) {
        Ok(defaults) => defaults,
        Err(error) => return refuse(error, USAGE),
    };
    for notice in notices {
        eprintln!("pod-identity-webhook: {notice}");
    }
    match inject(args, &defaults) {
        Ok(printed) => print(&printed),
        Err(error) => fail(&error),
    }
}

/// Nothing is printed until all of it is there: half a stream of manifests may be applied.
fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&anyhow::Error::new(error).context("failed to write to standard output")),
    }
}

/// One input and what is in it.
struct Input {
    path: PathBuf,
    stream: Stream,
}

fn inject(args: &InjectArgs, defaults: &Defaults) -> Result<String> {
    let prefix = &defaults.annotation_prefix;
    let inputs = args.files.iter().map(|path| Input::read(path)).collect::<Result<Vec<_>>>()?;
    let mut identities = Manifests::read(&args.manifests, &args.namespace, prefix)?;
    for input in &inputs {
        identities.add(&input.stream, &input.path, &args.namespace, prefix)?;
    }
    let mut printed = String::new();
    for input in &inputs {
        let mut patches = Vec::new();
        for document in input.stream.documents() {
            let place = Place::of(&input.path, document);
            let mut operations = Vec::new();
            let templates = workload::templates(document, &args.namespace);
            for template in &templates {
                let decision = Decision { template, identities: &identities, defaults };
                let (patch, explanation) =
                    decision.make().with_context(|| format!("failed to read {place}"))?;
                if args.explain {
                    writeln!(printed, "{template} ({place})\n{explanation}")?;
                }
                operations.extend(template.prefixed(patch).0);
            }
            if args.output == InjectOutput::Patch && !args.explain && !templates.is_empty() {
                printed.push_str(&serde_json::to_string(&operations)?);
                printed.push('\n');
            }
            patches.push(Some(Patch(operations)));
        }
        if args.output == InjectOutput::Manifests && !args.explain {
            let text = input.stream.render(&patches).with_context(|| input.path.display().to_string())?;
            join(&mut printed, &text);
        }
    }
    Ok(printed)
}

/// Appends a file's text to the stream that is printed, as a document of its own.
fn join(printed: &mut String, text: &str) {
    if !printed.is_empty() {
        if !printed.ends_with('\n') {
            printed.push('\n');
        }
        if !text.starts_with("---") && !text.trim_start().starts_with('{') {
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

/// What to do with one pod template.
struct Decision<'a> {
    template: &'a Template<'a>,
    identities: &'a Manifests,
    defaults: &'a Defaults,
}

impl Decision<'_> {
    /// The patch of the pod, and why it is as it is.
    fn make(&self) -> Result<(Patch, String)> {
        let Self { template, identities, defaults } = self;
        let json = template.pod.to_string();
        // Its lines would be those of this JSON, not of the file.
        let pod = Pod::decode(&json, &defaults.annotation_prefix).map_err(|error| {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or_default().to_owned();
            anyhow::anyhow!("{template} is no pod: {what}")
        })?;
        let reason = if pod.metadata.is_mirror {
            Some(explain::mirror())
        } else if pod.metadata.has_skip_label {
            Some(explain::skipped())
        } else {
            None
        };
        if let Some(reason) = reason {
            return Ok((Patch::default(), reason));
        }
        let (namespace, account) = (template.namespace, pod.service_account());
        let found = identities.find(namespace, account);
        let source = explain::source(identities, namespace, account, &found, defaults);
        let Some(grant) = &found.grant else {
            return Ok((Patch::default(), source + &explain::nothing(&found)));
        };
        let plan = Plan::of_pod(&pod, grant, defaults, None);
        let patch = match patch::write(&plan) {
            Some(bytes) => serde_json::from_slice(&bytes).context("a patch of ours cannot be read")?,
            None => Patch::default(),
        };
        Ok((patch, source + &explain::plan(&plan)))
    }
}
