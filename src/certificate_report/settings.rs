//! What is looked at, and in which cluster.

use std::time::Duration;

use super::args::{CertificatesArgs, CertificatesOutput};
use crate::certificates::self_managed::{Names, Objects};
use crate::cli::error::{SettingsError, invalid};
use crate::kubernetes;

/// Shortest life of an authority that is made here: it has to outlast the wait and the certificates of the replicas,
/// whose periods this command does not know.
const SHORTEST: Duration = Duration::from_hours(1);

/// What the flags come to.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) cluster: kubernetes::Settings,
    pub(super) objects: Objects,
    /// Whether the objects' names were left open: they may be those of the chart.
    pub(super) may_be_the_charts: bool,
    pub(super) metrics_port: u16,
    pub(super) output: CertificatesOutput,
    pub(super) does_rotate: bool,
    pub(super) authority_lifetime: Duration,
}

impl TryFrom<&CertificatesArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: &CertificatesArgs) -> Result<Self, SettingsError> {
        let CertificatesArgs { kubernetes, objects, metrics_port, output, rotate, authority_lifetime } = args;
        if *authority_lifetime < SHORTEST {
            let value = format!("{authority_lifetime:?}");
            return Err(invalid("--authority-lifetime", &value, "expected at least 1h"));
        }
        Ok(Self {
            cluster: kubernetes.try_into()?,
            objects: objects.try_into()?,
            may_be_the_charts: objects.tls_secret.is_none() && objects.webhook_configuration.is_none(),
            metrics_port: *metrics_port,
            output: *output,
            does_rotate: *rotate,
            authority_lifetime: *authority_lifetime,
        })
    }
}

impl Settings {
    /// The Service's names.
    pub(super) fn names(&self) -> Names {
        Names::of_service(&self.objects.service, &self.objects.namespace)
    }
}
