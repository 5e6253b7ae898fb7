//! Certificate and key in files, written in the ways in which operators and kubelet write them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use pod_identity_webhook::certificates::{Authority, Leaf};
use tempfile::TempDir;

/// A leaf for the local machine.
pub fn leaf(authority: &Authority) -> Leaf {
    authority.leaf(&["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap()
}

/// A folder with `tls.crt` and `tls.key`.
pub struct PairFiles(TempDir);

impl PairFiles {
    /// Plain files.
    pub fn plain(pair: &Leaf) -> Self {
        let files = Self(TempDir::new().unwrap());
        files.rewrite(&pair.certificate_pem, &pair.key_pem);
        files
    }

    /// The layout of a Secret's mount: the files are links through `..data`.
    pub fn mounted(pair: &Leaf) -> Self {
        let files = Self(TempDir::new().unwrap());
        files.generation("..2026_1", pair);
        symlink("..2026_1", files.path("..data")).unwrap();
        for name in ["tls.crt", "tls.key"] {
            symlink(format!("..data/{name}"), files.path(name)).unwrap();
        }
        files
    }

    /// A file or link in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The flags that name the files.
    pub fn args(&self) -> [String; 2] {
        ["--tls-cert=tls.crt", "--tls-key=tls.key"].map(|flag| {
            let (flag, name) = flag.split_once('=').unwrap();
            format!("{flag}={}", self.path(name).display())
        })
    }

    /// Writes both where they are, one after the other.
    pub fn rewrite(&self, certificate: &str, key: &str) {
        fs::write(self.path("tls.crt"), certificate).unwrap();
        fs::write(self.path("tls.key"), key).unwrap();
    }

    /// Writes both beside and renames them over, one after the other.
    pub fn rename_over(&self, pair: &Leaf) {
        for (name, text) in [("tls.crt", &pair.certificate_pem), ("tls.key", &pair.key_pem)] {
            fs::write(self.path("new"), text).unwrap();
            fs::rename(self.path("new"), self.path(name)).unwrap();
        }
    }

    /// Swaps `..data`, as kubelet does: a new folder, a new link renamed over the old, the old
    /// folder removed.
    pub fn swap(&self, folder: &str, pair: &Leaf) {
        let old = fs::read_link(self.path("..data")).unwrap();
        self.generation(folder, pair);
        symlink(folder, self.path("..data_tmp")).unwrap();
        fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
        fs::remove_dir_all(self.path(old.to_str().unwrap())).unwrap();
    }

    fn generation(&self, folder: &str, pair: &Leaf) {
        let folder = self.path(folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("tls.crt"), &pair.certificate_pem).unwrap();
        fs::write(folder.join("tls.key"), &pair.key_pem).unwrap();
    }
}
