//! The issuer's key set, `/openid/v1/jwks`: asked for when a token names a key that is not known.
//!
//! A token never says where its key is asked for: the address is a setting.

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

type Keys = HashMap<String, Arc<Key>>;

/// Where the keys are, and those seen last.
#[derive(Debug)]
pub struct KeySource {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    address: Uri,
    bearer: Option<PathBuf>,
    seen: Mutex<Arc<Keys>>,
}

impl KeySource {
    /// Asks the API server; the authority and the ServiceAccount's token are read only for TLS.
    pub fn new(address: Uri, authority: &Path, bearer: &Path) -> Result<Self> {
        let is_tls = address.scheme_str() == Some("https");
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
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            address,
            bearer: is_tls.then(|| bearer.to_owned()),
            seen: Mutex::default(),
        })
    }

    /// The key of that id; the set is fetched anew if the last one lacks it.
    pub async fn find(&self, id: &str) -> Result<Arc<Key>, Refusal> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(key) = seen.get(id) {
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
        let mut request = Request::get(&self.address).header(header::ACCEPT, "application/jwk-set+json");
        if let Some(path) = &self.bearer {
            // The token is read at each fetch, because kubelet renews it.
            let token = std::fs::read_to_string(path)
                .with_context(|| format!("failed to read the token {}", path.display()))?;
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.trim_end()));
        }
        let response = self.client.request(request.body(Empty::new())?).await?;
        ensure!(response.status() == StatusCode::OK, "answered {}", response.status());
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        parse(&body.map_err(anyhow::Error::from_boxed)?.to_bytes())
    }
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
    fn refuses_what_is_no_key_set() {
        assert!(parse(b"{}").is_err());
        assert!(parse(br#"{"keys":[{"kty":"RSA","kid":"one","n":"?","e":"AQAB"}]}"#).is_err());
    }
}
