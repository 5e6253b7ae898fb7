//! What is served, and for which cluster.

use std::ffi::OsString;

use injection::role::AccountId;

use super::args::EksEndpointArgs;
use super::guard::Scheme;
use crate::aws::ClusterName;
use crate::cli::error::{SettingsError, invalid};
use crate::kubernetes::UserClusterSettings;
use crate::telemetry::Log;

/// The region where nothing names one: clients that are told of none take this one too.
const REGION: &str = "us-east-1";

/// The account where nothing names one.
const ACCOUNT: &str = "000000000000";

/// What the flags come to.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) cluster: UserClusterSettings,
    /// What the flags and the environment say of the cluster in AWS's terms.
    pub(super) named: Named,
    pub(super) port: u16,
    pub(super) scheme: Scheme,
    pub(super) log: Log,
    /// The program to run and its arguments; empty: none.
    pub(super) command: Vec<OsString>,
}

/// What is said of the cluster in AWS's terms; what is `None` the kubeconfig may say.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) cluster: Option<ClusterName>,
    pub(super) region: Option<String>,
    pub(super) account: Option<String>,
}

/// The cluster in AWS's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) cluster: ClusterName,
    pub(super) region: String,
    pub(super) account: String,
}

/// The kubeconfig's name of the cluster is none that EKS could have.
#[derive(Debug, thiserror::Error)]
#[error(
    "the cluster needs a name that EKS could give (1 to 100 letters, digits, - and _), and the kubeconfig {}: give \
     --cluster-name",
    found(.0.as_deref())
)]
pub(super) struct Unnamed(Option<String>);

fn found(name: Option<&str>) -> String {
    name.map_or_else(|| "has none".to_owned(), |name| format!("calls it {name:?}"))
}

impl Settings {
    /// What the flags come to, in this environment.
    pub(super) fn new(
        args: &EksEndpointArgs,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let EksEndpointArgs {
            cluster_name,
            region,
            account_id,
            port,
            plain_http,
            verbose,
            cluster,
            log,
            command,
        } = args;
        let named = |text: &str| {
            ClusterName::new(text).ok_or_else(|| invalid("--cluster-name", text, ClusterName::EXPECTED))
        };
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        // One that is empty is not set.
        let of_environment = |name| environment(name).filter(|region| !region.is_empty());
        let of_environment = || ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(of_environment);
        let region = filled(region).or_else(of_environment);
        if let Some(region) = &region
            && !is_region(region)
        {
            return Err(invalid("--region", region, "expected a region such as eu-west-1"));
        }
        if !account_id.is_empty() && AccountId::new(account_id).is_none() {
            return Err(invalid("--account-id", account_id, "expected 12 digits"));
        }
        Ok(Self {
            cluster: cluster.try_into()?,
            named: Named {
                cluster: filled(cluster_name).as_deref().map(named).transpose()?,
                region,
                account: filled(account_id),
            },
            port: *port,
            scheme: if *plain_http { Scheme::Http } else { Scheme::Https },
            log: Log { verbosity: 0, format: log.log_format, is_quiet: !command.is_empty() && !verbose },
            command: command.clone(),
        })
    }
}

/// A region becomes part of signatures and ARNs, and no list of them is complete.
fn is_region(text: &str) -> bool {
    text.len() <= 63
        && !text.is_empty()
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

impl Named {
    /// The cluster, with what the kubeconfig says where nobody else does: clusters of EKS are named by their ARN there.
    pub(super) fn complete(self, in_kubeconfig: Option<&str>) -> Result<Identity, Unnamed> {
        let Self { cluster, region, account } = self;
        let arn = in_kubeconfig.and_then(ClusterArn::read);
        let name = arn.as_ref().map(|arn| arn.name).or(in_kubeconfig);
        let cluster = cluster.or_else(|| name.and_then(ClusterName::new));
        let of_arn = |part: fn(&ClusterArn<'_>) -> String| arn.as_ref().map(part);
        Ok(Identity {
            cluster: cluster.ok_or_else(|| Unnamed(in_kubeconfig.map(str::to_owned)))?,
            region: region
                .or_else(|| of_arn(|arn| arn.region.to_owned()))
                .unwrap_or_else(|| REGION.to_owned()),
            account: account
                .or_else(|| of_arn(|arn| arn.account.to_owned()))
                .unwrap_or_else(|| ACCOUNT.to_owned()),
        })
    }
}

/// The ARN of a cluster: `arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME`.
struct ClusterArn<'a> {
    region: &'a str,
    account: &'a str,
    name: &'a str,
}

impl<'a> ClusterArn<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':').skip(1);
        let [service, region, account, resource] =
            [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let name = resource.strip_prefix("cluster/")?;
        (service == "eks" && is_region(region) && AccountId::new(account).is_some()).then_some(Self {
            region,
            account,
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(named: Named, in_kubeconfig: Option<&str>) -> Result<[String; 3], String> {
        let identity = named.complete(in_kubeconfig).map_err(|error| error.to_string())?;
        let Identity { cluster, region, account } = identity;
        Ok([cluster.to_string(), region, account])
    }

    #[test]
    fn the_kubeconfig_says_what_nobody_else_does() {
        let of = |[cluster, region, account]: [&str; 3]| Ok([cluster, region, account].map(str::to_owned));
        let arn = "arn:aws-cn:eks:cn-north-1:123456789012:cluster/prod";
        assert_eq!(
            complete(Named::default(), Some("kind-dev")),
            of(["kind-dev", "us-east-1", "000000000000"])
        );
        assert_eq!(complete(Named::default(), Some(arn)), of(["prod", "cn-north-1", "123456789012"]));
        let flags = || Named {
            cluster: ClusterName::new("mine"),
            region: Some("eu-west-1".to_owned()),
            account: Some("210987654321".to_owned()),
        };
        for in_kubeconfig in [None, Some("a.b"), Some(arn)] {
            assert_eq!(complete(flags(), in_kubeconfig), of(["mine", "eu-west-1", "210987654321"]));
        }
    }

    #[test]
    fn a_cluster_without_a_possible_name_has_to_be_given_one() {
        let none = complete(Named::default(), None).unwrap_err();
        assert!(none.contains("the kubeconfig has none: give --cluster-name"), "{none}");
        for name in ["prod.example.com", "", "arn:aws:eks:eu-west-1:123456789012:cluster/"] {
            let error = complete(Named::default(), Some(name)).unwrap_err();
            assert!(error.contains(&format!("calls it {name:?}: give --cluster-name")), "{error}");
        }
    }

    #[test]
    fn a_variable_that_is_empty_hides_no_other() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: EksEndpointArgs,
        }
        let Line { args } = clap::Parser::parse_from(["eks-endpoint"]);
        let environment = |name: &str| match name {
            "AWS_REGION" => Some(String::new()),
            "AWS_DEFAULT_REGION" => Some("eu-west-1".to_owned()),
            _ => None,
        };
        let settings = Settings::new(&args, environment).unwrap();
        assert_eq!(settings.named.region.as_deref(), Some("eu-west-1"));
    }
}
