//! Reads a pod's containers.

use alloc::vec::Vec;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use super::super::excess::{self, Excess};
use super::super::json::{Array, Elements, Fold, Judge, Object, Text, once, skip};
use super::variables::Env;
use super::{Container, EnvNames, List, Mount, Pod, Value};

/// One of a pod's lists of containers: what is set in each, and what it mounts.
pub(super) struct Containers<'f, 'de> {
    pub(super) pod: &'f mut Pod<'de>,
    pub(super) list: List,
    /// Index of the next element.
    pub(super) index: usize,
}

impl<'de> Elements<'de> for Containers<'_, 'de> {
    const WHAT: &'static str = "a list of containers";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        if self.pod.containers.len() >= excess::CONTAINERS {
            return pass_over(seq, &mut self.pod.excess, Excess::Containers);
        }
        let (first_mount, first_value) = (self.pod.mounts.len(), self.pod.values.len());
        let mut fold = ContainerFold {
            container: Container { list: self.list, index: self.index, ..Container::default() },
            mounts: Mounts { mounts: &mut self.pod.mounts, excess: &mut self.pod.excess },
            values: &mut self.pod.values,
            first_value,
        };
        let Some(slot) = seq.next_element_seed(Object(&mut fold))? else {
            return Ok(false);
        };
        let mut container = fold.container;
        container.mounts = first_mount..self.pod.mounts.len();
        container.values = first_value..self.pod.values.len();
        self.index += 1;
        // A null element cannot be added to, but has an index.
        if slot.is_present() {
            self.pod.containers.push(container);
        }
        Ok(true)
    }
}

/// Skips an element beyond the bound; `false` after the last.
pub(super) fn pass_over<'de, A: SeqAccess<'de>>(
    seq: &mut A,
    seen: &mut Option<Excess>,
    excess: Excess,
) -> Result<bool, A::Error> {
    let more = seq.next_element::<IgnoredAny>()?.is_some();
    if more {
        seen.get_or_insert(excess);
    }
    Ok(more)
}

struct ContainerFold<'f, 'de> {
    container: Container<'de>,
    mounts: Mounts<'f, 'de>,
    values: &'f mut Vec<(EnvNames, Value<'de>)>,
    first_value: usize,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ContainerField {
    Name,
    Env,
    EnvFrom,
    VolumeMounts,
    SecurityContext,
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
                let Container { env_names: set, filled, .. } = container;
                let env = Env { set, filled, values: self.values, first: self.first_value };
                container.env = map.next_value_seed(Array(env))?;
            }
            Some(ContainerField::EnvFrom) => {
                let raw: &RawValue = map.next_value()?;
                container.has_env_from = !matches!(raw.get(), "null" | "[]");
            }
            Some(ContainerField::SecurityContext) => {
                map.next_value_seed(Object(&mut container.security))?;
            }
            Some(ContainerField::VolumeMounts) => {
                once(container.volume_mounts, "volumeMounts")?;
                container.volume_mounts = map.next_value_seed(Array(&mut self.mounts))?;
            }
            Some(ContainerField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

/// The mounts of all containers so far.
struct Mounts<'f, 'de> {
    mounts: &'f mut Vec<Mount<'de>>,
    excess: &'f mut Option<Excess>,
}

impl<'de> Elements<'de> for &mut Mounts<'_, 'de> {
    const WHAT: &'static str = "a list of volume mounts";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        if self.mounts.len() >= excess::VOLUME_MOUNTS {
            return pass_over(seq, self.excess, Excess::VolumeMounts);
        }
        let mut mount = Mount::default();
        let more = seq.next_element_seed(Object(&mut MountFold(&mut mount)))?.is_some();
        if more {
            self.mounts.push(mount);
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
