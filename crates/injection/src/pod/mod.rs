//! The view of a pod that a plan needs: nothing else in the pod is read, so nothing else can
//! be lost or logged.

mod containers;
mod decode;
mod nodes;
mod security;
mod variables;
mod volumes;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::de::DeserializeSeed;

use super::Slot;
use super::annotation::Prefix;
use super::excess::Excess;
use super::setting::Strays;

pub use nodes::Agentless;
pub use variables::{EnvNames, Value, env};

pub use security::Readers;

use security::SecurityContext;

/// Annotation that kubelet puts on the API's copy of a static pod. The API server refuses such a
/// pod once it has a token volume, so it is never touched.
pub const MIRROR_ANNOTATION: &str = "kubernetes.io/config.mirror";

/// Label by which an objectSelector keeps a pod from the webhook, whatever its value.
/// No flag changes its prefix: it is written in the registration, not in the webhook's arguments.
pub const SKIP_LABEL: &str = "eks.amazonaws.com/skip-pod-identity-webhook";

/// Label that EKS puts on every pod with an association; the annotation prefix does not change it.
pub const POD_IDENTITY_LABEL: &str = "eks.amazonaws.com/pod-identity";

/// Label of pods, and of namespaces for all their pods, that must not start without an identity:
/// its value is `true`. Literal, whatever the annotation prefix: registrations select by it.
pub const REQUIRE_LABEL: &str = "eks.amazonaws.com/require-identity";

/// What a plan reads of a pod. Strings are borrowed from the request.
#[derive(Debug, Default)]
pub struct Pod<'a> {
    /// `metadata`: names, and the webhook's annotations and labels.
    pub metadata: Metadata<'a>,
    metadata_slot: Slot,
    /// Whether there is a `spec` to add to.
    pub spec: Slot,
    service_account_name: Cow<'a, str>,
    service_account: Cow<'a, str>,
    /// Whether `spec.volumes` can be added to.
    pub volumes_slot: Slot,
    /// Every volume, in order.
    pub volumes: Vec<Volume<'a>>,
    tokens: Vec<Token<'a>>,
    lists: Lists,
    /// Containers of all three lists, each list in order.
    pub containers: Vec<Container<'a>>,
    mounts: Vec<Mount<'a>>,
    values: Vec<(EnvNames, Value<'a>)>,
    security: SecurityContext,
    nodes: nodes::Signs,
    /// The bound that the pod is beyond, if any: then not all of it was read.
    pub excess: Option<Excess>,
}

/// What a plan reads of a pod's metadata.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a label or an annotation of its own")]
pub struct Metadata<'a> {
    /// The name, empty if `generateName` is used: the API server names the pod after admission.
    pub name: Cow<'a, str>,
    /// The prefix from which the API server will make a name.
    pub generate_name: Cow<'a, str>,
    /// The namespace; it may be empty, and the request's namespace decides.
    pub namespace: Cow<'a, str>,
    /// Whether there is a label object to add to.
    pub labels: Slot,
    /// [`POD_IDENTITY_LABEL`] is there with the value `enabled`.
    pub has_pod_identity_label: bool,
    /// [`REQUIRE_LABEL`] is there with the value `true`.
    pub requires_identity: bool,
    /// [`SKIP_LABEL`] is there.
    pub has_skip_label: bool,
    /// [`MIRROR_ANNOTATION`] is there.
    pub is_mirror: bool,
    /// `token-expiration`, as written.
    pub token_expiration: Option<Cow<'a, str>>,
    /// `skip-containers`, as written.
    pub skip_containers: Option<Cow<'a, str>>,
    /// `inject-containers`, as written.
    pub inject_containers: Option<Cow<'a, str>>,
    /// `role-arn`, which has no effect on a pod.
    pub role_arn: Option<Cow<'a, str>>,
    /// Other labels and annotations that have no effect on a pod, or not as they are written: the first few.
    pub strays: Strays,
}

/// Which of the lists of containers were seen.
#[derive(Debug, Default)]
struct Lists {
    init: Slot,
    regular: Slot,
    ephemeral: Slot,
}

/// One volume: its projected tokens are in a separate list.
#[derive(Debug, Default)]
pub struct Volume<'a> {
    /// The name, unique in the pod.
    pub name: Cow<'a, str>,
    /// The mode of the files of a projected volume; `None` means [`Volume::DEFAULT_MODE`].
    pub mode: Option<i64>,
}

impl Volume<'_> {
    /// The mode of the files of a projected volume that names none: Kubernetes fills it in.
    pub const DEFAULT_MODE: i64 = 0o644;
}

/// A `serviceAccountToken` source of a projected volume.
#[derive(Debug, Default)]
pub struct Token<'a> {
    volume: usize,
    /// The audience; empty means the API server's own.
    pub audience: Cow<'a, str>,
    /// Path of the token file below the volume's mount.
    pub path: Cow<'a, str>,
    /// The lifetime in seconds; `None` means [`Token::DEFAULT_LIFETIME`].
    pub lifetime: Option<i64>,
}

impl Token<'_> {
    /// The lifetime, in seconds, of a projected token that names none: Kubernetes fills it in.
    pub const DEFAULT_LIFETIME: i64 = 3_600;
}

/// Which of a pod's lists a container stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum List {
    /// `initContainers`, native sidecars included.
    Init,
    /// `containers`.
    #[default]
    Regular,
    /// `ephemeralContainers`.
    Ephemeral,
}

