//! The associations of an EKS cluster, from AWS.

use anyhow::anyhow;
use futures_util::stream::{StreamExt, iter};

use super::entry::{Unusable, of_eks};
use super::input::Input;
use super::progress::Progress;
use crate::associations_command::Failure;
use crate::associations_command::args::ImportArgs;
use crate::aws::ClusterName;
use crate::cli::error::invalid;
use crate::identities::sources::eks_api::EksAssociations;

/// How many are described at the same time. EKS throttles all callers of an account and region together.
const AT_A_TIME: usize = 4;

/// Lists the associations, and asks for each, for a list has no roles.
pub(super) async fn read(cluster: &str, args: &ImportArgs) -> Result<Input, Failure> {
    let cluster =
        ClusterName::new(cluster).ok_or_else(|| invalid("--from-eks", cluster, ClusterName::EXPECTED))?;
    let (region, profile) = (args.region.as_deref(), args.profile.as_deref());
    let failed = |why: String| Failure::Failed(anyhow!(why));
    let eks = EksAssociations::connect(cluster.clone(), region, profile).await.map_err(failed)?;
    let ids = eks.ids(args.namespace.as_deref()).await.map_err(failed)?;
    let mut progress = Progress::new("associations read from EKS", ids.len());
    let mut described = iter(&ids).map(async |id| (id, eks.describe(id).await)).buffered(AT_A_TIME);
    let mut input = Input::default();
    while let Some((id, association)) = described.next().await {
        let place = format!("association {id} of EKS cluster {cluster}");
        match association {
            Ok(Some(association)) => input.readings.push(of_eks(&association, &place)),
            // It was deleted after it was listed.
            Ok(None) => {}
            Err(why) => input.readings.push(Err(Unusable { place, why })),
        }
        progress.step();
    }
    Ok(input)
}
