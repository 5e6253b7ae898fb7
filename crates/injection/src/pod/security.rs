//! Which containers can read a projected token: what kubelet makes of users, groups and modes.

use serde::Deserialize;
use serde::de::MapAccess;

use super::super::json::{Fold, integer, skip};
use super::{Container, List, Platform, Pod};

/// What matters of the `securityContext` of a pod or a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SecurityContext {
    user: Option<i64>,
    /// Only a pod has it.
    fs_group: Option<i64>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum SecurityField {
    RunAsUser,
    FsGroup,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for SecurityContext {
    const WHAT: &'static str = "a security context";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(SecurityField::RunAsUser) => self.user = integer(map)?,
            Some(SecurityField::FsGroup) => self.fs_group = integer(map)?,
            Some(SecurityField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

/// Whom the file of a projected token has to be readable for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Kubelet makes it readable for all of them, whatever the volume's mode.
    Served,
    /// All of them are root, who owns the file.
    Root,
    /// Any user.
    Anyone,
}

impl Readers {
    /// Whether they can read a file that is projected with this mode.
    #[must_use]
    pub fn can_read(self, mode: i64) -> bool {
        match self {
            Self::Served => true,
            Self::Root => mode & 0o404 != 0,
            Self::Anyone => mode & 0o004 != 0,
        }
    }
}

impl Pod<'_> {
    /// Whom a projected token has to be readable for, so that `containers` of the pod can read it.
    ///
    /// Kubelet makes the file readable for the pod's group (`fsGroup`) if there is one, else for the one user that
    /// all init and regular containers name, if they do; the mode is then not used. Otherwise the file is root's.
    pub fn readers<'c>(&self, mut containers: impl Iterator<Item = &'c Container<'c>>) -> Readers {
        let user = |container: &Container<'_>| container.security.user.or(self.security.user);
        let mut users =
            self.containers.iter().filter(|container| container.list != List::Ephemeral).map(user);
        let first = users.next().flatten();
        let have_one_user = first.is_some() && users.all(|user| user == first);
        if self.platform() == Platform::Windows || self.security.fs_group.is_some() || have_one_user {
            Readers::Served
        } else if containers.all(|container| user(container) == Some(0)) {
            Readers::Root
        } else {
            Readers::Anyone
        }
    }
}
