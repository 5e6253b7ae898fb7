//! The flags of `issuer serve`, checked.

use std::path::PathBuf;
use std::time::Duration;

use super::args::ServeArgs;
use crate::certificates::Files;
use crate::cli::error::{SettingsError, invalid};
use crate::issuer::issuer_url::IssuerUrl;
use crate::issuer::keys_path::keys_path;
use crate::server;

/// What `issuer serve` does.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) place: Place,
    pub(super) max_age: Duration,
    pub(super) certificate: Files,
    pub(super) server: server::Settings,
}

/// Where the documents are, and whose they have to be.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) issuer: IssuerUrl,
    pub(super) keys_path: String,
}

impl TryFrom<&ServeArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: &ServeArgs) -> Result<Self, SettingsError> {
        let ServeArgs {
            issuer,
            from,
            keys_path: path,
            max_age,
            bind_address,
            port,
            metrics_port,
            tls_cert,
            tls_key,
            shutdown_delay,
            log: _,
        } = args;
        let parsed =
            IssuerUrl::parse(issuer).map_err(|error| invalid("--issuer", issuer, error.to_string()))?;
        let server = server::Settings::new(bind_address, *port, *metrics_port, *shutdown_delay)?;
        Ok(Self {
            place: Place { folder: from.clone(), issuer: parsed, keys_path: keys_path(path)? },
            max_age: *max_age,
            certificate: Files { certificate: tls_cert.clone(), key: tls_key.clone() },
            server,
        })
    }
}
