//! What is answered: JSON of the shapes in botocore's model of EKS. A shape that some clients take in another form
//! too is written in the one that all take: times are numbers, because Go and JavaScript read no others.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::error::{ErrorName, ServiceError};
use super::random::random;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// EKS's are `eks.1` and up: clients read the shape, and whoever sees this one knows that it is none of EKS's.
const PLATFORM_VERSION: &str = "eks.0";

/// All that is told of an association.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribedAssociation {
    /// Its cluster.
    pub cluster_name: String,
    /// The pods' namespace.
    pub namespace: String,
    /// The pods' ServiceAccount.
    pub service_account: String,
    /// The role.
    pub role_arn: String,
    /// Its ARN.
    pub association_arn: String,
    /// Its id.
    pub association_id: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made.
    #[serde(serialize_with = "seconds")]
    pub created_at: SystemTime,
    /// When it was last changed.
    #[serde(serialize_with = "seconds")]
    pub modified_at: SystemTime,
    /// What it belongs to, if it is changed through that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_arn: Option<String>,
    /// Whether sessions are without tags.
    pub disable_session_tags: bool,
    /// The role that is assumed with the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_role_arn: Option<String>,
    /// What the target role's trust policy may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The sessions' policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// What clients need of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedCluster {
    /// Its name.
    pub name: String,
    /// Its ARN, from which `aws eks update-kubeconfig` takes the region.
    pub arn: String,
    /// The API server's URL.
    pub endpoint: String,
    /// The certificates of the API server's authorities, PEM in base64 as in a kubeconfig; empty for those that
    /// every machine has.
    pub certificate_authority: String,
    /// Kubernetes' version, as EKS writes it: `1.33`.
    pub version: String,
    /// When it was made.
    pub created_at: SystemTime,
    /// The issuer of ServiceAccounts' tokens, where it is known.
    pub issuer: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The id of a request, which clients show and the log has: a random UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; 16]);

/// An answer without its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    status: StatusCode,
    error: Option<ErrorName>,
    body: Value,
}

impl Answer {
    /// The answer to what makes, tells, changes or deletes an association.
    #[must_use]
    pub fn association(association: &DescribedAssociation) -> Self {
        Self::success(json!({ "association": association }))
    }

    /// A page of associations, of which a list tells less; `next_token` where there is another page.
    #[must_use]
    pub fn associations<'a>(
        associations: impl IntoIterator<Item = &'a DescribedAssociation>,
        next_token: Option<&str>,
    ) -> Self {
        let summaries: Vec<_> = associations.into_iter().map(summary).collect();
        let mut body = json!({ "associations": summaries });
        if let (Value::Object(members), Some(token)) = (&mut body, next_token) {
            members.insert("nextToken".to_owned(), token.into());
        }
        Self::success(body)
    }

    /// The tags of a resource.
    #[must_use]
    pub fn tags(tags: &BTreeMap<String, String>) -> Self {
        Self::success(json!({ "tags": tags }))
    }

    /// Success without more to say.
    #[must_use]
    pub fn empty() -> Self {
        Self::success(json!({}))
    }

    /// The cluster.
    #[must_use]
    pub fn cluster(cluster: &DescribedCluster) -> Self {
        let DescribedCluster {
            name,
            arn,
            endpoint,
            certificate_authority,
            version,
            created_at,
            issuer,
            tags,
        } = cluster;
        let mut body = json!({
            "name": name,
            "arn": arn,
            "endpoint": endpoint,
            "certificateAuthority": { "data": certificate_authority },
            "status": "ACTIVE",
            "version": version,
            "createdAt": epoch_seconds(*created_at),
            // There are no access entries here.
            "accessConfig": { "authenticationMode": "CONFIG_MAP" },
            "platformVersion": PLATFORM_VERSION,
            "tags": tags,
        });
        if let (Value::Object(members), Some(issuer)) = (&mut body, issuer) {
            members.insert("identity".to_owned(), json!({ "oidc": { "issuer": issuer } }));
        }
        Self::success(json!({ "cluster": body }))
    }

    /// The names of clusters.
    #[must_use]
    pub fn clusters(names: &[&str]) -> Self {
        Self::success(json!({ "clusters": names }))
    }

    /// An error. Its name is in a header, where all clients read it.
    #[must_use]
    pub fn error(error: &ServiceError) -> Self {
        let ServiceError { name, message, cluster } = error;
        let mut body = json!({ "message": message });
        if let (Value::Object(members), Some(cluster)) = (&mut body, cluster) {
            members.insert("clusterName".to_owned(), cluster.as_str().into());
        }
        Self { status: name.status(), error: Some(*name), body }
    }

    /// The answer to the request with this id.
    #[must_use]
    pub fn response(&self, id: RequestId) -> Response<Vec<u8>> {
        let mut response = Response::new(self.body.to_string().into_bytes());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(error) = self.error {
            headers.insert(ERROR_TYPE, HeaderValue::from_static(error.as_str()));
        }
        // Hexadecimal digits and hyphens are a header's value.
        headers.extend(HeaderValue::try_from(id.to_string()).ok().map(|id| (REQUEST_ID, id)));
        response
    }

    fn success(body: Value) -> Self {
        Self { status: StatusCode::OK, error: None, body }
    }
}

impl RequestId {
    /// A new id; without randomness of the system the one of zeros, because every answer has one.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes: [u8; 16] = random().unwrap_or_default();
        // RFC 9562, section 5.4: a random UUID says so.
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = *version & 0x0f | 0x40;
        *variant = *variant & 0x3f | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let hyphen = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(formatter, "{hyphen}{byte:02x}")?;
        }
        Ok(())
    }
}

/// What a list tells of an association: neither its role nor its tags nor times.
fn summary(association: &DescribedAssociation) -> Value {
    let DescribedAssociation {
        cluster_name,
        namespace,
        service_account,
        association_arn,
        association_id,
        owner_arn,
        ..
    } = association;
    let mut summary = json!({
        "clusterName": cluster_name,
        "namespace": namespace,
        "serviceAccount": service_account,
        "associationArn": association_arn,
        "associationId": association_id,
    });
    if let (Value::Object(members), Some(owner)) = (&mut summary, owner_arn) {
        members.insert("ownerArn".to_owned(), owner.as_str().into());
    }
    summary
}

/// A moment as AWS writes it: seconds since 1970, to the millisecond.
fn epoch_seconds(moment: SystemTime) -> f64 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::new(since.as_secs(), since.subsec_millis() * 1_000_000).as_secs_f64()
}

fn seconds<S: Serializer>(moment: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(epoch_seconds(*moment))
}

#[cfg(test)]
mod tests;
