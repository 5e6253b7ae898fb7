//! Flags that say which cluster a command on a user's machine asks: kubectl's.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use clap::Args;

/// Flags that say which cluster a command on a user's machine asks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct UserClusterArgs {
    /// Kubeconfig to use; empty: as for kubectl, the files of the variable KUBECONFIG, or else ~/.kube/config; if there is none, the cluster this runs in
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub kubeconfig: String,
    /// Context of the kubeconfig; empty: its current-context
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub context: String,
    /// URL of the API server, instead of the kubeconfig's
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
    pub kube_api: String,
}
