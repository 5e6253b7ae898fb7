//! The kinds of custom resources that hold associations, and where each keeps what is read of them.

use crate::identities::sources::association_resources::Controller;

/// The kind's name in every group.
pub const KIND: &str = "PodIdentityAssociation";

/// Its plural, which is part of the API's paths.
pub(super) const PLURAL: &str = "podidentityassociations";

/// A kind of one API group.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its API group.
    pub group: &'static str,
    /// The version whose shape is known: it is read if it is served, else whichever is.
    pub version: &'static str,
    /// Where its objects live.
    pub(super) scope: Scope,
    /// Objects with the members `namespace`, `serviceAccount` and `clusterName`: the first that has one counts.
    pub(super) wanted: &'static [&'static str],
    /// The id that AWS gave.
    pub(super) id: &'static str,
    /// The association's ARN: the first counts.
    pub(super) arns: &'static [&'static str],
    /// The condition that says that AWS has the association, and what it is then.
    pub(super) settled: (&'static str, &'static [&'static str]),
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
    id: "/status/associationID",
    arns: &["/status/ackResourceMetadata/arn", "/status/associationARN"],
    settled: ("ACK.ResourceSynced", &["True", "Unknown"]),
}];

/// Not its condition `Synced`, which only says whether the last attempt to change something succeeded.
/// What is to be observed alone, or was wanted at its creation alone, is not in `forProvider`.
const CROSSPLANE: [Kind; 2] = [
    Kind { group: "eks.aws.upbound.io", scope: Scope::Cluster, ..CROSSPLANE_NAMESPACED },
    CROSSPLANE_NAMESPACED,
];

const CROSSPLANE_NAMESPACED: Kind = Kind {
    group: "eks.aws.m.upbound.io",
    version: "v1beta1",
    scope: Scope::Namespaced,
    wanted: &["/spec/forProvider", "/spec/initProvider", "/status/atProvider"],
    id: "/status/atProvider/associationId",
    arns: &["/status/atProvider/associationArn"],
    settled: ("Ready", &["True"]),
};

static ACK_KINDS: [Kind; 1] = ACK;
static CROSSPLANE_KINDS: [Kind; 2] = CROSSPLANE;

impl Kind {
    /// The kinds of a controller.
    #[must_use]
    pub fn of(controller: Controller) -> &'static [Self] {
        match controller {
            Controller::Ack => &ACK_KINDS,
            Controller::Crossplane => &CROSSPLANE_KINDS,
        }
    }

    /// The kind of an object, whatever its version.
    #[must_use]
    pub fn find(api_version: &str, kind: &str) -> Option<&'static Self> {
        let (group, _) = api_version.split_once('/').filter(|_| kind == KIND)?;
        Controller::ALL.into_iter().flat_map(Self::of).find(|known| known.group == group)
    }

    /// Whether its objects are in namespaces.
    #[must_use]
    pub fn is_namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    /// What it is called in log and errors: the name of its `CustomResourceDefinition`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{PLURAL}.{}", self.group)
    }
}
