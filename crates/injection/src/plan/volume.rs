//! Which volume holds the token: one that the pod already has, or a new one under a free name.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::super::defaults::{Defaults, TokenVolume};
use super::super::go::path;
use super::super::grant::Grant;
use super::super::pod::{Container, List, Pod, Token, Value, Volume};
use super::super::warning::Warning;
use super::container::ContainerSelection;
use super::credentials;
use super::lifetime;
use super::tokens::{File, Tokens};

/// Longest name of a volume: a DNS label.
const LONGEST_NAME: usize = 63;

/// The volume that holds the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumePlan<'a> {
    /// A projected volume to add.
    Add {
        /// A name that is free in the pod.
        name: Cow<'a, str>,
        /// The token's audience.
        audience: &'a str,
        /// The token's lifetime in seconds.
        lifetime: u64,
        /// The token's path in the volume.
        token_path: &'a str,
    },
    /// A projected volume that the pod has, with an equal token.
    Reuse {
        /// Its name, whatever that is.
        name: &'a str,
        /// The token's path in it, cleaned.
        token_path: Cow<'a, str>,
    },
}

impl VolumePlan<'_> {
    /// The volume's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Add { name, .. } => name,
            Self::Reuse { name, .. } => name,
        }
    }

    /// The token's path in the volume.
    #[must_use]
    pub fn token_path(&self) -> &str {
        match self {
            Self::Add { token_path, .. } => token_path,
            Self::Reuse { token_path, .. } => token_path,
        }
    }
}

/// The volume of a pod that is being created.
pub(super) fn choose<'a>(
    pod: &'a Pod<'a>,
    grant: &'a Grant,
    defaults: &'a Defaults,
    seed: Option<&str>,
    selection: &ContainerSelection,
    warnings: &mut Vec<Warning>,
) -> VolumePlan<'a> {
    let wanted = defaults.token_volume(grant.method());
    let lifetime = lifetime::of(pod, grant, defaults, seed, warnings);
    let starting = pod.containers.iter().filter(|container| container.list != List::Ephemeral);
    let readers = pod.readers(starting.filter(|container| selection.skips(&container.name).is_none()));
    let token_path = path::clean(&wanted.token_path);
    // Whatever the volume's name: programs rely on what is in it.
    let is_equal = |volume: &Volume<'_>, token: &Token<'_>| {
        lifetime.is_that_of(token)
            && readers.can_read(volume.mode.unwrap_or(Volume::DEFAULT_MODE))
            && path::clean(&token.path) == token_path
    };
    if let Some(volume) = existing(pod, grant, defaults, is_equal) {
        return volume;
    }
    // Another webhook was there, with another lifetime in mind: all containers have what they need.
    let is_usual = |volume: &Volume<'_>, _: &Token<'_>| volume.name == wanted.name;
    if let Some(volume) =
        existing(pod, grant, defaults, is_usual).filter(|_| is_served(pod, grant, defaults, selection))
    {
        return volume;
    }
    let name = free_name(pod, wanted);
    if name != wanted.name {
        warnings.push(Warning::VolumeNameTaken { name: wanted.name.clone(), used: name.to_string() });
    }
    VolumePlan::Add {
        name,
        audience: audience(grant, wanted),
        lifetime: lifetime.seconds,
        token_path: &wanted.token_path,
    }
}

/// Whether every container that is not left out sets the pair itself, for a token that the pod has.
fn is_served(pod: &Pod<'_>, grant: &Grant, defaults: &Defaults, selection: &ContainerSelection) -> bool {
    let wanted = defaults.token_volume(grant.method());
    let tokens = Tokens::of(pod, audience(grant, wanted), Cow::Borrowed(&wanted.name), pod.platform());
    let [first, second] = credentials::pair(grant.method());
    let is_served = |container: &Container<'_>| match pod.value(container, second) {
        _ if !container.filled.contains(first) => false,
        Some(Value::Text(file)) => tokens.file(file, pod.mounts(container), None, "") == File::Token,
        Some(Value::Unseen) => tokens.has_any(pod.mounts(container)),
        None => false,
    };
    let mut judged = pod
        .containers
        .iter()
        .filter(|container| container.list != List::Ephemeral && selection.skips(&container.name).is_none())
        .peekable();
    judged.peek().is_some() && judged.all(is_served)
}

/// The volume of a pod that runs already, for its ephemeral containers: nothing can be added, so any token of
/// the right audience is better than none.
pub(super) fn running<'a>(
    pod: &'a Pod<'a>,
    grant: &'a Grant,
    defaults: &'a Defaults,
) -> Option<VolumePlan<'a>> {
    existing(pod, grant, defaults, |_, _| true)
}

/// A volume of the pod that holds a token of the right audience and is equal to the webhook's, preferably one
/// with the webhook's own name.
///
/// The name does not decide: with a volume of that name and other contents the variables would
/// point to nothing.
fn existing<'a>(
    pod: &'a Pod<'a>,
    grant: &'a Grant,
    defaults: &'a Defaults,
    is_equal: impl Fn(&Volume<'_>, &Token<'_>) -> bool,
) -> Option<VolumePlan<'a>> {
    let wanted = defaults.token_volume(grant.method());
    let audience = audience(grant, wanted);
    let mut equal =
        pod.tokens().filter(|(volume, token)| token.audience == audience && is_equal(volume, token));
    let first = equal.next()?;
    let (volume, token) =
        core::iter::once(first).chain(equal).find(|(volume, _)| volume.name == wanted.name).unwrap_or(first);
    // Whatever was written, it is joined to a path for every container.
    let cleaned = path::clean(&token.path);
    let token_path = if cleaned == token.path { Cow::Borrowed(&*token.path) } else { Cow::Owned(cleaned) };
    Some(VolumePlan::Reuse { name: &volume.name, token_path })
}

/// An account may want another audience for IRSA; Pod Identity's agent knows only its own.
pub(super) fn audience<'a>(grant: &'a Grant, wanted: &'a TokenVolume) -> &'a str {
    match grant {
        Grant::Role(role) => role.audience.as_deref().unwrap_or(&wanted.audience),
        Grant::Association(_) => &wanted.audience,
    }
}

fn free_name<'a>(pod: &Pod<'_>, wanted: &'a TokenVolume) -> Cow<'a, str> {
    if !pod.volumes.iter().any(|volume| volume.name == wanted.name) {
        return Cow::Borrowed(&wanted.name);
    }
    let taken: BTreeSet<_> = pod.volumes.iter().map(|volume| &*volume.name).collect();
    let mut number: usize = 2;
    loop {
        let suffix = format!("-{number}");
        let stem: String = wanted.name.chars().take(LONGEST_NAME - suffix.len()).collect();
        let name = stem + &suffix;
        if !taken.contains(&*name) {
            return Cow::Owned(name);
        }
        number += 1;
    }
}
