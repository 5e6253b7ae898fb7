//! Requests that are not the user's, or not what he signed: refused with AWS's names and words, and nothing is done.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::harness::eks_client::{EksClient, Kind};
use crate::harness::eks_endpoint::{CLUSTER, Endpoint, REGION};
use crate::harness::http::{Answer, exchange};
use crate::harness::own_associations::{associations, define, role};
use crate::harness::{Test, kubeconfig, until};

/// Far more than clocks may differ.
const HOUR: Duration = Duration::from_hours(1);

/// Variables, words of the command line, and the error.
type Mistake<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

/// By the command line, with what users have set wrongly.
pub async fn the_command_line_says_in_awss_words_what_is_wrong(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    let kubeconfig = kubeconfig::of_environment().await?;
    let endpoint = Arc::new(Endpoint::serve(&test.cluster, kubeconfig.path(), &[]).await?);
    let secret = endpoint.variable("AWS_SECRET_ACCESS_KEY").context("no secret")?;
    let wrong = secret.chars().rev().collect::<String>();
    let invalid = "UnrecognizedClientException: The security token included in the request is invalid. Either the access \
                   key is not the one that this endpoint was started with, or the signature was not made with that key";
    let cases: [Mistake<'_>; 6] = [
        (&[("AWS_SECRET_ACCESS_KEY", &wrong)], &[], invalid),
        (&[("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", &wrong)], &[], invalid),
        (
            &[("AWS_SESSION_TOKEN", "of-another-login")],
            &[],
            "UnrecognizedClientException: The security token included in the request is invalid. The access key of this \
             endpoint has no session token: unset AWS_SESSION_TOKEN.",
        ),
        (
            &[],
            &["--region=eu-north-1"],
            "InvalidSignatureException: Credential should be scoped to a valid region: 'eu-west-1', not 'eu-north-1'",
        ),
        (&[], &["--no-sign-request"], "MissingAuthenticationTokenException: Missing Authentication Token"),
        (&[], &["--cluster-name=other"], "ResourceNotFoundException: No cluster found for name: other."),
    ];
    for (more, words, expected) in cases {
        let client = EksClient::of_endpoint(Kind::Cli, &endpoint, more).await?;
        let output = client.run(&create(&test, words).iter().map(String::as_str).collect::<Vec<_>>()).await?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let (name, message) = expected.split_once(": ").context("no message")?;
        let head = format!("({name}) when calling the CreatePodIdentityAssociation operation: {message}");
        ensure!(!output.status.success() && stderr.contains(&head), "{words:?}: {stderr}, not {head}");
    }
    nothing_was_made(&test).await
}

/// The words of a `create` which would succeed.
fn create(test: &Test, more: &[&str]) -> Vec<String> {
    let words = ["eks", "create-pod-identity-association", "--service-account=orders", "--cluster-name"];
    let words = words.into_iter().chain([CLUSTER]).map(str::to_owned);
    let more = more.iter().map(|word| (*word).to_owned());
    let ours = [format!("--namespace={}", test.namespace), format!("--role-arn={}", role("orders"))];
    words.chain(ours).chain(more).collect()
}

/// What no client sends, signed by AWS's own signer.
pub async fn what_no_client_sends_is_refused(test: Test) -> Result<()> {
    define(&test.cluster).await?;
    let kubeconfig = kubeconfig::of_environment().await?;
    let endpoint = Endpoint::serve(&test.cluster, kubeconfig.path(), &["--plain-http"]).await?;
    let sender = Sender { test: &test, endpoint: &endpoint };
    let now = SystemTime::now();

    let expired = sender.signed(now - HOUR, &[])?;
    sender.refused(expired, 403, "InvalidSignatureException: Signature expired: ").await?;
    let early = sender.signed(now + HOUR, &[])?;
    sender.refused(early, 403, "InvalidSignatureException: Signature not yet current: ").await?;

    let mut changed = sender.signed(now, &[])?;
    *changed.body_mut() = Full::from(sender.body("another").to_string());
    let invalid = "UnrecognizedClientException: The security token included in the request is invalid. ";
    sender.refused(changed, 403, invalid).await?;

    let presigned = "IncompleteSignatureException: Presigned requests are not taken: ";
    sender.refused(sender.presigned(now)?, 403, presigned).await?;

    let mut asymmetric = sender.signed(now, &[])?;
    let header =
        asymmetric.headers()["authorization"].to_str()?.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256");
    asymmetric.headers_mut().insert("authorization", header.parse()?);
    let words = "IncompleteSignatureException: Signature Version 4a is not taken for EKS: sign with AWS4-HMAC-SHA256.";
    sender.refused(asymmetric, 403, words).await?;

    for other in ["Bearer of-kubernetes", "Basic dTpw"] {
        let mut request = sender.signed(now, &[])?;
        request.headers_mut().insert("authorization", other.parse()?);
        let words = "IncompleteSignatureException: The Authorization header must be one of AWS4-HMAC-SHA256.";
        sender.refused(request, 403, words).await?;
    }

    // Well signed, and for nobody here.
    let foreign = sender.signed(now, &[("host", "rebound.example")])?;
    let words = "AccessDeniedException: The request is for the host 'rebound.example', which is not this endpoint: use ";
    sender.refused(foreign, 403, words).await?;
    let page = sender.signed(now, &[("origin", "https://page.example")])?;
    let words = "AccessDeniedException: The request has an Origin header, as browsers send it: ";
    sender.refused(page, 403, words).await?;
    nothing_was_made(&test).await?;

    let answer = sender.send(sender.signed(now, &[])?).await?;
    ensure!(answer.status == 200, "what is right is refused too: {}", answer.body);
    Ok(())
}

