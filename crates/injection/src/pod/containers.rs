//! Reads a pod's containers.

use alloc::vec::Vec;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use super::super::excess::{self, Excess};
use super::super::json::{Array, Elements, Fold, Judge, Object, Text, once, skip};
use super::{Container, EnvNames, List, Mount, Pod, env};

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
        let first_mount = self.pod.mounts.len();
        let mut fold = ContainerFold {
            container: Container { list: self.list, index: self.index, ..Container::default() },
            mounts: Mounts { mounts: &mut self.pod.mounts, excess: &mut self.pod.excess },
        };
        let Some(slot) = seq.next_element_seed(Object(&mut fold))? else {
            return Ok(false);
        };
        let mut container = fold.container;
        container.mounts = first_mount..self.pod.mounts.len();
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
                container.volume_mounts = map.next_value_seed(Array(&mut self.mounts))?;
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
        let mut variable = VariableFold::default();
        let more = seq.next_element_seed(Object(&mut variable))?.is_some();
        let VariableFold { name, has_value } = variable;
        match name {
            Some(name) if has_value || !name.contains(env::ACCESS_KEY_ID) => self.0.insert(name),
            _ => {}
        }
        Ok(more)
    }
}

#[derive(Default)]
struct VariableFold {
    name: Option<EnvNames>,
    /// Whether `AWS_ACCESS_KEY_ID` has a value.
    has_value: bool,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum VariableField {
    Name,
    Value,
    ValueFrom,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for VariableFold {
    const WHAT: &'static str = "a variable";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(VariableField::Name) => self.name = Some(map.next_value_seed(Judge::by(EnvNames::of))?),
            // Go's encoder writes the name first; if it has not come yet, the value may matter.
            Some(VariableField::Value | VariableField::ValueFrom)
                if self.name.is_none_or(|name| name.contains(env::ACCESS_KEY_ID)) =>
            {
                let raw: &RawValue = map.next_value()?;
                self.has_value |= !matches!(raw.get(), "null" | "\"\"");
            }
            Some(_) => skip(map)?,
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
