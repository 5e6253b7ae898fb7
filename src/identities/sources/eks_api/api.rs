//! `ListPodIdentityAssociations`, page by page. It does not say the role, which the node's agent asks
//! for itself, and which `DescribePodIdentityAssociation` says.

use std::time::Duration;

use aws_sdk_eks::Client;
use aws_sdk_eks::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_eks::config::timeout::TimeoutConfig;
use aws_sdk_eks::config::{self, Region};
use aws_sdk_eks::types::{PodIdentityAssociation, PodIdentityAssociationSummary};
use injection::AccountName;

use super::EksPace;
use super::error::{Asked, ListError, line};
use super::limit::BodyLimit;
use crate::aws::ClusterName;
use crate::identities::association_set::AssociationSet;
use crate::source::Complaint;

/// Entries of a page: the most that EKS gives.
const PAGE: i32 = 100;

/// Pages that are read at most. EKS' quota is 5,000 associations a cluster: 50 pages.
const MOST_PAGES: usize = 200;

/// How long a connection may take to be made. It is the same for all calls, or else they would not share
/// connections.
const CONNECT: Duration = Duration::from_secs(2);

/// How often one page is attempted in a poll, and in a look-up.
const ATTEMPTS: (u32, u32) = (5, 2);

/// The longest wait before the second attempt of a look-up.
const LOOK_UP_WAIT: Duration = Duration::from_millis(200);

/// Tokens that the SDK's quota of further attempts regains a second; it has 500, of which each costs some.
const REFILL: f32 = 1.0;

/// The associations of one cluster, as EKS has them now.
pub(super) struct Api {
    client: Client,
    cluster: ClusterName,
    poll: config::Builder,
    look_up: config::Builder,
}

/// Which associations are asked for: all, or those of one account.
#[derive(Clone, Copy)]
enum Filter<'a> {
    All,
    Account(AccountName<'a>),
}

impl Api {
    pub(super) fn new(client: Client, cluster: ClusterName, pace: &EksPace) -> Self {
        let patience = |name, attempts, wait, attempt| {
            // Each has its own quota, or else failing polls would use up the attempts of look-ups.
            let quota = TokenBucket::builder().refill_rate(REFILL).build();
            let partition = RetryPartition::custom(name).token_bucket(quota).build();
            let retries = RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(wait);
            let timeouts =
                TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(attempt).build();
            config::Builder::new()
                .retry_partition(partition)
                .retry_config(retries)
                .timeout_config(timeouts)
                .interceptor(BodyLimit)
        };
        Self {
            client,
            cluster,
            poll: patience("poll", ATTEMPTS.0, pace.attempt_wait, pace.page),
            // An attempt that hangs leaves time for a second one.
            look_up: patience("look-up", ATTEMPTS.1, LOOK_UP_WAIT, pace.look_up * 2 / 5),
        }
    }

    /// The associations of all pages, with a complaint about unusable ones; or an error.
    pub(super) async fn list(&self) -> Result<(AssociationSet, Option<Complaint>), ListError> {
        let (mut all, mut complaint) = (Vec::new(), Complaint::default());
        self.pages(Filter::All, &self.poll, |association| {
            let PodIdentityAssociationSummary { namespace, service_account, association_id, .. } =
                association;
            if let Some(account) = namespace.zip(service_account) {
                all.push(account);
            } else {
                let id = line(association_id.as_deref().unwrap_or("without an id"));
                complaint.add(format_args!("association {id} names no ServiceAccount"));
            }
        })
        .await?;
        Ok((all.into_iter().collect(), complaint.into_option()))
    }

    /// The associations of all pages as EKS lists them.
    pub(super) async fn summaries(&self) -> Result<Vec<PodIdentityAssociationSummary>, ListError> {
        let mut all = Vec::new();
        self.pages(Filter::All, &self.poll, |association| all.push(association)).await?;
        Ok(all)
    }

    /// What EKS says of one association.
    pub(super) async fn describe(&self, id: &str) -> Result<PodIdentityAssociation, ListError> {
        let asked = Asked { cluster: &self.cluster, region: self.region(), page: 1 };
        let request = self.client.describe_pod_identity_association();
        let request = request.cluster_name(self.cluster.as_str()).association_id(id);
        let sent = request.customize().config_override(self.poll.clone()).send().await;
        let answer = sent.map_err(|error| ListError::of(&error, asked))?;
        answer.association.ok_or_else(|| asked.without_associations())
    }

    /// Whether this account has an association.
    pub(super) async fn has(&self, account: AccountName<'_>) -> Result<bool, ListError> {
        let mut has = false;
        let AccountName { namespace, name } = account;
        self.pages(Filter::Account(account), &self.look_up, |association| {
            // Only an association of exactly this account counts, whatever else comes back.
            has |= association.namespace() == Some(namespace) && association.service_account() == Some(name);
        })
        .await?;
        Ok(has)
    }

    async fn pages(
        &self,
        filter: Filter<'_>,
        patience: &config::Builder,
        mut take: impl FnMut(PodIdentityAssociationSummary),
    ) -> Result<(), ListError> {
        let mut token = None;
        for page in 1..=MOST_PAGES {
            let asked = Asked { cluster: &self.cluster, region: self.region(), page };
            let request = self.client.list_pod_identity_associations();
            let request = match filter {
                Filter::All => request,
                Filter::Account(AccountName { namespace, name }) => {
                    request.namespace(namespace).service_account(name)
                }
            };
            let request =
                request.cluster_name(self.cluster.as_str()).max_results(PAGE).set_next_token(token.take());
            let sent = request.customize().config_override(patience.clone()).send().await;
            let answer = sent.map_err(|error| ListError::of(&error, asked))?;
            // EKS always sends `associations`; a 200 without it came from something in between.
            let associations = answer.associations.ok_or_else(|| asked.without_associations())?;
            associations.into_iter().for_each(&mut take);
            token = answer.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(());
            }
        }
        Err(ListError::Endless(MOST_PAGES))
    }

    fn region(&self) -> &str {
        self.client.config().region().map_or("", Region::as_ref)
    }
}
