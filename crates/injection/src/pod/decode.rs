//! Reads a [`Pod`] from JSON in one pass; [`super::super::json`] holds the technique.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess};

use super::super::annotation::{self, Prefix};
use super::super::json::{Array, Fold, Judge, Object, Text, once, skip};
use super::containers::Containers;
use super::volumes::Volumes;
use super::windows::{AffinityFold, NodeSelectorFold, OsFold};
use super::{List, MIRROR_ANNOTATION, Metadata, POD_IDENTITY_LABEL, Pod, REQUIRE_LABEL, SKIP_LABEL};

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
    Require,
    Skip,
    #[default]
    Other,
}

impl<'de> Fold<'de> for LabelsFold<'_, 'de> {
    const WHAT: &'static str = "labels";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let key = map.next_key_seed(Judge::by(|key| match key {
            POD_IDENTITY_LABEL => Label::PodIdentity,
            REQUIRE_LABEL => Label::Require,
            SKIP_LABEL => Label::Skip,
            _ => Label::Other,
        }))?;
        match key {
            None => return Ok(false),
            Some(Label::PodIdentity) => {
                self.0.has_pod_identity_label = map.next_value_seed(Judge::by(|value| value == "enabled"))?;
            }
            Some(Label::Require) => {
                self.0.requires_identity = map.next_value_seed(Judge::by(|value| value == "true"))?;
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
