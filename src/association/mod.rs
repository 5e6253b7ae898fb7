//! EKS Pod Identity's associations as objects of Kubernetes, for clusters that are not EKS: what a
//! `PodIdentityAssociation` is, the rules that it keeps to, its ids, and how it is stored.
//!
//! An object lives in the pods' namespace and is named as their ServiceAccount, so that an account has one by
//! construction. Read by the webhook's source, written by `eks-endpoint` and `associations`. Nothing here knows
//! which of them asks.

mod identifier;
mod object;
mod rules;
mod spec;
mod store;
mod terms;

use kube::api::ApiResource;

pub use identifier::{ArnError, AssociationArn, AssociationId, external_id};
pub use object::{Association, ObjectError};
pub use rules::{MOST_TAGS, Violation, check, check_tags};
pub use spec::Spec;
pub use store::{Listing, MEMBERS, Notes, Store, StoreError, Unreadable, Why, Writing};
pub use terms::Terms;

/// The kind, as it is asked for.
#[must_use]
pub fn resource() -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        plural: PLURAL.to_owned(),
    }
}

/// The API group.
pub const GROUP: &str = "pod-identity-webhook.dev";

/// The version whose shape is known.
pub const VERSION: &str = "v1alpha1";

/// Group and version, as objects have them.
pub const API_VERSION: &str = "pod-identity-webhook.dev/v1alpha1";

/// The kind.
pub const KIND: &str = "PodIdentityAssociation";

/// The kind's plural, which is part of the API's paths.
pub const PLURAL: &str = "podidentityassociations";

/// The definition of the kind, which the chart installs: YAML for `kubectl apply`.
pub const DEFINITION: &str =
    include_str!("../../charts/pod-identity-webhook/files/podidentityassociations.yaml");
