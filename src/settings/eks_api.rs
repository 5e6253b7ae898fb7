//! Whether the EKS API is asked, and for which cluster.

use super::{SettingsError, cluster_name};
use crate::args::SourceArgs;
use crate::aws::ClusterName;

const FLAG: &str = "--watch-eks-api";

/// The cluster whose associations are asked for, if they are, by a binary that `is_built` with what asks.
pub(super) fn cluster(sources: &SourceArgs, is_built: bool) -> Result<Option<ClusterName>, SettingsError> {
    if !sources.watch_eks_api {
        return Ok(None);
    }
    if !is_built {
        let instead = "use an image with it, or build one";
        return Err(SettingsError::NotBuilt { flag: FLAG, feature: "eks-api", instead });
    }
    let why = "the cluster whose associations are listed";
    let missing = SettingsError::Incomplete { flag: FLAG, other: "--eks-cluster-name", why };
    cluster_name(sources)?.map(Some).ok_or(missing)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Args;

    fn cluster_of(flags: &str, is_built: bool) -> Result<Option<ClusterName>, String> {
        let args =
            Args::try_parse_from(["pod-identity-webhook"].into_iter().chain(flags.split(' '))).unwrap();
        cluster(&args.serve.sources, is_built).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_alone_asks_for_nothing() {
        for is_built in [true, false] {
            assert_eq!(cluster_of("--eks-cluster-name=prod", is_built), Ok(None));
            assert_eq!(cluster_of("--eks-cluster-name=prod --watch-eks-api=false", is_built), Ok(None));
        }
    }

    #[test]
    fn the_flag_needs_a_name() {
        let cluster = cluster_of("--watch-eks-api --eks-cluster-name=prod", true).unwrap();
        assert_eq!(cluster.unwrap().as_str(), "prod");
        let missing =
            "'--watch-eks-api' needs '--eks-cluster-name': the cluster whose associations are listed";
        assert_eq!(cluster_of("--watch-eks-api", true), Err(missing.to_owned()));
    }

    #[test]
    fn a_binary_that_cannot_ask_refuses_the_flag() {
        for flags in ["--watch-eks-api", "--watch-eks-api --eks-cluster-name=prod"] {
            let refusal = "'--watch-eks-api' needs the cargo feature eks-api, which this binary was built without; \
                           use an image with it, or build one";
            assert_eq!(cluster_of(flags, false), Err(refusal.to_owned()));
        }
    }
}
