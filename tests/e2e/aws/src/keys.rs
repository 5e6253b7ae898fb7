//! The issuer's key set: asked for when a token names a key that is not known.
//!
//! A token never says where its key is asked for: the place is a setting, of the key set or of the issuer.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;

use crate::refusal::Refusal;
use crate::token::Key;

/// How long a fetch may take, which is what the real STS waits for a provider too.
const DEADLINE: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 1 << 20;

/// What issuers serve. An API server answers 406 to whoever takes plain JSON alone for its keys.
const ACCEPTED: &str = "application/jwk-set+json, application/json";

type Keys = HashMap<String, Arc<Key>>;

/// Where the keys are.
#[derive(Debug)]
pub enum Place {
    /// At an API server: the key set's address, and a file with the token to show to it over TLS.
    ApiServer(Uri, PathBuf),
    /// Where the discovery document of this issuer says: shown to everybody, as AWS wants it.
    Discovered(String),
}

/// Where the keys are, and those seen last.
#[derive(Debug)]
pub struct KeySource {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    place: Place,
    seen: Mutex<Arc<Keys>>,
}

impl KeySource {
    /// Asks there; the authority is read only for TLS.
    pub fn new(place: Place, authority: &Path) -> Result<Self> {
        let is_tls = match &place {
            Place::ApiServer(address, _) => address.scheme_str() == Some("https"),
            Place::Discovered(_) => true,
        };
        let mut roots = RootCertStore::empty();
        if is_tls {
            let failed = || format!("failed to read the authority {}", authority.display());
            for certificate in CertificateDer::pem_file_iter(authority).with_context(failed)? {
                roots.add(certificate.with_context(failed)?).with_context(failed)?;
            }
            ensure!(!roots.is_empty(), "no certificate in the authority {}", authority.display());
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, place, seen: Mutex::default() })
    }

    /// The key of that id; the set is fetched anew if the last one lacks it. That of a discovered issuer is fetched each
    /// time, for how long AWS keeps one is not known: whoever does without keeping it is the strictest.
    pub async fn find(&self, id: &str) -> Result<Arc<Key>, Refusal> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (Place::ApiServer(..), Some(key)) = (&self.place, seen.get(id)) {
            return Ok(key.clone());
        }
        let fetched = match tokio::time::timeout(DEADLINE, self.fetch()).await {
            Ok(Ok(keys)) => Arc::new(keys),
            Ok(Err(error)) => return Err(unreachable(&format!("{error:#}"))),
            Err(_) => return Err(unreachable("no answer in time")),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = fetched.clone();
        fetched.get(id).cloned().ok_or_else(|| {
            Refusal::InvalidIdentityToken(
                "Couldn't retrieve verification key from your identity provider".to_owned(),
            )
        })
    }

    async fn fetch(&self) -> Result<Keys> {
        let set = match &self.place {
            Place::ApiServer(address, bearer) => {
                let bearer = (address.scheme_str() == Some("https")).then_some(bearer.as_path());
                self.get(address, bearer).await?
            }
            Place::Discovered(issuer) => {
                let document = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                let document = self.get(&document.parse()?, None).await?;
                self.get(&keys_of(&document, issuer)?, None).await?
            }
        };
        parse(&set)
    }

    /// A redirect is no answer: STS follows none.
    async fn get(&self, address: &Uri, bearer: Option<&Path>) -> Result<Bytes> {
        let mut request = Request::get(address).header(header::ACCEPT, ACCEPTED);
        if let Some(path) = bearer {
            // The token is read at each fetch, because kubelet renews it.
            let token = std::fs::read_to_string(path)
                .with_context(|| format!("failed to read the token {}", path.display()))?;
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.trim_end()));
        }
        let response = self.client.request(request.body(Empty::new())?).await?;
        ensure!(response.status() == StatusCode::OK, "{address} answered {}", response.status());
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        Ok(body.map_err(anyhow::Error::from_boxed)?.to_bytes())
    }
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// Where the keys are by a discovery document, which has to be of this issuer to the letter.
fn keys_of(document: &[u8], issuer: &str) -> Result<Uri> {
    let Discovery { issuer: theirs, jwks_uri } =
        serde_json::from_slice(document).context("no discovery document")?;
    ensure!(theirs == issuer, "the discovery document is of {theirs:?}");
    let address: Uri = jwks_uri.parse().with_context(|| format!("no URL of keys: {jwks_uri:?}"))?;
    ensure!(address.scheme_str() == Some("https"), "the keys are not behind TLS: {jwks_uri:?}");
    Ok(address)
}

fn unreachable(reason: &str) -> Refusal {
    eprintln!("failed to fetch the key set: {reason}");
    Refusal::ProviderUnreachable
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// Reads a set; keys of other kinds are skipped, because it may hold elliptic curves beside RSA.
fn parse(text: &[u8]) -> Result<Keys> {
    let set: Jwks = serde_json::from_slice(text).context("no key set")?;
    let mut keys = Keys::new();
    for jwk in set.keys {
        if let Jwk { kty, kid: Some(id), usage, n: Some(n), e: Some(e) } = jwk
            && kty == "RSA"
            && usage.is_none_or(|usage| usage == "sig")
        {
            let number = |text| URL_SAFE_NO_PAD.decode(text).context("a number of a key is no base64url");
            keys.insert(id, Arc::new(Key { n: number(n)?, e: number(e)? }));
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_rsa_keys_for_signatures_alone() {
        let keys = parse(
            br#"{"keys":[{"kty":"RSA","kid":"one","use":"sig","alg":"RS256","n":"AQAB","e":"AQAB"},
                {"kty":"RSA","kid":"two","use":"enc","n":"AQAB","e":"AQAB"},
                {"kty":"EC","kid":"three","use":"sig","crv":"P-256","x":"AQAB","y":"AQAB"}]}"#,
        )
        .unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["one"]);
        assert_eq!(keys["one"].e, [1, 0, 1]);
    }

    #[test]
    fn goes_where_a_document_of_the_issuer_says_over_tls_alone() {
        let keys = |document: &str| keys_of(document.as_bytes(), "https://issuer.example");
        let good = r#"{"issuer":"https://issuer.example","jwks_uri":"https://other.example/keys"}"#;
        assert_eq!(keys(good).unwrap(), "https://other.example/keys");
        assert!(keys(&good.replace("issuer.example", "issuer.example/")).is_err());
        assert!(keys(&good.replace("https://other", "http://other")).is_err());
        assert!(keys(r#"{"issuer":"https://issuer.example"}"#).is_err());
    }

    #[test]
    fn refuses_what_is_no_key_set() {
        assert!(parse(b"{}").is_err());
        assert!(parse(br#"{"keys":[{"kty":"RSA","kid":"one","n":"?","e":"AQAB"}]}"#).is_err());
    }
}
