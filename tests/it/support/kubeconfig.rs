//! A kubeconfig, and a webhook that reads its accounts from the cluster of it.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use pod_identity_webhook::certificates::Authority;
use tempfile::TempDir;

use super::fake_api::FakeApi;
use super::pair_files::{PairFiles, leaf};
use super::process::Starting;
use super::program::run_with;

/// A folder with the kubeconfig `config`, and the flags of a webhook that uses it.
pub struct Kubeconfig(Arc<Files>);

struct Files {
    folder: TempDir,
    pair: PairFiles,
}

/// A webhook that was started, whose files stay as long.
pub struct Started {
    process: Starting,
    _files: Arc<Files>,
}

impl Deref for Started {
    type Target = Starting;

    fn deref(&self) -> &Starting {
        &self.process
    }
}

impl Kubeconfig {
    /// What the kubeconfig says of its cluster and of its user, in YAML between braces.
    pub fn new(cluster: &str, user: &str) -> Self {
        Self::text(&format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters:\n- name: other\n  cluster: {{server: \
             'http://127.0.0.1:1', proxy-url: 'http://127.0.0.1:1'}}\n- name: c\n  cluster: {{{cluster}}}\ncontexts:\n\
             - name: x\n  context: {{cluster: c, user: u}}\nusers:\n- name: u\n  user: {{{user}}}\n"
        ))
    }

    /// The whole text of the kubeconfig.
    pub fn text(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("config"), text).unwrap();
        Self(Arc::new(Files { folder, pair: PairFiles::plain(&leaf(&Authority::new().unwrap())) }))
    }

    /// A file beside the kubeconfig.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.folder.path().join(name)
    }

    /// Writes a file beside the kubeconfig, in place.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn args(&self) -> Vec<String> {
        let kubeconfig = format!("--kubeconfig={}", self.path("config").display());
        let own = ["--in-cluster=false".to_owned(), "-v=6".to_owned(), kubeconfig];
        self.0.pair.args().into_iter().chain(own).collect()
    }

    /// Starts with these variables in its environment, and no others.
    pub fn start(&self, environment: &[(&str, &str)]) -> Started {
        let args = self.args();
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        Started { process: Starting::spawn_with(&args, environment), _files: self.0.clone() }
    }

    /// What the start says that fails, after the kubeconfig's path.
    pub fn refused(&self, environment: &[(&str, &str)]) -> String {
        let line = self.failed(environment);
        let path = format!("failed to use --kubeconfig {}: ", self.path("config").display());
        line.strip_prefix(&path).expect(&line).to_owned()
    }

    /// What the start says that fails.
    pub fn failed(&self, environment: &[(&str, &str)]) -> String {
        let loopback = ["--bind-address=127.0.0.1", "--port=0", "--metrics-port=0"].map(str::to_owned);
        // Without the debug log, a start that fails says one line.
        let args = self.args().into_iter().filter(|flag| flag != "-v=6");
        run_with(loopback.into_iter().chain(args), environment, b"").refused(1)
    }
}

/// Where a fake API server listens.
pub fn address(api: &FakeApi) -> SocketAddr {
    api.url().strip_prefix("http://").unwrap().parse().unwrap()
}
