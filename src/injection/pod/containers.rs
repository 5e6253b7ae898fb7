//! Reads a pod's containers.

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess};

use super::super::json::{Array, Elements, Fold, Judge, Object, Text, once, skip};
use super::{Container, EnvNames, List, Mount, Pod};

/// One of a pod's lists of containers: what is set in each, and what it mounts.
pub(super) struct Containers<'f, 'de> {
    pub(super) pod: &'f mut Pod<'de>,
    pub(super) list: List,
    /// Of the next element.
    pub(super) index: usize,
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
