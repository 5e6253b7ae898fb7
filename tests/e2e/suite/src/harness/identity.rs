//! Which identity a pod was given, and that it is whole, with nothing of another beside it.

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::Pod;

use super::Injected;
use super::injected::{MOUNT, TOKEN_FILE, VOLUME};

/// EKS Pod Identity's volume.
const ASSOCIATION_VOLUME: &str = "eks-pod-identity-token";

/// Where containers mount it.
const ASSOCIATION_MOUNT: &str = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount";

/// What containers of an association's pods get, as they see it: in the order of the names.
pub const ASSOCIATION: [(&str, &str); 2] = [
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
    ),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
];

/// Label of an association's pods.
const LABEL: &str = "eks.amazonaws.com/pod-identity";

/// What the container `main` of a pod has, of a release that sets no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity<'a> {
    /// Nothing at all.
    None,
    /// IRSA, with this role.
    Role(&'a str),
    /// EKS Pod Identity.
    Association,
}

impl<'a> Identity<'a> {
    /// An error if it is none of these: half of one, something else, or both.
    pub fn of(pod: &'a Pod) -> Result<Self> {
        let injected = Injected(pod);
        let mut env = injected.env("main");
        env.sort_unstable();
        let label = pod.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL)).map(String::as_str);
        let volumes = [VOLUME, ASSOCIATION_VOLUME].map(|name| injected.volumes(name).len());
        let mounts = [VOLUME, ASSOCIATION_VOLUME].map(|name| injected.mounts("main", name));
        match (&env[..], label, volumes, &mounts.each_ref().map(Vec::as_slice)) {
            ([], None, [0, 0], [[], []]) => Ok(Self::None),
            (
                [("AWS_ROLE_ARN", role), ("AWS_WEB_IDENTITY_TOKEN_FILE", TOKEN_FILE)],
                None,
                [1, 0],
                [[(MOUNT, true)], []],
            ) => Ok(Self::Role(role)),
            (env, Some("enabled"), [0, 1], [[], [(ASSOCIATION_MOUNT, true)]]) if *env == ASSOCIATION => {
                Ok(Self::Association)
            }
            found => bail!("no whole identity, or not one alone: {found:?}"),
        }
    }
}
