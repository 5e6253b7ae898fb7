//! Certificate and key in files.

use std::path::PathBuf;

use pod_identity_webhook::certificates::{Authority, Leaf};

use super::mounted::Files;

/// A leaf for the local machine.
pub fn leaf(authority: &Authority) -> Leaf {
    authority.leaf(&["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap()
}

/// A folder with `tls.crt` and `tls.key`.
pub struct PairFiles(Files);

impl PairFiles {
    /// Plain files.
    pub fn plain(pair: &Leaf) -> Self {
        Self(Files::plain(&texts(pair)))
    }

    /// The layout of a Secret's mount.
    pub fn mounted(pair: &Leaf) -> Self {
        Self(Files::mounted(&texts(pair)))
    }

    /// A file or link in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    /// The flags that name the files.
    pub fn args(&self) -> [String; 2] {
        ["--tls-cert=tls.crt", "--tls-key=tls.key"].map(|flag| {
            let (flag, name) = flag.split_once('=').unwrap();
            format!("{flag}={}", self.path(name).display())
        })
    }

    /// Removes whatever has the names of the two files.
    pub fn clear(&self) {
        for name in ["tls.crt", "tls.key"] {
            let path = self.path(name);
            drop(std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path)));
        }
    }

    /// Overwrites both in place, one after the other.
    pub fn rewrite(&self, certificate: &str, key: &str) {
        self.0.rewrite("tls.crt", certificate);
        self.0.rewrite("tls.key", key);
    }

    /// Writes both beside and renames them over, one after the other.
    pub fn rename_over(&self, pair: &Leaf) {
        for (name, text) in texts(pair) {
            self.0.rename_over(name, text);
        }
    }

    /// Swaps `..data`, as kubelet does.
    pub fn swap(&self, generation: &str, pair: &Leaf) {
        self.0.swap(generation, &texts(pair));
    }
}

fn texts(pair: &Leaf) -> [(&str, &str); 2] {
    [("tls.crt", &pair.certificate_pem), ("tls.key", &pair.key_pem)]
}
