//! What IAM has to have: the provider, and the trust policy of a role. Both are compared letter by letter by AWS.

use serde_json::{Value, json};

use super::settings::Settings;
use crate::cli::shell;

/// The issuer as ARNs and conditions name it.
fn provider(settings: &Settings) -> &str {
    settings.issuer.as_str().trim_start_matches("https://")
}

/// The commands that make the provider and the role, and have the account use it.
pub(super) fn commands(settings: &Settings) -> String {
    let Settings { issuer, client_ids, account, role, .. } = settings;
    let url = shell::quoted(issuer.as_str());
    let ids: Vec<_> = client_ids.iter().map(|id| shell::quoted(id)).collect();
    let (namespace, name) = (&account.namespace, &account.name);
    format!(
        "    aws iam create-open-id-connect-provider --url {url} \\
        --client-id-list {}
    aws iam create-role --role-name {} --assume-role-policy-document {}
    kubectl annotate serviceaccount {name} --namespace={namespace} eks.amazonaws.com/role-arn={}
",
        ids.join(" "),
        shell::quoted(&role.name),
        shell::quoted(&trust_policy(settings).to_string()),
        shell::quoted(&role.arn)
    )
}

/// Who may have the role: the account, by a token for the first client id.
pub(super) fn trust_policy(settings: &Settings) -> Value {
    let Settings { arns, client_ids, account, .. } = settings;
    let provider = provider(settings);
    let subject = format!("system:serviceaccount:{}:{}", account.namespace, account.name);
    let audience = client_ids.first();
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": format!("{arns}:oidc-provider/{provider}")},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {
                format!("{provider}:sub"): subject,
                format!("{provider}:aud"): audience,
            }},
        }],
    })
}
