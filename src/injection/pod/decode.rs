//! Reads a [`Pod`] from JSON in one pass; [`super::super::json`] holds the technique.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess};

use super::super::annotation::{self, Prefix};
use super::super::json::{Array, Elements, Fold, Judge, Object, Slot, Text, once, skip};
use super::windows::{AffinityFold, NodeSelectorFold, OsFold};
use super::{
    Container, EnvNames, List, MIRROR_ANNOTATION, Metadata, Mount, POD_IDENTITY_LABEL, Pod, SKIP_LABEL,
    Token, Volume,
};

/// Reads a pod; `None` for `null`.
pub(in super::super) struct PodSeed<'p> {
    pub(super) prefix: &'p Prefix,
}

impl<'de> DeserializeSeed<'de> for PodSeed<'_> {
    type Value = Option<Pod<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let mut fold = PodFold { pod: Pod::default(), prefix: self.prefix };
        let slot = Object(&mut fold).deserialize(deserializer)?;
        Ok(slot.is_present().then_some(fold.pod))
    }
}

struct PodFold<'de, 'p> {
    pod: Pod<'de>,
    prefix: &'p Prefix,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum PodField {
    Metadata,
    Spec,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for PodFold<'de, '_> {
    const WHAT: &'static str = "a pod";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let Some(field) = map.next_key()? else {
            return Ok(false);
        };
        match field {
            PodField::Metadata => {
                once(self.pod.metadata_slot, "metadata")?;
                let mut fold = MetadataFold { metadata: &mut self.pod.metadata, prefix: self.prefix };
                self.pod.metadata_slot = map.next_value_seed(Object(&mut fold))?;
            }
            PodField::Spec => {
                once(self.pod.spec, "spec")?;
                self.pod.spec = map.next_value_seed(Object(&mut SpecFold(&mut self.pod)))?;
            }
            PodField::Other => skip(map)?,
        }
        Ok(true)
    }
}

struct MetadataFold<'f, 'de, 'p> {
    metadata: &'f mut Metadata<'de>,
    prefix: &'p Prefix,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum MetadataField {
    Name,
    GenerateName,
    Namespace,
    Labels,
    Annotations,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for MetadataFold<'_, 'de, '_> {
    const WHAT: &'static str = "a pod's metadata";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let Some(field) = map.next_key()? else {
            return Ok(false);
        };
        let metadata = &mut *self.metadata;
        match field {
            MetadataField::Name => metadata.name = map.next_value_seed(Text)?,
            MetadataField::GenerateName => metadata.generate_name = map.next_value_seed(Text)?,
            MetadataField::Namespace => metadata.namespace = map.next_value_seed(Text)?,
            MetadataField::Labels => {
                once(metadata.labels, "labels")?;
                metadata.labels = map.next_value_seed(Object(&mut LabelsFold(metadata)))?;
            }
            MetadataField::Annotations => {
                let mut fold = AnnotationsFold { metadata, prefix: self.prefix };
                map.next_value_seed(Object(&mut fold))?;
            }
            MetadataField::Other => skip(map)?,
        }
        Ok(true)
    }
}

struct LabelsFold<'f, 'de>(&'f mut Metadata<'de>);

#[derive(Default)]
enum Label {
    PodIdentity,
    Skip,
    #[default]
    Other,
}

