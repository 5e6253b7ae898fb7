//! Reads a [`Pod`] from JSON in one pass; [`super::super::json`] holds the technique.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess};

use super::super::annotation::{self, Prefix};
use super::super::json::{Array, Fold, Judge, Object, Text, once, skip};
use super::super::setting::{Bearer, Form, Stray};
use super::containers::Containers;
use super::nodes::{AffinityFold, FARGATE_PROFILE, NodeSelectorFold, OsFold, Signs};
use super::volumes::Volumes;
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
                let Pod { metadata, nodes, .. } = &mut self.pod;
                let mut fold = MetadataFold { metadata, nodes, prefix: self.prefix };
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
    nodes: &'f mut Signs,
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
                let mut fold = LabelsFold { metadata, nodes: self.nodes, prefix: self.prefix };
                let labels = map.next_value_seed(Object(&mut fold))?;
                metadata.labels = labels;
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

struct LabelsFold<'f, 'de, 'p> {
    metadata: &'f mut Metadata<'de>,
    nodes: &'f mut Signs,
    prefix: &'p Prefix,
}

#[derive(Default)]
enum Label {
    PodIdentity,
    Require,
    Skip,
    FargateProfile,
    #[default]
    Other,
}

impl<'de> Fold<'de> for LabelsFold<'_, 'de, '_> {
    const WHAT: &'static str = "labels";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let strays = &mut self.metadata.strays;
        let key = map.next_key_seed(Judge::by(|key| match key {
            POD_IDENTITY_LABEL => Label::PodIdentity,
            REQUIRE_LABEL => Label::Require,
            SKIP_LABEL => Label::Skip,
            FARGATE_PROFILE => Label::FargateProfile,
            _ => {
                strays.key(self.prefix, Bearer::Pod, Form::Label, key);
                Label::Other
            }
        }))?;
        let metadata = &mut *self.metadata;
        match key {
            None => return Ok(false),
            Some(Label::PodIdentity) => {
                let value = map.next_value_seed(Text)?;
                metadata.has_pod_identity_label = value == "enabled";
                metadata.strays.note(Stray::of_pod_identity_label(&value));
            }
            Some(Label::Require) => {
                let value = map.next_value_seed(Text)?;
                metadata.requires_identity = value == "true";
                metadata.strays.note(Stray::of_require_label(Bearer::Pod, &value));
            }
            Some(Label::Skip) => {
                metadata.has_skip_label = true;
                skip(map)?;
            }
            Some(Label::FargateProfile) => {
                self.nodes.fargate_profile();
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
    RoleArn,
    Mirror,
    #[default]
    Other,
}

impl<'de> Fold<'de> for AnnotationsFold<'_, 'de, '_> {
    const WHAT: &'static str = "annotations";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let strays = &mut self.metadata.strays;
        let key = map.next_key_seed(Judge::by(|key| match self.prefix.name_of(key) {
            Some(annotation::TOKEN_EXPIRATION) => PodAnnotation::TokenExpiration,
            Some(annotation::SKIP_CONTAINERS) => PodAnnotation::SkipContainers,
            Some(annotation::INJECT_CONTAINERS) => PodAnnotation::InjectContainers,
            Some(annotation::ROLE_ARN) => PodAnnotation::RoleArn,
            _ if key == MIRROR_ANNOTATION => PodAnnotation::Mirror,
            _ => {
                strays.key(self.prefix, Bearer::Pod, Form::Annotation, key);
                PodAnnotation::Other
            }
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
            Some(PodAnnotation::RoleArn) => metadata.role_arn = Some(map.next_value_seed(Text)?),
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
    SchedulerName,
    SecurityContext,
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
                map.next_value_seed(Object(&mut NodeSelectorFold(&mut pod.nodes)))?;
            }
            SpecField::Os => {
                map.next_value_seed(Object(&mut OsFold(&mut pod.nodes)))?;
            }
            SpecField::Affinity => {
                map.next_value_seed(Object(&mut AffinityFold(&mut pod.nodes)))?;
            }
            SpecField::SchedulerName => pod.nodes.scheduler(&map.next_value_seed(Text)?),
            SpecField::SecurityContext => {
                map.next_value_seed(Object(&mut pod.security))?;
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
