//! EKS by the SDK for Rust, as a process of its own: this program with [`NAME`] as its argument. Reads a call a line, as
//! JSON, and prints what came of it, as `tests/e2e/clients` have it. Where EKS is, and whose key signs, it knows from the
//! environment alone, by the SDK.

use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use aws_config::BehaviorVersion;
use aws_sdk_eks::Client;
use aws_sdk_eks::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_eks::types::{Cluster, PodIdentityAssociation, PodIdentityAssociationSummary};
use serde_json::{Value, json};

/// The argument that makes this program the client.
pub const NAME: &str = "rust-client";

/// Serves calls until there are no more.
pub fn run() -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => match runtime.block_on(serve()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{NAME}: {error:#}");
                ExitCode::FAILURE
            }
        },
        Err(_) => ExitCode::FAILURE,
    }
}

async fn serve() -> Result<()> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let eks = Client::new(&config);
    say(&json!({"version": aws_sdk_eks::meta::PKG_VERSION}))?;
    for line in std::io::stdin().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        say(&answer(&eks, &line).await?)?;
    }
    Ok(())
}

fn say(line: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// What a call came to, by the SDK's own types.
async fn answer(eks: &Client, line: &Value) -> Result<Value> {
    let given = &line["input"];
    let text = |name: &str| given[name].as_str().map(str::to_owned);
    let number = |name: &str| given[name].as_i64().and_then(|number| i32::try_from(number).ok());
    let is = |name: &str| given[name].as_bool();
    let association = |found: Option<&PodIdentityAssociation>| json!({"association": found.map(association)});
    Ok(match line["call"].as_str().context("no call")? {
        "CreatePodIdentityAssociation" => ended(
            eks.create_pod_identity_association()
                .set_cluster_name(text("clusterName"))
                .set_namespace(text("namespace"))
                .set_service_account(text("serviceAccount"))
                .set_role_arn(text("roleArn"))
                .set_client_request_token(text("clientRequestToken"))
                .set_tags(tags(given))
                .set_disable_session_tags(is("disableSessionTags"))
                .set_target_role_arn(text("targetRoleArn"))
                .set_policy(text("policy"))
                .send()
                .await,
            |output| association(output.association()),
        ),
        "ListPodIdentityAssociations" if line["paged"] == true => {
            let call = eks.list_pod_identity_associations();
            let call = call.set_cluster_name(text("clusterName")).set_namespace(text("namespace"));
            let mut pages = call.into_paginator().send();
            let (mut all, mut count) = (Vec::new(), 0);
            while let Some(page) = pages.next().await {
                let page = match page {
                    Ok(page) => page,
                    Err(error) => return Ok(refusal(&error)),
                };
                all.extend(page.associations().iter().map(summary));
                count += 1;
            }
            json!({"output": {"associations": all, "pages": count}})
        }
        "ListPodIdentityAssociations" => ended(
            eks.list_pod_identity_associations()
                .set_cluster_name(text("clusterName"))
                .set_namespace(text("namespace"))
                .set_service_account(text("serviceAccount"))
                .set_max_results(number("maxResults"))
                .set_next_token(text("nextToken"))
                .send()
                .await,
            |output| {
                let all: Vec<_> = output.associations().iter().map(summary).collect();
                json!({"associations": all, "nextToken": output.next_token()})
            },
        ),
        "DescribePodIdentityAssociation" => ended(
            eks.describe_pod_identity_association()
                .set_cluster_name(text("clusterName"))
                .set_association_id(text("associationId"))
                .send()
                .await,
            |output| association(output.association()),
        ),
        "UpdatePodIdentityAssociation" => ended(
            eks.update_pod_identity_association()
                .set_cluster_name(text("clusterName"))
                .set_association_id(text("associationId"))
                .set_role_arn(text("roleArn"))
                .set_client_request_token(text("clientRequestToken"))
                .set_disable_session_tags(is("disableSessionTags"))
                .set_target_role_arn(text("targetRoleArn"))
                .set_policy(text("policy"))
                .send()
                .await,
            |output| association(output.association()),
        ),
        "DeletePodIdentityAssociation" => ended(
            eks.delete_pod_identity_association()
                .set_cluster_name(text("clusterName"))
                .set_association_id(text("associationId"))
                .send()
                .await,
            |output| association(output.association()),
        ),
        call => other(eks, call, given).await?,
    })
}

/// The calls that are about no association, or do not say so.
async fn other(eks: &Client, call: &str, given: &Value) -> Result<Value> {
    let text = |name: &str| given[name].as_str().map(str::to_owned);
    Ok(match call {
        "TagResource" => {
            let call = eks.tag_resource().set_resource_arn(text("resourceArn")).set_tags(tags(given));
            ended(call.send().await, |_| json!({}))
        }
        "UntagResource" => {
            let call = eks.untag_resource().set_resource_arn(text("resourceArn"));
            ended(call.set_tag_keys(list(given, "tagKeys")).send().await, |_| json!({}))
        }
        "ListTagsForResource" => {
            let call = eks.list_tags_for_resource().set_resource_arn(text("resourceArn"));
            ended(call.send().await, |output| json!({"tags": output.tags()}))
        }
        "DescribeCluster" => {
            let call = eks.describe_cluster().set_name(text("name"));
            ended(call.send().await, |output| json!({"cluster": output.cluster().map(cluster)}))
        }
        "ListClusters" => {
            ended(eks.list_clusters().send().await, |output| json!({"clusters": output.clusters()}))
        }
        "ListNodegroups" => {
            let call = eks.list_nodegroups().set_cluster_name(text("clusterName"));
            ended(call.send().await, |output| json!({"nodegroups": output.nodegroups()}))
        }
        other => bail!("no call {other}"),
    })
}

fn list(given: &Value, name: &str) -> Option<Vec<String>> {
    given[name].as_array().map(|all| all.iter().map(words).collect())
}

fn tags(given: &Value) -> Option<HashMap<String, String>> {
    let all = given["tags"].as_object()?.iter();
    Some(all.map(|(key, value)| (key.clone(), words(value))).collect())
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn ended<
    T,
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
>(
    ended: Result<T, SdkError<E, R>>,
    told: impl FnOnce(T) -> Value,
) -> Value {
    match ended {
        Ok(output) => json!({"output": told(output)}),
        Err(error) => refusal(&error),
    }
}

/// The error's name, and the name of its variant, by which a program can tell it.
fn refusal<
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
>(
    error: &SdkError<E, R>,
) -> Value {
    let Some(service) = error.as_service_error() else {
        let message = DisplayErrorContext(error).to_string();
        return json!({"error": "SdkError", "class": "SdkError", "message": message});
    };
    let shown = format!("{service:?}");
    let variant = shown.split(['(', ' ', '{']).next().unwrap_or_default();
    json!({"error": service.code(), "class": variant, "message": service.message()})
}

fn association(one: &PodIdentityAssociation) -> Value {
    let mut told = json!({
        "clusterName": one.cluster_name(),
        "namespace": one.namespace(),
        "serviceAccount": one.service_account(),
        "roleArn": one.role_arn(),
        "associationArn": one.association_arn(),
        "associationId": one.association_id(),
        "tags": one.tags(),
        "createdAt": one.created_at().map(aws_sdk_eks::primitives::DateTime::as_secs_f64),
        "modifiedAt": one.modified_at().map(aws_sdk_eks::primitives::DateTime::as_secs_f64),
        "ownerArn": one.owner_arn(),
        "disableSessionTags": one.disable_session_tags(),
        "targetRoleArn": one.target_role_arn(),
        "externalId": one.external_id(),
        "policy": one.policy(),
    });
    present(&mut told);
    told
}

fn summary(one: &PodIdentityAssociationSummary) -> Value {
    let mut told = json!({
        "clusterName": one.cluster_name(),
        "namespace": one.namespace(),
        "serviceAccount": one.service_account(),
        "associationArn": one.association_arn(),
        "associationId": one.association_id(),
        "ownerArn": one.owner_arn(),
    });
    present(&mut told);
    told
}

fn cluster(one: &Cluster) -> Value {
    json!({
        "name": one.name(),
        "arn": one.arn(),
        "endpoint": one.endpoint(),
        "certificateAuthority": {"data": one.certificate_authority().and_then(|authority| authority.data())},
        "status": one.status().map(aws_sdk_eks::types::ClusterStatus::as_str),
        "version": one.version(),
        "createdAt": one.created_at().map(aws_sdk_eks::primitives::DateTime::as_secs_f64),
        "identity": {"oidc": {"issuer": one.identity().and_then(|one| one.oidc()).and_then(|one| one.issuer())}},
    })
}

/// Takes away what the answer did not have, as the other clients do.
fn present(told: &mut Value) {
    if let Some(members) = told.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
}