/// Whoever sends a `create` that would succeed if it was right.
struct Sender<'a> {
    test: &'a Test,
    endpoint: &'a Endpoint,
}

impl Sender<'_> {
    fn body(&self, account: &str) -> Value {
        json!({"namespace": self.test.namespace, "serviceAccount": account, "roleArn": role("orders")})
    }

    /// The request, signed at this moment, with these headers.
    fn signed(&self, at: SystemTime, more: &[(&str, &str)]) -> Result<Request<Full<Bytes>>> {
        self.request(at, more, SignatureLocation::Headers)
    }

    fn presigned(&self, at: SystemTime) -> Result<Request<Full<Bytes>>> {
        self.request(at, &[], SignatureLocation::QueryParams)
    }

    fn request(
        &self,
        at: SystemTime,
        more: &[(&str, &str)],
        place: SignatureLocation,
    ) -> Result<Request<Full<Bytes>>> {
        let body = self.body("orders").to_string();
        let path = format!("/clusters/{CLUSTER}/pod-identity-associations");
        let mut request = Request::post(&path).header("content-type", "application/json");
        if !more.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", self.endpoint.address());
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body.clone())?;
        let variable = |name| self.endpoint.variable(name).context("no key");
        let key = Credentials::new(
            variable("AWS_ACCESS_KEY_ID")?,
            variable("AWS_SECRET_ACCESS_KEY")?,
            None,
            None,
            "e2e",
        );
        let identity = key.into();
        let mut settings = SigningSettings::default();
        settings.signature_location = place;
        if place == SignatureLocation::QueryParams {
            settings.expires_in = Some(Duration::from_mins(1));
        }
        let parameters = SigningParams::builder().identity(&identity).region(REGION).name("eks");
        let parameters = parameters.time(at).settings(settings).build()?.into();
        let url = format!("{}{path}", self.endpoint.url);
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| Ok((name.as_str(), value.to_str()?)))
            .collect::<Result<_>>()?;
        let signable =
            SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
        let (signature, _) = sign(signable, &parameters)?.into_parts();
        signature.apply_to_request_http1x(&mut request);
        // The path alone, as clients send it to a server.
        let target = request.uri().path_and_query().map(ToString::to_string).context("no path")?;
        *request.uri_mut() = target.parse()?;
        Ok(request.map(Full::from))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer> {
        exchange(TcpStream::connect(self.endpoint.address()).await?, request).await
    }

    /// Sends what has to be refused as `NAME: MESSAGE…`.
    async fn refused(&self, request: Request<Full<Bytes>>, status: u16, expected: &str) -> Result<()> {
        let Answer { status: found, headers, body } = self.send(request).await?;
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let told: Value = serde_json::from_str(&body)?;
        let words =
            format!("{}: {}", header("x-amzn-errortype"), told["message"].as_str().unwrap_or_default());
        ensure!(found == status && words.starts_with(expected), "{found} {words}, and not {expected}");
        let id = header("x-amzn-requestid");
        let why = told["message"].as_str().unwrap_or_default();
        until("the log has the call's id, and says why it was refused", async || {
            let log = self.endpoint.log();
            let line = log.lines().find(|line| !id.is_empty() && line.contains(id));
            Ok(line.is_some_and(|line| line.contains(why)).then_some(()))
        })
        .await?;
        ensure!(headers.contains_key("date"), "no date, by which clients would set their clock");
        Ok(())
    }
}

async fn nothing_was_made(test: &Test) -> Result<()> {
    let made = associations(&test.client, &test.namespace).list(&ListParams::default()).await?.items;
    ensure!(made.is_empty(), "{} associations were made", made.len());
    Ok(())
}
