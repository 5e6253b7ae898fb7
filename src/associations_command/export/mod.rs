//! `associations export`: associations for another cluster, for EKS, or for whoever keeps them in Git.

mod hcl;

use std::process::ExitCode;

use serde_json::json;

use super::args::{ExportArgs, ExportOutput};
use super::target::Target;
use super::{Ended, list, manifest};
use crate::association::{Association, Listing, Spec, check};
use crate::aws::ClusterName;
use crate::cli::error::{SettingsError, invalid};
use crate::cli::exit::{print, say};
use crate::cli::shell;

/// What is printed.
enum Form {
    Yaml,
    Json,
    Aws(ClusterName),
    Terraform(ClusterName),
}

pub(super) async fn run(args: &ExportArgs) -> Ended {
    let ExportArgs { output: _, cluster_name: _, scope, cluster } = args;
    let form = Form::try_from(args)?;
    let target = Target::find(cluster, scope.namespace.as_deref()).await?;
    let Listing { kept: associations, unreadable } = list::all(&target, scope).await?;
    list::say_unreadable(&unreadable);
    if associations.is_empty() && unreadable.is_empty() {
        say(list::nothing(&target, scope));
    }
    let manifests = || associations.iter().map(manifest::portable).collect::<Vec<_>>();
    let (text, is_whole) = match &form {
        Form::Yaml => (manifest::yaml(&manifests()), true),
        Form::Json => (manifest::json(&manifest::list(&manifests())), true),
        Form::Aws(cluster) => {
            let (texts, is_whole) = taken(&associations, cluster, command);
            (texts.concat(), is_whole)
        }
        Form::Terraform(cluster) => {
            let (texts, is_whole) =
                taken(&associations, cluster, |one, cluster| Some(resource(one, cluster)));
            (texts.join("\n"), is_whole)
        }
    };
    let printed = print(&text);
    Ok(if is_whole && unreadable.is_empty() { printed } else { ExitCode::FAILURE })
}

impl TryFrom<&ExportArgs> for Form {
    type Error = SettingsError;

    fn try_from(args: &ExportArgs) -> Result<Self, SettingsError> {
        let cluster = || {
            let name = args.cluster_name.as_deref();
            let name = name.ok_or(SettingsError::Incomplete {
                flag: "--output",
                other: "--cluster-name",
                why: "an association in AWS is one of an EKS cluster",
            })?;
            ClusterName::new(name).ok_or_else(|| invalid("--cluster-name", name, ClusterName::EXPECTED))
        };
        match args.output {
            ExportOutput::Yaml | ExportOutput::Json if args.cluster_name.is_some() => {
                Err(SettingsError::Conflict {
                    one: "--cluster-name",
                    other: "--output",
                    why: "only aws and terraform name an EKS cluster",
                })
            }
            ExportOutput::Yaml => Ok(Self::Yaml),
            ExportOutput::Json => Ok(Self::Json),
            ExportOutput::Aws => cluster().map(Self::Aws),
            ExportOutput::Terraform => cluster().map(Self::Terraform),
        }
    }
}

/// The texts of those that EKS would take and that count on this cluster, and whether none was left out that EKS would
/// refuse.
fn taken(
    associations: &[Association],
    cluster: &ClusterName,
    write: fn(&Association, &ClusterName) -> Option<String>,
) -> (Vec<String>, bool) {
    let (mut texts, mut is_whole) = (Vec::new(), true);
    for association in associations {
        let account = association.account.get();
        if !association.is_for(cluster) {
            let other = association.spec.cluster_name.as_deref().unwrap_or_default();
            say(format_args!("association {account} is left out: it counts on the cluster {other} only"));
            continue;
        }
        let unusable = match check(account, &association.spec) {
            Err(violation) => Some(violation.to_string()),
            Ok(()) => match write(association, cluster) {
                Some(written) => {
                    texts.push(written);
                    None
                }
                None => Some("policy has a character NUL".to_owned()),
            },
        };
        if let Some(why) = unusable {
            say(format_args!("association {account} is left out, because EKS would refuse it: {why}"));
            is_whole = false;
        }
    }
    (texts, is_whole)
}

/// A command of the AWS CLI. Tags are JSON, of which the CLI reads any; its own notation has no quotes.
fn command(association: &Association, cluster: &ClusterName) -> Option<String> {
    let account = association.account.get();
    let Spec { role_arn, target_role_arn, disable_session_tags, policy, tags, cluster_name: _ } =
        &association.spec;
    let mut flags = vec![
        ("--cluster-name", cluster.as_str()),
        ("--namespace", account.namespace),
        ("--service-account", account.name),
        ("--role-arn", role_arn),
    ];
    flags.extend(target_role_arn.iter().map(|arn| ("--target-role-arn", arn.as_str())));
    flags.extend(policy.iter().map(|policy| ("--policy", policy.as_str())));
    let tags = (!tags.is_empty()).then(|| json!(tags).to_string());
    flags.extend(tags.iter().map(|tags| ("--tags", tags.as_str())));
    let mut words = vec!["aws eks create-pod-identity-association".to_owned()];
    for (flag, value) in flags {
        words.extend([flag.to_owned(), shell::word(value)?]);
    }
    if *disable_session_tags == Some(true) {
        words.push("--disable-session-tags".to_owned());
    }
    Some(words.join(" ") + "\n")
}

