//! The file by which clients trust the endpoint's certificate: the host's authorities, and the one of this run.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::random::random;

/// Where hosts keep the authorities that they trust, in one file: as OpenSSL has it on the distributions.
const OF_HOSTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
];

/// Variables that name such a file: what the user already trusts stays trusted.
const VARIABLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

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
        for pem in trusted(environment).into_iter().chain([authority_pem.to_owned()]) {
            let written = file.write_all(pem.as_bytes()).and_then(|()| file.write_all(b"\n"));
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

/// What clients trust without this endpoint.
fn trusted(environment: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let named: Vec<_> = VARIABLES.into_iter().filter_map(environment).collect();
    let named: Vec<_> = named.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    if named.is_empty() {
        OF_HOSTS.into_iter().find_map(|path| std::fs::read_to_string(path).ok()).into_iter().collect()
    } else {
        named
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_trusted_stays_trusted_and_the_file_goes() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own.pem");
        std::fs::write(&own, "of the company").unwrap();
        let own = own.display().to_string();
        let file =
            TrustFile::write("of this run", |name| (name == "AWS_CA_BUNDLE").then(|| own.clone())).unwrap();
        let path = file.path().to_owned();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "of the company\nof this run\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        drop(file);
        assert!(!path.exists());
    }
}