impl List {
    /// The list's name in `spec`.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Regular => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// What a plan reads of a container.
#[derive(Debug, Default)]
pub struct Container<'a> {
    /// The list it stands in.
    pub list: List,
    /// Its index in that list, from 0.
    pub index: usize,
    /// Unique in the pod.
    pub name: Cow<'a, str>,
    /// Whether `env` can be added to.
    pub env: Slot,
    /// Which of the variables in [`mod@env`] are set, by name. `valueFrom` counts, and so does an empty
    /// value.
    pub env_names: EnvNames,
    /// Which of them have a value: one that is not empty, or `valueFrom`.
    pub filled: EnvNames,
    /// Whether `envFrom` may set others, which cannot be seen.
    pub has_env_from: bool,
    security: SecurityContext,
    values: core::ops::Range<usize>,
    /// Whether `volumeMounts` can be added to.
    pub volume_mounts: Slot,
    mounts: core::ops::Range<usize>,
}

/// One entry of `volumeMounts`.
#[derive(Debug, Default)]
pub struct Mount<'a> {
    /// The volume's name.
    pub volume: Cow<'a, str>,
    /// The path as written, not cleaned.
    pub path: Cow<'a, str>,
    /// Whether it mounts only one path of the volume: kubelet never refreshes such a token.
    pub is_sub_path: bool,
}

/// The platform of a node, which decides how paths are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux, and every other platform with its paths.
    Linux,
    /// Windows.
    Windows,
}

impl<'a> Pod<'a> {
    /// Reads a pod from its JSON, with the annotations of `prefix`.
    pub fn decode(json: &'a str, prefix: &Prefix) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let pod = Self::seed(prefix).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(pod.unwrap_or_default())
    }

    /// Reads a pod where it stands inside a larger document.
    pub(super) fn seed(prefix: &Prefix) -> decode::PodSeed<'_> {
        decode::PodSeed { prefix }
    }

    /// The account the pod runs as. The API server fills in `serviceAccountName` before webhooks
    /// run; the deprecated `serviceAccount` counts if only it is set; neither means `default`.
    #[must_use]
    pub fn service_account(&self) -> &str {
        [&self.service_account_name, &self.service_account]
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or("default", AsRef::as_ref)
    }

    /// The pod's name, or the prefix of the one it will get.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.metadata.name.is_empty() { &self.metadata.generate_name } else { &self.metadata.name }
    }

    /// Whether `metadata` can be added to.
    #[must_use]
    pub fn has_metadata(&self) -> bool {
        self.metadata_slot.is_present()
    }

    /// The platform of the nodes that the pod says it wants: by `nodeSelector`, `os.name` or required node
    /// affinity.
    #[must_use]
    pub fn platform(&self) -> Platform {
        if self.nodes.is_windows() { Platform::Windows } else { Platform::Linux }
    }

    /// The projected tokens, each with the place of its volume in [`Pod::volumes`].
    pub fn tokens(&self) -> impl Iterator<Item = (&Volume<'a>, &Token<'a>)> {
        self.tokens.iter().filter_map(|token| Some((self.volumes.get(token.volume)?, token)))
    }

    /// The bytes of memory that its lists take, and the texts that are not borrowed: those with escapes.
    pub(super) fn weight(&self) -> usize {
        let owned = |text: &Cow<'_, str>| match text {
            Cow::Borrowed(_) => 0,
            Cow::Owned(text) => text.capacity(),
        };
        let Self { volumes, tokens, containers, mounts, values, metadata, .. } = self;
        let lists = volumes.capacity() * size_of::<Volume<'_>>()
            + tokens.capacity() * size_of::<Token<'_>>()
            + containers.capacity() * size_of::<Container<'_>>()
            + mounts.capacity() * size_of::<Mount<'_>>()
            + values.capacity() * size_of::<(EnvNames, Value<'_>)>();
        let names = volumes.iter().map(|volume| owned(&volume.name)).sum::<usize>()
            + tokens.iter().map(|token| owned(&token.audience) + owned(&token.path)).sum::<usize>()
            + containers.iter().map(|container| owned(&container.name)).sum::<usize>()
            + mounts.iter().map(|mount| owned(&mount.volume) + owned(&mount.path)).sum::<usize>()
            + values.iter().filter_map(|(_, value)| value.text()).map(owned).sum::<usize>();
        let Metadata { token_expiration, skip_containers, inject_containers, role_arn, strays, .. } =
            metadata;
        let annotations = [token_expiration, skip_containers, inject_containers, role_arn];
        lists + names + strays.weight() + annotations.into_iter().flatten().map(owned).sum::<usize>()
    }

    /// The mounts of one of this pod's containers.
    #[must_use]
    pub fn mounts(&self, container: &Container<'_>) -> &[Mount<'a>] {
        self.mounts.get(container.mounts.clone()).unwrap_or_default()
    }

    /// The value of a variable in one of this pod's containers, if it is one of those that are judged by it.
    #[must_use]
    pub fn value(&self, container: &Container<'_>, name: &str) -> Option<&Value<'a>> {
        let wanted = EnvNames::of(name);
        let values = self.values.get(container.values.clone()).unwrap_or_default();
        values.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
    }

    /// Why the agent of EKS Pod Identity does not run on the nodes that the pod asks for, if that can be seen.
    #[must_use]
    pub fn agentless(&self) -> Option<Agentless> {
        self.nodes.agentless()
    }
}