/// A resource of Terraform, as `terraform fmt` leaves it.
fn resource(association: &Association, cluster: &ClusterName) -> String {
    let account = association.account.get();
    let Spec { role_arn, target_role_arn, disable_session_tags, policy, tags, cluster_name: _ } =
        &association.spec;
    let mut arguments = vec![
        ("cluster_name".to_owned(), hcl::string(cluster.as_str())),
        ("namespace".to_owned(), hcl::string(account.namespace)),
        ("service_account".to_owned(), hcl::string(account.name)),
        ("role_arn".to_owned(), hcl::string(role_arn)),
    ];
    arguments.extend(target_role_arn.iter().map(|arn| ("target_role_arn".to_owned(), hcl::string(arn))));
    if *disable_session_tags == Some(true) {
        arguments.push(("disable_session_tags".to_owned(), "true".to_owned()));
    }
    arguments.extend(policy.iter().map(|policy| ("policy".to_owned(), hcl::string(policy))));
    let aligned = |indent: &str, pairs: &[(String, String)]| -> String {
        let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let lines: Vec<_> =
            pairs.iter().map(|(name, value)| format!("{indent}{name:width$} = {value}\n")).collect();
        lines.concat()
    };
    let label = hcl::label(account.namespace, account.name);
    let head = format!("resource \"aws_eks_pod_identity_association\" \"{label}\" {{\n");
    let tags: Vec<_> = tags.iter().map(|(key, value)| (hcl::string(key), hcl::string(value))).collect();
    let tags = match tags.as_slice() {
        [] => String::new(),
        tags => format!("\n  tags = {{\n{}  }}\n", aligned("    ", tags)),
    };
    format!("{head}{}{tags}}}\n", aligned("  ", &arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn association(spec: &Spec) -> Association {
        let object = json!({
            "metadata": {"namespace": "shop", "name": "orders.v2", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": spec,
        });
        Association::read(object).unwrap()
    }

    fn spec() -> Spec {
        Spec {
            role_arn: "arn:aws:iam::111122223333:role/it".to_owned(),
            target_role_arn: Some("arn:aws:iam::444455556666:role/other".to_owned()),
            disable_session_tags: Some(true),
            policy: Some(r#"{"a": "it's ${aws:username}"}"#.to_owned()),
            tags: [("k", "v w"), ("longer", "\"")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            cluster_name: None,
        }
    }

    fn prod() -> ClusterName {
        ClusterName::new("prod").unwrap()
    }

    #[test]
    fn a_command_has_everything_as_words() {
        let expected = "aws eks create-pod-identity-association --cluster-name prod --namespace shop --service-account orders.v2 \
                        --role-arn arn:aws:iam::111122223333:role/it --target-role-arn arn:aws:iam::444455556666:role/other \
                        --policy '{\"a\": \"it'\\''s ${aws:username}\"}' --tags '{\"k\":\"v w\",\"longer\":\"\\\"\"}' \
                        --disable-session-tags\n";
        assert_eq!(command(&association(&spec()), &prod()).unwrap(), expected);
    }

    #[test]
    fn a_resource_has_everything_as_strings() {
        let expected = r#"resource "aws_eks_pod_identity_association" "shop_orders_v2" {
  cluster_name         = "prod"
  namespace            = "shop"
  service_account      = "orders.v2"
  role_arn             = "arn:aws:iam::111122223333:role/it"
  target_role_arn      = "arn:aws:iam::444455556666:role/other"
  disable_session_tags = true
  policy               = "{\"a\": \"it's $${aws:username}\"}"

  tags = {
    "k"      = "v w"
    "longer" = "\""
  }
}
"#;
        assert_eq!(resource(&association(&spec()), &prod()), expected);
    }

    #[test]
    fn what_eks_would_refuse_or_is_of_another_cluster_is_left_out() {
        let other = Spec { cluster_name: Some("test".to_owned()), ..spec() };
        assert_eq!(taken(&[association(&other)], &prod(), command), (Vec::new(), true));
        let invalid = Spec { disable_session_tags: None, ..spec() };
        let (texts, is_whole) = taken(&[association(&invalid), association(&spec())], &prod(), command);
        assert_eq!((texts.len(), is_whole), (1, false));
    }
}
