//! What a webhook put into a pod, read from the pod that the API server stored.

use k8s_openapi::api::core::v1::{EnvVar, Pod, VolumeMount};
use serde_json::{Value, json};

/// IRSA's volume.
pub const VOLUME: &str = "aws-iam-token";

/// Where containers mount it.
pub const MOUNT: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";

/// The token's path in them.
pub const TOKEN_FILE: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token";

/// A pod, looked at for its identity.
pub struct Injected<'a>(pub &'a Pod);

impl<'a> Injected<'a> {
    /// A container of any kind: its variables and its mounts.
    fn parts(&self, container: &str) -> Option<(&'a [EnvVar], &'a [VolumeMount])> {
        let spec = self.0.spec.as_ref()?;
        let plain = spec.containers.iter().chain(spec.init_containers.iter().flatten());
        let plain = plain.map(|found| (&found.name, &found.env, &found.volume_mounts));
        let ephemeral = spec.ephemeral_containers.iter().flatten();
        let ephemeral = ephemeral.map(|found| (&found.name, &found.env, &found.volume_mounts));
        let (_, env, mounts) = plain.chain(ephemeral).find(|(name, _, _)| *name == container)?;
        Some((env.as_deref().unwrap_or_default(), mounts.as_deref().unwrap_or_default()))
    }

    /// The names and values of a container's `AWS_*` variables, in their order.
    pub fn env(&self, container: &str) -> Vec<(&'a str, &'a str)> {
        let env = self.parts(container).map(|(env, _)| env).unwrap_or_default();
        let ours = env.iter().filter(|variable| variable.name.starts_with("AWS_"));
        ours.map(|variable| (variable.name.as_str(), variable.value.as_deref().unwrap_or_default())).collect()
    }

    /// The value of a container's variable.
    pub fn value(&self, container: &str, name: &str) -> Option<&'a str> {
        self.env(container).into_iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Where a container mounts a volume, and whether only for reading.
    pub fn mounts(&self, container: &str, volume: &str) -> Vec<(&'a str, bool)> {
        let mounts = self.parts(container).map(|(_, mounts)| mounts).unwrap_or_default();
        let of_volume = mounts.iter().filter(|mount| mount.name == volume);
        of_volume.map(|mount| (mount.mount_path.as_str(), mount.read_only.unwrap_or(false))).collect()
    }

    /// The whole definitions of the volumes of this name.
    pub fn volumes(&self, name: &str) -> Vec<Value> {
        let volumes = self.0.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        volumes.filter(|volume| volume.name == name).map(|volume| json!(volume)).collect()
    }

    /// Whether nothing of an identity is in the pod.
    pub fn is_bare(&self) -> bool {
        let Some(spec) = &self.0.spec else { return true };
        let plain = spec.containers.iter().chain(spec.init_containers.iter().flatten());
        let plain = plain.map(|container| container.name.as_str());
        let ephemeral = spec.ephemeral_containers.iter().flatten().map(|container| container.name.as_str());
        let has_env = plain.chain(ephemeral).any(|name| !self.env(name).is_empty());
        let tokens = ["aws-iam-token", "eks-pod-identity-token"];
        !has_env && tokens.iter().all(|name| self.volumes(name).is_empty())
    }
}
