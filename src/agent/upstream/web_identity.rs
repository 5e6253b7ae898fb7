//! STS by the pod's own token: the role trusts the cluster's issuer. A second role is assumed with the first, and there
//! the session has the tags that it has on EKS.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Credentials as Caller;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials as Issued, Tag};
use injection::role::Partition;

use super::error::failure;
use super::{account_of, timestamp};
use crate::agent::cache::Ask;
use crate::agent::credentials::Credentials;
use crate::agent::failure::Failure;
use crate::agent::metrics::Metrics;
use crate::agent::trust::Subject;
use crate::association::Terms;
use crate::aws::ClusterName;

/// Characters of a session's name, at most (STS).
const LONGEST_NAME: usize = 64;

/// Credentials of a role that another role has assumed last no longer (IAM, role chaining).
const LONGEST_CHAINED: Duration = Duration::from_hours(1);

/// STS, for the pods of one cluster.
pub(super) struct WebIdentity {
    client: Client,
    region: String,
    cluster: ClusterName,
    duration: Duration,
    metrics: Arc<Metrics>,
}

impl WebIdentity {
    pub(super) fn new(
        config: &SdkConfig,
        endpoint: Option<String>,
        region: String,
        cluster: ClusterName,
        duration: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut config = aws_sdk_sts::config::Builder::from(config);
        config.set_endpoint_url(endpoint.or_else(|| std::env::var("AWS_ENDPOINT_URL_STS").ok()));
        Self { client: Client::from_conf(config.build()), region, cluster, duration, metrics }
    }

    pub(super) async fn fetch(self: Arc<Self>, ask: Ask) -> Result<Credentials, Failure> {
        let Ask { subject, token, terms } = &ask;
        let terms = terms.as_ref().ok_or_else(|| Failure::passing(500, "No association to go by"))?;
        let name = session_name(&self.cluster, subject);
        let (issued, user) = self.first(terms, &token.text, &name).await?;
        match &terms.target_role_arn {
            None => credentials(issued, user, self.duration),
            Some(target) => {
                let (issued, user) = self.second(terms, target, issued, subject, &name).await?;
                credentials(issued, user, self.duration.min(LONGEST_CHAINED))
            }
        }
    }

    /// The role that the association names, by the pod's token.
    async fn first(
        &self,
        terms: &Terms,
        token: &str,
        name: &str,
    ) -> Result<(Option<Issued>, Option<AssumedRoleUser>), Failure> {
        let began = Instant::now();
        let mut call = self
            .client
            .assume_role_with_web_identity()
            .role_arn(&*terms.role_arn)
            .role_session_name(name)
            .web_identity_token(token)
            .duration_seconds(seconds(self.duration));
        // With a target role the policy is the target's session's.
        if terms.target_role_arn.is_none() {
            call = call.set_policy(terms.policy.as_deref().map(str::to_owned));
        }
        let answer = call.send().await;
        let result = match &answer {
            Ok(_) => "success",
            Err(error) => error.code().unwrap_or("unreachable"),
        };
        self.metrics.called("AssumeRoleWithWebIdentity", result, began.elapsed().as_secs_f64());
        let answer = answer.map_err(|error| failure(&error))?;
        Ok((answer.credentials, answer.assumed_role_user))
    }

    /// The target role, with the credentials of the first.
    async fn second(
        &self,
        terms: &Terms,
        target: &str,
        issued: Option<Issued>,
        subject: &Subject,
        name: &str,
    ) -> Result<(Option<Issued>, Option<AssumedRoleUser>), Failure> {
        let began = Instant::now();
        let issued = issued.ok_or_else(nothing)?;
        let caller = Caller::new(
            issued.access_key_id,
            issued.secret_access_key,
            Some(issued.session_token),
            None,
            "association",
        );
        let mut call = self
            .client
            .assume_role()
            .role_arn(target)
            .role_session_name(name)
            .duration_seconds(seconds(self.duration.min(LONGEST_CHAINED)))
            .set_external_id(terms.external_id.as_deref().map(str::to_owned))
            .set_policy(terms.policy.as_deref().map(str::to_owned));
        if !terms.disable_session_tags {
            for (key, value) in self.tags(terms, subject) {
                let tag = Tag::builder().key(key).value(value).build();
                let tag = tag.map_err(|error| Failure::passing(500, error.to_string()))?;
                call = call.tags(tag).transitive_tag_keys(key);
            }
        }
        let config = aws_sdk_sts::config::Builder::new().credentials_provider(caller);
        let answer = call.customize().config_override(config).send().await;
        let result = match &answer {
            Ok(_) => "success",
            Err(error) => error.code().unwrap_or("unreachable"),
        };
        self.metrics.called("AssumeRole", result, began.elapsed().as_secs_f64());
        let answer = answer.map_err(|error| failure(&error))?;
        Ok((answer.credentials, answer.assumed_role_user))
    }

    /// The tags that a session has on EKS.
    fn tags<'a>(&'a self, terms: &Terms, subject: &'a Subject) -> [(&'static str, String); 6] {
        let Self { region, cluster, .. } = self;
        let (partition, account) = (Partition::of_region(region), account_of(&terms.role_arn));
        let arn = format!("arn:{}:eks:{region}:{account}:cluster/{cluster}", partition.as_str());
        let owned = |text: &str| text.to_owned();
        [
            ("eks-cluster-arn", arn),
            ("eks-cluster-name", cluster.to_string()),
            ("kubernetes-namespace", owned(&subject.namespace)),
            ("kubernetes-service-account", owned(&subject.service_account)),
            ("kubernetes-pod-name", owned(&subject.pod_name)),
            ("kubernetes-pod-uid", owned(&subject.pod_uid)),
        ]
    }
}

/// A session's name, as EKS makes them: `eks-CLUSTER-POD-UUID`. The UUID is the pod's, so that a line of `CloudTrail` leads
/// to the pod; what is too long is cut before it.
fn session_name(cluster: &ClusterName, subject: &Subject) -> String {
    let end = format!("-{}", subject.pod_uid);
    let begin = format!("eks-{cluster}-{}", subject.pod_name);
    let room = LONGEST_NAME.saturating_sub(end.len());
    let begin: String = begin.chars().take(room).collect();
    let name = format!("{begin}{end}");
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    name.chars().map(|c| if is_allowed(c) { c } else { '-' }).take(LONGEST_NAME).collect()
}

fn credentials(
    issued: Option<Issued>,
    user: Option<AssumedRoleUser>,
    longest: Duration,
) -> Result<Credentials, Failure> {
    let Issued { access_key_id, secret_access_key, session_token, expiration, .. } =
        issued.ok_or_else(nothing)?;
    Ok(Credentials {
        access_key_id,
        secret_access_key,
        session_token,
        account_id: account_of(&user.map(|user| user.arn).unwrap_or_default()),
        expiration: timestamp(&expiration).ok_or_else(nothing)?,
        longest,
    })
}

fn nothing() -> Failure {
    Failure::passing(500, "STS' answer has no credentials")
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
