//! Files that change, written in the ways in which operators and kubelet write them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;

/// A folder with files that a process follows.
pub struct Files(TempDir);

impl Files {
    /// Plain files, by name and text.
    pub fn plain(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        for (name, text) in files {
            folder.rewrite(name, text);
        }
        folder
    }

    /// The layout of a mounted Secret or ConfigMap: the files are links through `..data`.
    pub fn mounted(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.generation("..2026_1", files);
        symlink("..2026_1", folder.path("..data")).unwrap();
        for (name, _) in files {
            symlink(format!("..data/{name}"), folder.path(name)).unwrap();
        }
        folder
    }

    /// A file or link in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file in place.
    pub fn rewrite(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Writes a new file and renames it over the old one.
    pub fn rename_over(&self, name: &str, text: &str) {
        self.rewrite("new", text);
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    /// Swaps `..data`, as kubelet does: a new folder, a new link renamed over the old, the old
    /// folder removed.
    pub fn swap(&self, generation: &str, files: &[(&str, &str)]) {
        let old = fs::read_link(self.path("..data")).unwrap();
        self.generation(generation, files);
        symlink(generation, self.path("..data_tmp")).unwrap();
        fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
        fs::remove_dir_all(self.path(old.to_str().unwrap())).unwrap();
    }

    fn generation(&self, generation: &str, files: &[(&str, &str)]) {
        let folder = self.path(generation);
        fs::create_dir(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
    }
}
