//! What can be wrong, in words, and what to do about it.

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("there is no Secret {0}, which the authority is kept in")]
    SecretMissing(String),
    #[error("the Secret {0} could not be read: {1}")]
    SecretUnreadable(String, String),
    #[error("the Secret {0} holds no authority")]
    SecretEmpty(String),
    #[error("{part} in the Secret {secret} cannot be used: {why}")]
    PartUnusable { secret: String, part: &'static str, why: String },
    #[error("the next authority was due {0}, and there is none")]
    NextAuthorityOverdue(String),
    #[error("there is no MutatingWebhookConfiguration {0}, so that no API server calls the webhook")]
    RegistrationMissing(String),
    #[error("the MutatingWebhookConfiguration {0} could not be read: {1}")]
    RegistrationUnreadable(String, String),
    #[error("the MutatingWebhookConfiguration {0} has no entry, so that no API server calls the webhook")]
    RegistrationEmpty(String),
    #[error("the caBundle of {0} holds something that is no certificate, or nothing")]
    BundleUnreadable(String),
    #[error("the caBundle of {entry} lacks the {which} authority {serial}")]
    AuthorityMissing { entry: String, which: &'static str, serial: String },
    #[error("the caBundle of {entry} trusts {serial}, which the Secret does not know")]
    AuthorityUnknown { entry: String, serial: String },
    #[error("there is no Service {0}, so that no API server reaches the webhook")]
    ServiceMissing(String),
    #[error("the Service {0} has no selector, so that its pods are not known")]
    ServiceWithoutSelector(String),
    #[error("the pods of the Service {0} could not be read: {1}")]
    ReplicasUnreadable(String, String),
    #[error("no pod of the Service {0} is ready, so that no API server gets an answer")]
    NoReadyReplica(String),
    #[error("the certificate that {0} serves could not be read: {1}")]
    CertificateUnreadable(String, String),
    #[error("the certificate that {0} serves expired {1}")]
    CertificateExpired(String, String),
    #[error("the certificate that {pod} serves is refused by the caBundle of {entry}: {why}")]
    CertificateRefused { pod: String, entry: String, why: String },
}

impl Problem {
    /// The problem in one word, for programs.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::SecretMissing(_) => "SecretMissing",
            Self::SecretUnreadable(..) => "SecretUnreadable",
            Self::SecretEmpty(_) => "SecretEmpty",
            Self::PartUnusable { .. } => "PartUnusable",
            Self::NextAuthorityOverdue(_) => "NextAuthorityOverdue",
            Self::RegistrationMissing(_) => "RegistrationMissing",
            Self::RegistrationUnreadable(..) => "RegistrationUnreadable",
            Self::RegistrationEmpty(_) => "RegistrationEmpty",
            Self::BundleUnreadable(_) => "BundleUnreadable",
            Self::AuthorityMissing { .. } => "AuthorityMissing",
            Self::AuthorityUnknown { .. } => "AuthorityUnknown",
            Self::ServiceMissing(_) => "ServiceMissing",
            Self::ServiceWithoutSelector(_) => "ServiceWithoutSelector",
            Self::ReplicasUnreadable(..) => "ReplicasUnreadable",
            Self::NoReadyReplica(_) => "NoReadyReplica",
            Self::CertificateUnreadable(..) => "CertificateUnreadable",
            Self::CertificateExpired(..) => "CertificateExpired",
            Self::CertificateRefused { .. } => "CertificateRefused",
        }
    }

    /// What to do about it.
    pub(super) const fn to_do(&self) -> &'static str {
        match self {
            Self::SecretMissing(_) => {
                "Make the Secret, empty, for instance by helm upgrade: a running replica fills it within seconds. Or \
                 name the right one by --namespace and --tls-secret."
            }
            Self::SecretUnreadable(..) => {
                "See the error: the API server has to answer, and the caller to have get on this Secret."
            }
            Self::SecretEmpty(_) => {
                "Start a replica: it fills the Secret within seconds. If one runs, its log says why it does not."
            }
            Self::PartUnusable { .. } => {
                "Start a replica: it sets this part aside and replaces it within seconds. If one runs, its log says why \
                 it does not."
            }
            Self::NextAuthorityOverdue(_) => {
                "Read the replicas' log: they make the next authority, and need get and update on the Secret for it. Or \
                 make it by --rotate."
            }
            Self::RegistrationMissing(_) => {
                "Make the registration, for instance by helm upgrade; or name the right one by --webhook-configuration."
            }
            Self::RegistrationUnreadable(..) => {
                "See the error: the API server has to answer, and the caller to have get on this \
                 MutatingWebhookConfiguration."
            }
            Self::RegistrationEmpty(_) => "Make the registration anew, for instance by helm upgrade.",
            Self::BundleUnreadable(_) | Self::AuthorityMissing { .. } => {
                "Start a replica: replicas repair caBundles within seconds. If one runs, its log says why it does not; \
                 if it does again and again, find out what else writes caBundles, such as Argo CD, Flux or a CA injector."
            }
            Self::AuthorityUnknown { .. } => {
                "Find out who wrote it: whoever has its key can answer API servers in the webhook's place. Running \
                 replicas remove it within seconds; if they do not, their log says why."
            }
            Self::ServiceMissing(_) => {
                "Make the Service, for instance by helm upgrade; or name the right one by --namespace and \
                 --service-name."
            }
            Self::ServiceWithoutSelector(_) => "Give the Service a selector for the webhook's pods.",
            Self::ReplicasUnreadable(..) => {
                "See the error: the API server has to answer, and the caller to have get on the Service \
                 and list on pods."
            }
            Self::NoReadyReplica(_) => {
                "See why with kubectl describe pod and kubectl logs; /readyz on the metrics port says what a replica \
                 waits for."
            }
            Self::CertificateUnreadable(..) => {
                "See whether a NetworkPolicy keeps API servers from the pod's metrics port, and whether the pod runs a \
                 version that has the path /certificate there."
            }
            Self::CertificateExpired(..) => {
                "Read the pod's log, which says why it made no other one; delete the pod, and its Deployment makes a new \
                 one."
            }
            Self::CertificateRefused { .. } => {
                "Where the caBundle lacks an authority, see to that first. Otherwise read the pod's log; delete the pod, \
                 and its Deployment makes a new one, which is not ready before every entry trusts it."
            }
        }
    }
}
