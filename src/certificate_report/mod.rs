//! `certificates`: shows self-managed certificates and what is wrong with them, and begins a rotation.
//!
//! `look` reads, `judge` makes a report of it, and text or JSON shows that. It writes nothing but
//! the Secret, and that only for `--rotate`.

pub mod args;
mod judge;
mod look;
mod problem;
mod report;
mod rotate;
mod seen;
mod settings;
#[cfg(test)]
mod tests;
mod text;

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use args::{CertificatesArgs, CertificatesOutput};
use rotate::Rotation;
use settings::Settings;
use text::Text;

use crate::cli::exit::{USAGE, fail, print, refuse};
use crate::kubernetes::Cluster;

/// Runs `certificates`.
pub(crate) fn run(args: &CertificatesArgs) -> ExitCode {
    let settings = match Settings::try_from(args) {
        Ok(settings) => settings,
        Err(error) => return refuse(error, USAGE),
    };
    match shown(settings) {
        Err(error) => fail(&error),
        Ok((text, is_well)) => {
            let printed = print(&text);
            if is_well { printed } else { ExitCode::FAILURE }
        }
    }
}

/// What is printed, and whether all is well.
fn shown(settings: Settings) -> Result<(String, bool)> {
    // kube and rustls ask for the process's cryptography; a second call finds it installed.
    drop(aws_lc_rs::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("failed to start the runtime")?.block_on(async {
        let client = Cluster::new(settings.cluster.clone()).client().await?;
        let settings = look::found(&client, settings).await;
        if settings.does_rotate {
            let rotation = rotate::rotate(&client, &settings).await?;
            return Ok((rotation_shown(&rotation, settings.output)?, true));
        }
        let seen = look::look(&client, &settings).await;
        let report = judge::judge(&seen, &settings.objects, settings.authority_lifetime);
        let text = match settings.output {
            CertificatesOutput::Text => Text(&report).to_string(),
            CertificatesOutput::Json => lines(&report)?,
        };
        Ok((text, report.all_well))
    })
}

fn rotation_shown(rotation: &Rotation, output: CertificatesOutput) -> Result<String> {
    match (output, rotation) {
        (CertificatesOutput::Json, Rotation::Announced(certificate)) => {
            lines(&json!({"rotation": "announced", "authority": certificate.serial()}))
        }
        (CertificatesOutput::Json, Rotation::UnderWay) => lines(&json!({"rotation": "underWay"})),
        (CertificatesOutput::Text, Rotation::Announced(certificate)) => Ok(format!(
            "The next authority {certificate} is announced. Running replicas put it into every caBundle within seconds, \
             have it sign after --rotation-wait, and drop the one before it once nothing that it signed is served any \
             longer.\n"
        )),
        (CertificatesOutput::Text, Rotation::UnderWay) => {
            Ok("A rotation is under way already: nothing was changed.\n".to_owned())
        }
    }
}

/// JSON that people may have to read.
fn lines(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
