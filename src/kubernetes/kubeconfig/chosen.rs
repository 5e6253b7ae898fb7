//! What one context names: the cluster, the user, the namespace. Several files say it together as they do for kubectl:
//! of each name, and of `current-context`, counts the first file that has it, and nothing of those after it.

use std::path::{Path, PathBuf};

use super::error::{KubeconfigError, MisreadError};
use super::file::{Cluster, ConfigFile, Context, Listed, User};

/// What the context names.
pub(super) struct Chosen {
    pub(super) cluster: Cluster,
    pub(super) user: User,
    /// The name of the cluster in the kubeconfig.
    pub(super) cluster_name: String,
    /// The namespace, if the context has one.
    pub(super) namespace: String,
    /// Where the relative paths of the cluster begin: the folder of the file that has it.
    pub(super) cluster_folder: PathBuf,
    /// The same of the user.
    pub(super) user_folder: PathBuf,
}

impl Chosen {
    /// What these files say of the context of this name, or else of the current one.
    pub(super) fn of(files: &[ConfigFile], context: Option<&str>) -> Result<Self, MisreadError> {
        let current = || {
            let current = files.iter().find_map(ConfigFile::current_context);
            current.ok_or_else(|| MisreadError::of(paths(files), KubeconfigError::NoContext))
        };
        let (what, name) = match context {
            Some(name) => ("context", name),
            None => ("current-context", current()?),
        };
        let (Context { cluster: cluster_name, user, namespace }, _) = find(files, what, name)?;
        let (cluster, cluster_folder) = match cluster_name.as_str() {
            // Its server may be named by a flag.
            "" => Default::default(),
            name => find(files, "cluster", name)?,
        };
        let (user, user_folder) = match user.as_str() {
            // Whoever is not named is nobody, as in Go's client.
            "" => Default::default(),
            name => find(files, "user", name)?,
        };
        Ok(Self { cluster, user, cluster_name, namespace, cluster_folder, user_folder })
    }
}

fn paths(files: &[ConfigFile]) -> impl Iterator<Item = &Path> {
    files.iter().map(|file| file.path.as_path())
}

/// What the first file says that has something of this name, and the file's folder; `what` is that in messages.
fn find<T: Listed>(
    files: &[ConfigFile],
    what: &'static str,
    name: &str,
) -> Result<(T, PathBuf), MisreadError> {
    for file in files {
        let found = file.find(name).map_err(|source| MisreadError::of([file.path.as_path()], source))?;
        if let Some(found) = found {
            return Ok((found, file.path.parent().map(Path::to_owned).unwrap_or_default()));
        }
    }
    Err(MisreadError::of(paths(files), KubeconfigError::Missing { what, name: name.to_owned() }))
}
