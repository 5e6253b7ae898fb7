//! What `make certs` runs: an authority and a serving certificate for development.
//!
//! Arguments: the folder to write to, then the names and addresses that the certificate is for.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pod_identity_webhook::certificates::Authority;

/// Where clients look for a server on this machine.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("give a folder, then names for the certificate")?);
    let names: Vec<_> = LOCAL.map(str::to_owned).into_iter().chain(arguments).collect();
    let authority = Authority::new()?;
    let leaf = authority.leaf(&names)?;
    std::fs::create_dir_all(&folder)?;
    write(&folder.join("ca.crt"), &authority.certificate_pem(), 0o644)?;
    write(&folder.join("tls.crt"), &leaf.certificate_pem, 0o644)?;
    write(&folder.join("tls.key"), &leaf.key_pem, 0o600)?;
    println!("certificate for {}", names.join(", "));
    println!("serve with   --tls-cert={0}/tls.crt --tls-key={0}/tls.key", folder.display());
    println!("trust        {}/ca.crt (a webhook's caBundle is this file in base64)", folder.display());
    Ok(())
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    // The file is removed first: an older one would keep its mode.
    drop(std::fs::remove_file(path));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("failed to write {}", path.display()))
}
