//! `--explain`: for every pod what was found, where, what each container gets, what not and why.

use super::{ACCOUNT, Files};

/// What is explained of `pods.yaml`, with [`ACCOUNT`] and an association for `shop/associated` known.
#[track_caller]
fn explained(pods: &str, args: &[&str]) -> String {
    let associations = "identities:\n- {namespace: shop, serviceAccount: associated}\n";
    let account = ACCOUNT.replace("name: web", "name: associated");
    let files = Files::new(&[
        ("account.yaml", ACCOUNT),
        ("associated.yaml", &format!("{associations}---\n{account}")),
        ("pods.yaml", pods),
    ]);
    let manifests = ["-f", "@pods.yaml", "--manifests", "@account.yaml", "--manifests", "@associated.yaml"];
    let printed = files.run(&[&manifests[..], &["--explain"], args].concat(), "").printed();
    printed.replace(&files.path("").display().to_string(), "")
}

#[test]
fn an_injected_pod_is_explained_from_the_account_to_the_mount() {
    let explained = explained(
        "\
# a comment
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      serviceAccountName: web
      initContainers: [{name: migrate}]
      containers: [{name: app}]
",
        &["--aws-default-region=eu-west-1", "--sts-regional-endpoint"],
    );
    insta::assert_snapshot!(explained, @r"
Deployment shop/web (pods.yaml: document 1, line 2)
  ServiceAccount shop/web (account.yaml: document 1, line 1)
  IRSA: annotation eks.amazonaws.com/role-arn is arn:aws:iam::111122223333:role/web
  injected: the pod gets its AWS identity
  volume aws-iam-token: added, a token for sts.amazonaws.com that lasts 86400 seconds
  initContainer migrate
    env AWS_STS_REGIONAL_ENDPOINTS=regional: added
    env AWS_DEFAULT_REGION=eu-west-1: added
    env AWS_REGION=eu-west-1: added
    env AWS_ROLE_ARN=arn:aws:iam::111122223333:role/web: added
    env AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token: added
    mount /var/run/secrets/eks.amazonaws.com/serviceaccount: added
  container app
    env AWS_STS_REGIONAL_ENDPOINTS=regional: added
    env AWS_DEFAULT_REGION=eu-west-1: added
    env AWS_REGION=eu-west-1: added
    env AWS_ROLE_ARN=arn:aws:iam::111122223333:role/web: added
    env AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token: added
    mount /var/run/secrets/eks.amazonaws.com/serviceaccount: added
");
}

#[test]
fn skipped_containers_and_their_own_env_are_explained() {
    let explained = explained(
        "\
apiVersion: v1
kind: Pod
metadata:
  name: p
  namespace: shop
  annotations:
    eks.amazonaws.com/skip-containers: proxy
    eks.amazonaws.com/token-expiration: \"100\"
spec:
  serviceAccountName: web
  containers:
  - name: proxy
  - name: half
    env:
    - {name: AWS_ROLE_ARN, value: mine}
    - {name: AWS_DEFAULT_REGION, value: eu-west-1}
  - name: whole
    env:
    - {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /x}
    - {name: AWS_REGION, value: eu-west-1}
    - {name: AWS_STS_REGIONAL_ENDPOINTS, value: legacy}
",
        &[],
    );
    insta::assert_snapshot!(explained, @r"
Pod shop/p (pods.yaml: document 1, line 1)
  ServiceAccount shop/web (account.yaml: document 1, line 1)
  IRSA: annotation eks.amazonaws.com/role-arn is arn:aws:iam::111122223333:role/web
  identity_unused: the pod has an AWS identity, but none of its containers is set up to use it
  volume aws-iam-token: added, a token for sts.amazonaws.com that lasts 600 seconds
  container proxy
    skipped: skip-containers names it
  container half
    the regional STS endpoint: not configured
    the region: left out, the container sets AWS_DEFAULT_REGION itself
    the credentials: left out, the container sets AWS_ROLE_ARN itself
    mount /var/run/secrets/eks.amazonaws.com/serviceaccount: added
    SDKs do not find the pod's identity: AWS_ROLE_ARN without AWS_WEB_IDENTITY_TOKEN_FILE
  container whole
    the regional STS endpoint: left out, the container sets AWS_STS_REGIONAL_ENDPOINTS itself
    the region: left out, the container sets AWS_REGION itself
    the credentials: left out, the container sets AWS_WEB_IDENTITY_TOKEN_FILE itself
    mount: left out, the container sets credentials, region and STS itself
    SDKs do not find the pod's identity: AWS_WEB_IDENTITY_TOKEN_FILE without AWS_ROLE_ARN
  warning: pod annotation token-expiration 100 is too short: raised to 600 seconds
  warning: SDKs cannot use IRSA in containers proxy (left out by skip-containers), half (AWS_ROLE_ARN without AWS_WEB_IDENTITY_TOKEN_FILE), whole (AWS_WEB_IDENTITY_TOKEN_FILE without AWS_ROLE_ARN)
");
}

#[test]
fn what_is_there_already_is_explained() {
    let explained = explained(
        "\
apiVersion: v1
kind: Pod
metadata: {name: reuse, namespace: shop}
spec:
  serviceAccountName: web
  containers:
  - name: a
    volumeMounts: [{name: mine, mountPath: /mine}]
  volumes:
  - name: mine
    projected: {sources: [{serviceAccountToken:
      {audience: sts.amazonaws.com, path: token, expirationSeconds: 86400}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: complete, namespace: shop}
spec:
  serviceAccountName: web
  containers:
  - name: a
    env:
    - {name: AWS_ROLE_ARN, value: arn:aws:iam::111122223333:role/web}
    - {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /mine/token}
    volumeMounts: [{name: mine, mountPath: /mine}]
  volumes:
  - name: mine
    projected: {sources: [{serviceAccountToken:
      {audience: sts.amazonaws.com, path: token, expirationSeconds: 86400}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: taken, namespace: shop}
spec:
  serviceAccountName: web
  containers:
  - name: a
    volumeMounts: [{name: aws-iam-token, mountPath: /var/run/secrets/eks.amazonaws.com/serviceaccount}]
  volumes:
  - name: aws-iam-token
    emptyDir: {}
",
        &[],
    );
    insta::assert_snapshot!(explained, @r"
Pod shop/reuse (pods.yaml: document 1, line 1)
  ServiceAccount shop/web (account.yaml: document 1, line 1)
  IRSA: annotation eks.amazonaws.com/role-arn is arn:aws:iam::111122223333:role/web
  injected: the pod gets its AWS identity
  volume mine: there already, with an equal token
  container a
    env AWS_ROLE_ARN=arn:aws:iam::111122223333:role/web: added
    env AWS_WEB_IDENTITY_TOKEN_FILE=/mine/token: added
    the regional STS endpoint: not configured
    the region: not configured
    mount /mine: there already

Pod shop/complete (pods.yaml: document 2, line 14)
  ServiceAccount shop/web (account.yaml: document 1, line 1)
  IRSA: annotation eks.amazonaws.com/role-arn is arn:aws:iam::111122223333:role/web
  complete: the pod already has everything that belongs to its AWS identity
  volume mine: there already, with an equal token
  container a
    the regional STS endpoint: not configured
    the region: not configured
    the credentials: left out, the container sets AWS_ROLE_ARN itself
    mount /mine: there already

Pod shop/taken (pods.yaml: document 3, line 30)
  ServiceAccount shop/web (account.yaml: document 1, line 1)
  IRSA: annotation eks.amazonaws.com/role-arn is arn:aws:iam::111122223333:role/web
  injected: the pod gets its AWS identity
  volume aws-iam-token-2: added, a token for sts.amazonaws.com that lasts 86400 seconds
  container a
    env AWS_ROLE_ARN=arn:aws:iam::111122223333:role/web: added
    env AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount-2/token: added
    the regional STS endpoint: not configured
    the region: not configured
    mount /var/run/secrets/eks.amazonaws.com/serviceaccount-2: added
  warning: volume aws-iam-token does not hold the token that is wanted: that one is in volume aws-iam-token-2
  warning: container a: /var/run/secrets/eks.amazonaws.com/serviceaccount is taken: the token is mounted at /var/run/secrets/eks.amazonaws.com/serviceaccount-2
");
}

#[test]
fn pods_that_get_nothing_are_explained() {
    let explained = explained(
        "\
apiVersion: v1
kind: ServiceAccount
metadata: {name: plain, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {generateName: missing-, namespace: shop}
spec: {serviceAccountName: nobody, containers: [{name: a}]}
---
apiVersion: v1
kind: Pod
metadata: {name: plain, namespace: shop}
spec: {serviceAccountName: plain, containers: [{name: a}]}
---
apiVersion: v1
kind: Pod
metadata: {name: default}
spec: {containers: [{name: a}]}
---
apiVersion: v1
kind: Pod
metadata: {name: mirror, namespace: shop, annotations: {kubernetes.io/config.mirror: abc}}
spec: {serviceAccountName: web, containers: [{name: a}]}
---
apiVersion: v1
kind: Pod
metadata: {name: skip, namespace: shop, labels: {eks.amazonaws.com/skip-pod-identity-webhook: \"\"}}
spec: {serviceAccountName: web, containers: [{name: a}]}
",
        &[],
    );
    insta::assert_snapshot!(explained, @r"
Pod shop/missing- (pods.yaml: document 2, line 5)
  ServiceAccount shop/nobody: neither in the input nor in --manifests
  service_account_missing: the ServiceAccount is not known: nothing to inject

Pod shop/plain (pods.yaml: document 3, line 10)
  ServiceAccount shop/plain (pods.yaml: document 1, line 1)
  no_identity: the ServiceAccount has no role and no association: nothing to inject

Pod default/default (pods.yaml: document 4, line 15)
  ServiceAccount default/default: neither in the input nor in --manifests
  service_account_missing: the ServiceAccount is not known: nothing to inject

Pod shop/mirror (pods.yaml: document 5, line 20)
  annotation kubernetes.io/config.mirror
  mirror_pod: the pod mirrors a static pod: the API server refuses token volumes in it

Pod shop/skip (pods.yaml: document 6, line 25)
  the label eks.amazonaws.com/skip-pod-identity-webhook keeps the pod from the webhook, whatever its value
");
}

#[test]
fn pod_identity_and_the_role_that_lost_are_explained() {
    let explained = explained(
        "\
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
spec:
  serviceAccountName: associated
  containers:
  - name: a
    env: [{name: AWS_ROLE_ARN, value: left over}, {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /x}]
",
        &[],
    );
    insta::assert_snapshot!(explained, @r"
Pod shop/p (pods.yaml: document 1, line 1)
  ServiceAccount shop/associated (associated.yaml: document 2, line 4)
  EKS Pod Identity: an association names it (associated.yaml: document 1, line 1)
  IRSA: annotation eks.amazonaws.com/role-arn is arn:aws:iam::111122223333:role/web; not used, the association comes first
  injected: the pod gets its AWS identity
  label eks.amazonaws.com/pod-identity=enabled: added
  volume eks-pod-identity-token: added, a token for pods.eks.amazonaws.com that lasts 86400 seconds
  container a
    env AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials: added
    env AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token: added
    the regional STS endpoint: not configured
    the region: not configured
    mount /var/run/secrets/pods.eks.amazonaws.com/serviceaccount: added
  warning: container a sets AWS_ROLE_ARN, which SDKs look at before EKS Pod Identity
");
}

#[test]
fn the_endpoint_mode_of_ipv6_is_explained_where_it_is_added_or_there() {
    let explained = explained(
        "\
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
spec:
  serviceAccountName: associated
  containers:
  - name: a
  - name: b
    env: [{name: AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE, value: IPv4}]
",
        &["--ip-family=ipv6"],
    );
    let (_, containers) = explained.split_once("  container a\n").unwrap();
    insta::assert_snapshot!(containers, @r"
    env AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::23]/v1/credentials: added
    env AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token: added
    env AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6: added
    the regional STS endpoint: not configured
    the region: not configured
    mount /var/run/secrets/pods.eks.amazonaws.com/serviceaccount: added
  container b
    env AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::23]/v1/credentials: added
    env AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token: added
    the regional STS endpoint: not configured
    the region: not configured
    AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: left out, the container sets it itself
    mount /var/run/secrets/pods.eks.amazonaws.com/serviceaccount: added
");
}

#[test]
fn a_stream_without_pods_is_explained() {
    assert_eq!(explained("a: b\n", &[]), "the input has no pod, and nothing that makes pods\n");
}
