//! The file by which clients trust the endpoint's certificate: the host's authorities, and the one of this run.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::random::random;
use crate::cli::exit::say;

/// Where hosts keep the authorities that they trust, in one file: as OpenSSL has it on the distributions.
const OF_HOSTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
];

/// Variables that name such a file: the command line and boto3; Rust and Go; JavaScript; older boto and requests. Each
/// is to name the file of this run, and what the user has had in them stays trusted.
pub(super) const TRUST_VARIABLES: [&str; 4] =
    ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"];

/// The file, which is removed at the end.
#[derive(Debug)]
pub(super) struct TrustFile(PathBuf);

impl TrustFile {
    /// Writes the file: clients read no other, so all that they trusted before is in it too.
    pub(super) fn write(authority_pem: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let name: [u8; 8] = random().context("failed to name a file")?;
        let name = format!("pod-identity-webhook-{:016x}.pem", u64::from_be_bytes(name));
        let path = std::env::temp_dir().join(name);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let mut file = written.with_context(|| format!("failed to write {}", path.display()))?;
        let this = Self(path);
        for pem in trusted(environment).into_iter().chain([authority_pem.as_bytes().to_vec()]) {
            let written = file.write_all(&pem).and_then(|()| file.write_all(b"\n"));
            written.with_context(|| format!("failed to write {}", this.0.display()))?;
        }
        Ok(this)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TrustFile {
    fn drop(&mut self) {
        // What cannot be removed holds no secret.
        drop(std::fs::remove_file(&self.0));
    }
}

/// What clients trust without this endpoint: the host's authorities, and each file that a variable names, once.
fn trusted(environment: impl Fn(&str) -> Option<String>) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    // Bytes, for bundles have comments in any encoding.
    let mut all: Vec<_> = OF_HOSTS
        .into_iter()
        .find_map(|path| std::fs::read(path).ok().inspect(|_| paths.push(path.to_owned())))
        .into_iter()
        .collect();
    for name in TRUST_VARIABLES {
        let Some(path) = environment(name).filter(|path| !path.is_empty() && !paths.contains(path)) else {
            continue;
        };
        match std::fs::read(&path) {
            Ok(pem) if all.contains(&pem) => {}
            Ok(pem) => all.push(pem),
            Err(error) => say(format_args!(
                "warning: the command will not trust the authorities of {name}={path}, which cannot be read: {error}"
            )),
        }
        paths.push(path);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_trusted_stays_trusted_and_the_file_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        // Not UTF-8.
        std::fs::write(path("one"), b"of the company \xe9").unwrap();
        std::fs::write(path("two"), b"of a tool").unwrap();
        let environment = |name: &str| match name {
            "AWS_CA_BUNDLE" | "REQUESTS_CA_BUNDLE" => Some(path("one")),
            "SSL_CERT_FILE" => Some(path("missing")),
            "NODE_EXTRA_CA_CERTS" => Some(path("two")),
            _ => None,
        };
        let file = TrustFile::write("of this run", environment).unwrap();
        let own = file.path().to_owned();
        let mut expected: Vec<u8> =
            trusted(|_| None).into_iter().flat_map(|pem| [pem, b"\n".to_vec()].concat()).collect();
        let of_host = OF_HOSTS.into_iter().find_map(|path| std::fs::read(path).ok()).unwrap_or_default();
        assert!(expected.starts_with(&of_host), "the host's authorities come first");
        expected.extend(b"of the company \xe9\nof a tool\nof this run\n");
        assert!(std::fs::read(&own).unwrap() == expected, "each once, after those of the host");
        assert_eq!(own.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        drop(file);
        assert!(!own.exists());
    }
}
