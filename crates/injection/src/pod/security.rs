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

impl Pod<'_> {
    /// Whether a container can read a token that is projected with this mode.
    ///
    /// Kubelet makes the file readable for the pod's group (`fsGroup`) if there is one, else for the one user that
    /// all init and regular containers name, if they do; the mode is then not used. Otherwise the file is root's.
    #[must_use]
    pub fn can_read_token(&self, container: &Container<'_>, mode: i64) -> bool {
        let user = |container: &Container<'_>| container.security.user.or(self.security.user);
        let starting = || self.containers.iter().filter(|container| container.list != List::Ephemeral);
        let first = starting().next().and_then(user);
        self.platform() == Platform::Windows
            || self.security.fs_group.is_some()
            || first.is_some() && starting().all(|container| user(container) == first)
            || mode & 0o004 != 0
            || user(container) == Some(0) && mode & 0o400 != 0
    }
}
