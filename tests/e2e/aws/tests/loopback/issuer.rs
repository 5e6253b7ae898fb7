//! A cluster's issuer as the STS meets it: a key set behind TLS and a bearer token, and tokens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub const ISSUER: &str = "https://issuer.example/cluster-1";
/// What the STS shows for the key set.
pub const BEARER: &str = "not-a-real-bearer-token";

/// A signing key under the id that Kubernetes gives it.
pub struct SigningKey {
    pub id: String,
    pair: RsaKeyPair,
}

/// Serves the keys that it was given last.
pub struct Issuer {
    pub url: String,
    pub authority_pem: String,
    pub fetches: Arc<AtomicUsize>,
    keys: Arc<Mutex<Value>>,
}

impl SigningKey {
    pub fn generate() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let id = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, public.as_ref()));
        Self { id, pair }
    }

    fn jwk(&self) -> Value {
        // PKCS #1's DER of a key of 2048 bits: SEQUENCE, INTEGER of 257 bytes, the first of them zero,
        // INTEGER 65537.
        let der = self.pair.public_key().as_ref();
        assert_eq!(der.len(), 9 + 256 + 5);
        json!({
            "use": "sig", "kty": "RSA", "alg": "RS256", "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(&der[9..265]),
            "e": URL_SAFE_NO_PAD.encode(&der[267..]),
        })
    }

    /// A token with these claims, in the form of a projected one.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.id, claims)
    }

    /// Signs a token under another key's id.
    pub fn sign_as(&self, id: &str, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "RS256", "kid": id})), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The claims of a projected token that is good for a day.
pub fn claims() -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    json!({
        "iss": ISSUER, "aud": ["sts.amazonaws.com"], "sub": "system:serviceaccount:shop:checkout",
        "iat": now, "nbf": now, "exp": now + 86_400, "jti": "00000000-0000-4000-8000-000000000000",
        "kubernetes.io": {
            "namespace": "shop",
            "pod": {"name": "checkout-7d4b9", "uid": "00000000-0000-4000-8000-000000000001"},
            "serviceaccount": {"name": "checkout", "uid": "00000000-0000-4000-8000-000000000002"},
        },
    })
}

/// The claims with one of them changed.
pub fn claims_with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

impl Issuer {
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(
            tokio_rustls::rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            url: format!("https://{}/openid/v1/jwks", listener.local_addr().unwrap()),
            authority_pem: made.cert.pem(),
            fetches: Arc::default(),
            keys: Arc::default(),
        };
        issuer.publish(keys);
        let (keys, fetches) = (issuer.keys.clone(), issuer.fetches.clone());
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(tls)), keys, fetches));
        issuer
    }

    /// Replaces the key set.
    pub fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        *self.keys.lock().unwrap() = json!({"keys": keys});
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, keys: Arc<Mutex<Value>>, fetches: Arc<AtomicUsize>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, keys, fetches) = (tls.clone(), keys.clone(), fetches.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(|request| {
                fetches.fetch_add(1, Ordering::SeqCst);
                let response = jwks(&request, &keys.lock().unwrap());
                async { Ok::<_, std::convert::Infallible>(response) }
            });
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

fn jwks(request: &Request<Incoming>, keys: &Value) -> Response<Full<Bytes>> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let shown = header("authorization");
    // As an API server does.
    let is_accepted = header("accept").is_none_or(|types| types.contains("application/jwk-set+json"));
    let (status, body) = if !is_accepted {
        (StatusCode::NOT_ACCEPTABLE, String::new())
    } else if shown == Some(&format!("Bearer {BEARER}")) {
        (StatusCode::OK, keys.to_string())
    } else {
        (StatusCode::UNAUTHORIZED, String::new())
    };
    Response::builder().status(status).body(Full::from(body)).unwrap()
}
