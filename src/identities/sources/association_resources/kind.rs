//! The kinds of custom resources that hold associations, and where each keeps what is read of them.

use kube::Client;
use kube::api::ApiResource;

use crate::association;
use crate::identities::sources::association_resources::Controller;
use crate::kubernetes::{self, WatchError};

/// The kind's name in every group.
pub const KIND: &str = association::KIND;

/// The kind's plural, which is part of the API's paths.
pub(super) const PLURAL: &str = association::PLURAL;

/// A kind of one API group.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The kind's API group.
    pub group: &'static str,
    /// The version whose shape is known. It is read if it is served, otherwise whichever version is.
    pub version: &'static str,
    /// Where its objects live.
    pub(super) scope: Scope,
    /// Pointers to where `namespace`, `serviceAccount` and `clusterName` may stand; the first that has one
    /// counts.
    pub(super) wanted: &'static [&'static str],
    /// What says that AWS has the association; `None` where the object is the association itself, and its own name
    /// that of the account.
    pub(super) of_aws: Option<OfAws>,
}

/// Where a kind says that AWS has the association.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OfAws {
    /// The pointer to the id that AWS gave.
    pub(super) id: &'static str,
    /// Pointers to the association's ARN; the first that is there counts.
    pub(super) arns: &'static [&'static str],
    /// The type of the condition that says that AWS has the association, and the statuses that say so.
    pub(super) settled: (&'static str, &'static [&'static str]),
    /// The names of the members that say the role and the target role, beside `namespace`.
    pub(super) roles: [&'static str; 2],
    /// The pointer to the external id.
    pub(super) external_id: &'static str,
}

/// Where objects of a kind live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Namespaced,
    Cluster,
}

/// ACK's condition is `Unknown` while its controller fails to ask AWS: an association that has an id
/// was made, and one that was made must not be lost because AWS does not answer.
const ACK: [Kind; 1] = [Kind {
    group: "eks.services.k8s.aws",
    version: "v1alpha1",
    scope: Scope::Namespaced,
    wanted: &["/spec"],
    of_aws: Some(OfAws {
        id: "/status/associationID",
        arns: &["/status/ackResourceMetadata/arn", "/status/associationARN"],
        settled: ("ACK.ResourceSynced", &["True", "Unknown"]),
        roles: ["roleARN", "targetRoleARN"],
        external_id: "/status/externalID",
    }),
}];

/// Crossplane's condition `Synced` is not used: it says only whether the last attempt to change something
/// succeeded. A value that is only observed, or only set at creation, is not in `forProvider`.
const CROSSPLANE: [Kind; 2] = [
    Kind { group: "eks.aws.upbound.io", scope: Scope::Cluster, ..CROSSPLANE_NAMESPACED },
    CROSSPLANE_NAMESPACED,
];

const CROSSPLANE_NAMESPACED: Kind = Kind {
    group: "eks.aws.m.upbound.io",
    version: "v1beta1",
    scope: Scope::Namespaced,
    wanted: &["/spec/forProvider", "/spec/initProvider", "/status/atProvider"],
    of_aws: Some(OfAws {
        id: "/status/atProvider/associationId",
        arns: &["/status/atProvider/associationArn"],
        settled: ("Ready", &["True"]),
        roles: ["roleArn", "targetRoleArn"],
        external_id: "/status/atProvider/externalId",
    }),
};

/// The kind that this project defines.
const OWN: [Kind; 1] = [Kind {
    group: association::GROUP,
    version: association::VERSION,
    scope: Scope::Namespaced,
    wanted: &["/spec"],
    of_aws: None,
}];

static ACK_KINDS: [Kind; 1] = ACK;
static CROSSPLANE_KINDS: [Kind; 2] = CROSSPLANE;
static OWN_KINDS: [Kind; 1] = OWN;

impl Kind {
    /// The kinds of a controller.
    #[must_use]
    pub fn of(controller: Controller) -> &'static [Self] {
        match controller {
            Controller::Ack => &ACK_KINDS,
            Controller::Crossplane => &CROSSPLANE_KINDS,
            Controller::Own => &OWN_KINDS,
        }
    }

    /// The kind of an object, whatever its version.
    #[must_use]
    pub fn find(api_version: &str, kind: &str) -> Option<&'static Self> {
        let (group, _) = api_version.split_once('/').filter(|_| kind == KIND)?;
        Controller::ALL.into_iter().flat_map(Self::of).find(|known| known.group == group)
    }

    /// The version that the cluster serves, and how it is asked for; `None` if it has no such kind.
    ///
    /// # Errors
    /// The API server does not say.
    pub(crate) async fn served(&self, client: &Client) -> Result<Option<ApiResource>, WatchError> {
        kubernetes::served(client, self.group, PLURAL, self.version).await
    }

    /// Whether objects of this kind are in namespaces.
    #[must_use]
    pub fn is_namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    /// The kind's name in log and errors: that of its `CustomResourceDefinition`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{PLURAL}.{}", self.group)
    }
}
