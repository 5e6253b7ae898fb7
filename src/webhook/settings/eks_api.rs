//! Whether the EKS API is asked, and for which cluster.

use crate::aws::ClusterName;
use crate::cli::error::SettingsError;
use crate::webhook::sources_args::SourceArgs;

const FLAG: &str = "--watch-eks-api";

/// Whether a binary has the client of the EKS API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Build {
    With,
    Without,
}

impl Build {
    /// What this binary has.
    pub(super) const THIS: Self = if cfg!(feature = "eks-api") { Self::With } else { Self::Without };
}

/// The cluster whose associations are asked for, if they are; `cluster` is its name, if it was given.
pub(super) fn cluster(
    sources: &SourceArgs,
    cluster: Option<ClusterName>,
    build: Build,
) -> Result<Option<ClusterName>, SettingsError> {
    if !sources.watch_eks_api {
        return Ok(None);
    }
    if build == Build::Without {
        let instead = "use an image with it, or build one";
        return Err(SettingsError::NotBuilt { flag: FLAG, feature: "eks-api", instead });
    }
    let why = "the cluster whose associations are listed";
    let missing = SettingsError::Incomplete { flag: FLAG, other: "--eks-cluster-name", why };
    cluster.map(Some).ok_or(missing)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn cluster_of(flags: &str, build: Build) -> Result<Option<ClusterName>, String> {
        let args = Cli::try_parse_from(["pod-identity-webhook"].into_iter().chain(flags.split(' '))).unwrap();
        let sources = &args.webhook.sources;
        cluster(sources, ClusterName::new(&sources.eks_cluster_name), build)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_alone_asks_for_nothing() {
        for build in [Build::With, Build::Without] {
            assert_eq!(cluster_of("--eks-cluster-name=prod", build), Ok(None));
            assert_eq!(cluster_of("--eks-cluster-name=prod --watch-eks-api=false", build), Ok(None));
        }
    }

    #[test]
    fn the_flag_needs_a_name() {
        let cluster = cluster_of("--watch-eks-api --eks-cluster-name=prod", Build::With).unwrap();
        assert_eq!(cluster.unwrap().as_str(), "prod");
        let missing =
            "'--watch-eks-api' needs '--eks-cluster-name': the cluster whose associations are listed";
        assert_eq!(cluster_of("--watch-eks-api", Build::With), Err(missing.to_owned()));
    }

    #[test]
    fn a_binary_that_cannot_ask_refuses_the_flag() {
        for flags in ["--watch-eks-api", "--watch-eks-api --eks-cluster-name=prod"] {
            let refusal = "'--watch-eks-api' needs the cargo feature eks-api, which this binary was built without; \
                           use an image with it, or build one";
            assert_eq!(cluster_of(flags, Build::Without), Err(refusal.to_owned()));
        }
    }
}
