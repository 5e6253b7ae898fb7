//! Flags that say which cluster is asked.

use clap::Args;

/// Flags that say which cluster is asked.
#[derive(Debug, Clone, Args)]
pub struct KubernetesArgs {
    /// Kubeconfig of the cluster; empty: use the cluster this runs in
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub kubeconfig: String,
    /// URL of the API server, instead of the kubeconfig's
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
    pub kube_api: String,
}
