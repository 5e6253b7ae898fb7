//! An S3 bucket: objects are read and written by one signed request each. No ACL is set, which buckets refuse by default;
//! a bucket policy says who may read.
//!
//! An object is written only if it is what was read (`If-Match`) or if there is none (`If-None-Match`).

mod address;
mod answer;

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Limited};
use tokio::time::{sleep, timeout};

use super::{Headers, LARGEST, Object, Stored, TargetError};
use crate::aws::sdk;
use crate::kubernetes::{chain, jittered};

use address::Address;
pub(in crate::issuer) use answer::S3Error;
use answer::{Answer, Verdict};

/// How often a request is sent that S3 throttles or that gets no answer, and the first pause; each further one is twice as
/// long.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(20);

/// The part of a bucket that is served at the issuer's URL.
pub(in crate::issuer) struct S3 {
    address: Address,
    region: String,
    credentials: SharedCredentialsProvider,
    connector: Connector,
}

/// Why there is no S3 to write to. The command ends with it.
#[derive(Debug, thiserror::Error)]
pub(in crate::issuer) enum ConnectError {
    #[error("{0}")]
    Tls(#[from] sdk::TlsError),
    #[error("no AWS region is known: set AWS_REGION, or give --region")]
    NoRegion,
    #[error("no AWS credentials are known: they are looked for as by the AWS CLI")]
    NoCredentials,
}

impl S3 {
    /// A bucket, by region, credentials and endpoint of the environment and the profile. Nothing is asked of it yet.
    pub(in crate::issuer) async fn connect(
        bucket: &str,
        prefix: &str,
        region: Option<String>,
        profile: Option<String>,
        is_path_style: bool,
    ) -> Result<Self, ConnectError> {
        let mut loader = sdk::environment()?;
        if let Some(region) = region {
            loader = loader.region(Region::new(region));
        }
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let region = config.region().ok_or(ConnectError::NoRegion)?.as_ref().to_owned();
        let credentials = config.credentials_provider().ok_or(ConnectError::NoCredentials)?;
        let of_s3 = std::env::var("AWS_ENDPOINT_URL_S3").ok().filter(|url| !url.is_empty());
        let endpoint = of_s3.or_else(|| config.endpoint_url().map(str::to_owned));
        let address = Address::new(bucket, prefix, &region, endpoint.as_deref(), is_path_style);
        Ok(Self { address, region, credentials, connector: sdk::connector()? })
    }

    pub(super) async fn read(&self, path: &str) -> Result<Option<Stored>, TargetError> {
        let key = self.address.key(path);
        let answer = self.send(&Method::GET, &key, &HeaderMap::new(), "").await;
        let answer = answer.map_err(|source| self.failed("read", &key, source))?;
        Ok(match answer {
            Verdict::Missing => None,
            Verdict::Done(answer) => {
                let header = |name| {
                    answer
                        .headers
                        .get(name)
                        .and_then(|value| value.to_str().ok())
                        .unwrap_or_default()
                        .to_owned()
                };
                let headers =
                    Headers { content_type: header(CONTENT_TYPE), cache_control: header(CACHE_CONTROL) };
                Some(Stored { tag: header(ETAG), headers: Some(headers), bytes: answer.body })
            }
            Verdict::Changed => return Err(TargetError::Changed(self.place(&key))),
        })
    }

    pub(super) async fn write(&self, object: Object, over: Option<String>) -> Result<(), TargetError> {
        let Object { path, text, headers: Headers { content_type, cache_control } } = object;
        let key = self.address.key(&path);
        let (condition, tag) = match over {
            Some(tag) => (IF_MATCH, tag),
            None => (IF_NONE_MATCH, "*".to_owned()),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [(CONTENT_TYPE, content_type), (CACHE_CONTROL, cache_control), (condition, tag)]
        {
            let value = value.try_into().map_err(|_| S3Error::Unusable("a header"));
            headers.insert(name, value.map_err(|source| self.failed("write", &key, source))?);
        }
        match self.send(&Method::PUT, &key, &headers, &text).await {
            Ok(Verdict::Done(_)) => Ok(()),
            // S3 says so too of an object that was to be written over and is gone.
            Ok(Verdict::Changed | Verdict::Missing) => Err(TargetError::Changed(self.place(&key))),
            Err(source) => Err(self.failed("write", &key, source)),
        }
    }

    fn failed(&self, doing: &'static str, key: &str, source: S3Error) -> TargetError {
        TargetError::S3 { doing, bucket: self.address.bucket.clone(), key: key.to_owned(), source }
    }

    fn place(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.address.bucket)
    }

    /// Sends a request until there is an answer that is not "later".
    async fn send(
        &self,
        method: &Method,
        key: &str,
        headers: &HeaderMap,
        text: &str,
    ) -> Result<Verdict, S3Error> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.once(method, key, headers, text).await {
                Err(error) if error.is_passing() => {}
                ended => return ended,
            }
            sleep(jittered(pause)).await;
            pause *= 2;
        }
        self.once(method, key, headers, text).await
    }

    async fn once(
        &self,
        method: &Method,
        key: &str,
        headers: &HeaderMap,
        text: &str,
    ) -> Result<Verdict, S3Error> {
        let request = self.signed(method, &self.address.url(key), headers, text).await?;
        let unreachable = |why: String| S3Error::Unreachable(why);
        let call = async {
            let answer = self.connector.call(request).await.map_err(|error| unreachable(chain(&error)))?;
            let answer = answer.try_into_http1x().map_err(|error| unreachable(error.to_string()))?;
            let (head, body) = answer.into_parts();
            let limit = usize::try_from(LARGEST).unwrap_or(usize::MAX);
            let body =
                Limited::new(body, limit).collect().await.map_err(|error| unreachable(error.to_string()))?;
            Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes().to_vec() })
        };
        let answer = timeout(REQUEST, call).await;
        let answer = answer.unwrap_or_else(|_| Err(unreachable(format!("no answer within {REQUEST:?}"))))?;
        answer.judge(&self.region)
    }

    /// A request with its signature (AWS's "Signature Version 4 for S3"): the digest of the body as a header, the path as it
    /// is sent.
    async fn signed(
        &self,
        method: &Method,
        url: &str,
        headers: &HeaderMap,
        text: &str,
    ) -> Result<HttpRequest, S3Error> {
        let credentials = self.credentials.provide_credentials().await;
        let identity = credentials.map_err(|error| S3Error::Credentials(chain(&error)))?.into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|_| S3Error::Unusable("the signature"))?
            .into();
        let mut request = Request::builder().method(method).uri(url).body(SdkBody::from(text));
        if let Ok(request) = &mut request {
            request.headers_mut().extend(headers.clone());
        }
        let mut request = request.map_err(|_| S3Error::Unusable("the endpoint's URL"))?;
        let signed =
            request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable =
            SignableRequest::new(method.as_str(), url, signed, SignableBody::Bytes(text.as_bytes()));
        let signable = signable.map_err(|_| S3Error::Unusable("the endpoint's URL"))?;
        let (instructions, _) =
            sign(signable, &params).map_err(|_| S3Error::Unusable("the signature"))?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|_| S3Error::Unusable("the request"))
    }
}

impl fmt::Display for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { bucket, prefix, .. } = &self.address;
        let slash = if prefix.is_empty() { "" } else { "/" };
        write!(f, "s3://{bucket}{slash}{prefix}")
    }
}