impl<'de> Fold<'de> for LabelsFold<'_, 'de> {
    const WHAT: &'static str = "labels";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let key = map.next_key_seed(Judge::by(|key| match key {
            POD_IDENTITY_LABEL => Label::PodIdentity,
            SKIP_LABEL => Label::Skip,
            _ => Label::Other,
        }))?;
        match key {
            None => return Ok(false),
            Some(Label::PodIdentity) => {
                self.0.has_pod_identity_label = map.next_value_seed(Judge::by(|value| value == "enabled"))?;
            }
            Some(Label::Skip) => {
                self.0.has_skip_label = true;
                skip(map)?;
            }
            Some(Label::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct AnnotationsFold<'f, 'de, 'p> {
    metadata: &'f mut Metadata<'de>,
    prefix: &'p Prefix,
}

#[derive(Default)]
enum PodAnnotation {
    TokenExpiration,
    SkipContainers,
    InjectContainers,
    Mirror,
    #[default]
    Other,
}

impl<'de> Fold<'de> for AnnotationsFold<'_, 'de, '_> {
    const WHAT: &'static str = "annotations";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let key = map.next_key_seed(Judge::by(|key| match self.prefix.name_of(key) {
            Some(annotation::TOKEN_EXPIRATION) => PodAnnotation::TokenExpiration,
            Some(annotation::SKIP_CONTAINERS) => PodAnnotation::SkipContainers,
            Some(annotation::INJECT_CONTAINERS) => PodAnnotation::InjectContainers,
            _ if key == MIRROR_ANNOTATION => PodAnnotation::Mirror,
            _ => PodAnnotation::Other,
        }))?;
        let metadata = &mut *self.metadata;
        match key {
            None => return Ok(false),
            Some(PodAnnotation::TokenExpiration) => {
                metadata.token_expiration = Some(map.next_value_seed(Text)?);
            }
            Some(PodAnnotation::SkipContainers) => {
                metadata.skip_containers = Some(map.next_value_seed(Text)?);
            }
            Some(PodAnnotation::InjectContainers) => {
                metadata.inject_containers = Some(map.next_value_seed(Text)?);
            }
            Some(PodAnnotation::Mirror) => {
                metadata.is_mirror = true;
                skip(map)?;
            }
            Some(PodAnnotation::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct SpecFold<'f, 'de>(&'f mut Pod<'de>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum SpecField {
    Volumes,
    InitContainers,
    Containers,
    EphemeralContainers,
    ServiceAccountName,
    ServiceAccount,
    NodeSelector,
    Os,
    Affinity,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for SpecFold<'_, 'de> {
    const WHAT: &'static str = "a pod's spec";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let Some(field) = map.next_key()? else {
            return Ok(false);
        };
        let pod = &mut *self.0;
        match field {
            SpecField::Volumes => {
                once(pod.volumes_slot, "volumes")?;
                pod.volumes_slot = map.next_value_seed(Array(Volumes(pod)))?;
            }
            SpecField::InitContainers => containers(pod, List::Init, map)?,
            SpecField::Containers => containers(pod, List::Regular, map)?,
            SpecField::EphemeralContainers => containers(pod, List::Ephemeral, map)?,
            SpecField::ServiceAccountName => pod.service_account_name = map.next_value_seed(Text)?,
            SpecField::ServiceAccount => pod.service_account = map.next_value_seed(Text)?,
            SpecField::NodeSelector => {
                map.next_value_seed(Object(&mut NodeSelectorFold(&mut pod.windows)))?;
            }
            SpecField::Os => {
                map.next_value_seed(Object(&mut OsFold(&mut pod.windows)))?;
            }
            SpecField::Affinity => {
                map.next_value_seed(Object(&mut AffinityFold(&mut pod.windows)))?;
            }
            SpecField::Other => skip(map)?,
        }
        Ok(true)
    }
}

fn containers<'de, A: MapAccess<'de>>(pod: &mut Pod<'de>, list: List, map: &mut A) -> Result<(), A::Error> {
    let slot = match list {
        List::Init => pod.lists.init,
        List::Regular => pod.lists.regular,
        List::Ephemeral => pod.lists.ephemeral,
    };
    once(slot, list.field())?;
    let seen = map.next_value_seed(Array(Containers { pod, list, index: 0 }))?;
    match list {
        List::Init => pod.lists.init = seen,
        List::Regular => pod.lists.regular = seen,
        List::Ephemeral => pod.lists.ephemeral = seen,
    }
    Ok(())
}

struct Volumes<'f, 'de>(&'f mut Pod<'de>);

impl<'de> Elements<'de> for Volumes<'_, 'de> {
    const WHAT: &'static str = "a list of volumes";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let pod = &mut *self.0;
        let mut fold =
            VolumeFold { volume: Volume::default(), place: pod.volumes.len(), tokens: &mut pod.tokens };
        let more = seq.next_element_seed(Object(&mut fold))?.is_some();
        if more {
            pod.volumes.push(fold.volume);
        }
        Ok(more)
    }
}

struct VolumeFold<'f, 'de> {
    volume: Volume<'de>,
    place: usize,
    tokens: &'f mut Vec<Token<'de>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum VolumeField {
    Name,
    Projected,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for VolumeFold<'_, 'de> {
    const WHAT: &'static str = "a volume";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(VolumeField::Name) => self.volume.name = map.next_value_seed(Text)?,
            Some(VolumeField::Projected) => {
                let mut fold = ProjectedFold { place: self.place, tokens: self.tokens };
                map.next_value_seed(Object(&mut fold))?;
            }
            Some(VolumeField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct ProjectedFold<'f, 'de> {
    place: usize,
    tokens: &'f mut Vec<Token<'de>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ProjectedField {
    Sources,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for ProjectedFold<'_, 'de> {
    const WHAT: &'static str = "a projected volume";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(ProjectedField::Sources) => {
                let sources = Sources { place: self.place, tokens: self.tokens };
                map.next_value_seed(Array(sources))?;
            }
            Some(ProjectedField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct Sources<'f, 'de> {
    place: usize,
    tokens: &'f mut Vec<Token<'de>>,
}

impl<'de> Elements<'de> for Sources<'_, 'de> {
    const WHAT: &'static str = "a list of projected sources";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut fold =
            SourceFold { token: Token { volume: self.place, ..Token::default() }, slot: Slot::Absent };
        let more = seq.next_element_seed(Object(&mut fold))?.is_some();
        if fold.slot.is_present() {
            self.tokens.push(fold.token);
        }
        Ok(more)
    }
}

struct SourceFold<'de> {
    token: Token<'de>,
    slot: Slot,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum SourceField {
    ServiceAccountToken,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for SourceFold<'de> {
    const WHAT: &'static str = "a projected source";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(SourceField::ServiceAccountToken) => {
                self.slot = map.next_value_seed(Object(&mut TokenFold(&mut self.token)))?;
            }
            Some(SourceField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct TokenFold<'f, 'de>(&'f mut Token<'de>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum TokenField {
    Audience,
    Path,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for TokenFold<'_, 'de> {
    const WHAT: &'static str = "a service account token source";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(TokenField::Audience) => self.0.audience = map.next_value_seed(Text)?,
            Some(TokenField::Path) => self.0.path = map.next_value_seed(Text)?,
            Some(TokenField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct Containers<'f, 'de> {
    pod: &'f mut Pod<'de>,
    list: List,
    index: usize,
}

impl<'de> Elements<'de> for Containers<'_, 'de> {
    const WHAT: &'static str = "a list of containers";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let first_mount = self.pod.mounts.len();
        let mut fold = ContainerFold {
            container: Container { list: self.list, index: self.index, ..Container::default() },
            mounts: &mut self.pod.mounts,
        };
        let Some(slot) = seq.next_element_seed(Object(&mut fold))? else {
            return Ok(false);
        };
        let mut container = fold.container;
        container.mounts = first_mount..self.pod.mounts.len();
        self.index += 1;
        // A null element has nothing to add to; its place still counts.
        if slot.is_present() {
            self.pod.containers.push(container);
        }
        Ok(true)
    }
}

struct ContainerFold<'f, 'de> {
    container: Container<'de>,
    mounts: &'f mut Vec<Mount<'de>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ContainerField {
    Name,
    Env,
    VolumeMounts,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for ContainerFold<'_, 'de> {
    const WHAT: &'static str = "a container";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let container = &mut self.container;
        match map.next_key()? {
            None => return Ok(false),
            Some(ContainerField::Name) => container.name = map.next_value_seed(Text)?,
            Some(ContainerField::Env) => {
                once(container.env, "env")?;
                container.env = map.next_value_seed(Array(Env(&mut container.env_names)))?;
            }
            Some(ContainerField::VolumeMounts) => {
                once(container.volume_mounts, "volumeMounts")?;
                container.volume_mounts = map.next_value_seed(Array(Mounts(self.mounts)))?;
            }
            Some(ContainerField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct Env<'f>(&'f mut EnvNames);

impl<'de> Elements<'de> for Env<'_> {
    const WHAT: &'static str = "a list of variables";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        Ok(seq.next_element_seed(Object(&mut VariableFold(self.0)))?.is_some())
    }
}

struct VariableFold<'f>(&'f mut EnvNames);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum VariableField {
    Name,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for VariableFold<'_> {
    const WHAT: &'static str = "a variable";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(VariableField::Name) => self.0.insert(map.next_value_seed(Judge::by(EnvNames::of))?),
            Some(VariableField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct Mounts<'f, 'de>(&'f mut Vec<Mount<'de>>);

impl<'de> Elements<'de> for Mounts<'_, 'de> {
    const WHAT: &'static str = "a list of volume mounts";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut mount = Mount::default();
        let more = seq.next_element_seed(Object(&mut MountFold(&mut mount)))?.is_some();
        if more {
            self.0.push(mount);
        }
        Ok(more)
    }
}

struct MountFold<'f, 'de>(&'f mut Mount<'de>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum MountField {
    Name,
    MountPath,
    SubPath,
    SubPathExpr,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for MountFold<'_, 'de> {
    const WHAT: &'static str = "a volume mount";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(MountField::Name) => self.0.volume = map.next_value_seed(Text)?,
            Some(MountField::MountPath) => self.0.path = map.next_value_seed(Text)?,
            Some(MountField::SubPath | MountField::SubPathExpr) => {
                self.0.is_sub_path |= map.next_value_seed(Judge::by(|path| !path.is_empty()))?;
            }
            Some(MountField::Other) => skip(map)?,
        }
        Ok(true)
    }
}
