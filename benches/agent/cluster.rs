//! What an agent needs around it, in this process: an API server that publishes keys and confirms tokens, and pods whose
//! tokens they are. Tokens are as long as those of clusters, which sign with RSA.

use std::net::Ipv4Addr;
use std::time::SystemTime;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use test_support::fake_api::{FakeApi, Resource};

/// The node on which the agent and its pods are.
pub const NODE: &str = "node-1";

const PODS: Resource = Resource { group: "", version: "v1", plural: "pods", kind: "Pod" };
const ISSUER: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE";

/// A cluster that signs tokens.
pub struct Cluster {
    pub api: FakeApi,
    key: KeyPair,
    pods: u32,
}

/// A pod, as its SDK asks.
pub struct Pod {
    pub address: Ipv4Addr,
    /// A request on a connection that is kept.
    pub kept: Vec<u8>,
    /// A request that ends its connection.
    pub last: Vec<u8>,
}

impl Cluster {
    pub async fn start() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let api = FakeApi::start().await;
        api.install(PODS);
        api.sign_tokens(ISSUER, &json!({ "keys": [public(&key)] }));
        Self { api, key, pods: 0 }
    }

    /// So many pods that were not there before.
    pub fn pods(&mut self, count: u32) -> Vec<Pod> {
        (0..count).map(|_| self.pod()).collect()
    }

    fn pod(&mut self) -> Pod {
        self.pods += 1;
        let number = self.pods;
        let uid = format!("0f0e0d0c-1111-4222-8333-{number:012}");
        let token = self.sign(&uid, number);
        self.api.confirm_token(&token, "7c1b2a3d-5555-4666-8777-888899990000", &uid);
        let [_, _, high, low] = number.to_be_bytes();
        let head = format!(
            "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAccept: application/json\r\nAccept-Encoding: \
             identity\r\nUser-Agent: Botocore/1.43.62\r\nAuthorization: {token}\r\n"
        );
        Pod {
            address: Ipv4Addr::new(127, 1, high, low),
            kept: format!("{head}\r\n").into_bytes(),
            last: format!("{head}Connection: close\r\n\r\n").into_bytes(),
        }
    }

    fn sign(&self, uid: &str, number: u32) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let header = json!({ "alg": "RS256", "kid": "key-1" });
        let claims = json!({
            "aud": ["pods.eks.amazonaws.com"],
            "exp": now + 86_400,
            "iat": now,
            "iss": ISSUER,
            "jti": format!("a1b2c3d4-1111-4222-8333-{number:012}"),
            "kubernetes.io": {
                "namespace": "shop",
                "node": { "name": NODE, "uid": "6b1b2a3d-5555-4666-8777-888899990000" },
                "pod": { "name": format!("orders-7d9c6b8f5-{number:05}"), "uid": uid },
                "serviceaccount": { "name": "orders", "uid": "7c1b2a3d-5555-4666-8777-888899990000" },
            },
            "nbf": now,
            "sub": "system:serviceaccount:shop:orders",
        });
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The public key, as a member of a set.
fn public(key: &KeyPair) -> Value {
    // SEQUENCE { INTEGER of 257 bytes with a leading zero, INTEGER 65537 }, at the places that 2,048 bits have.
    let der = key.public_key().as_ref();
    let modulus = URL_SAFE_NO_PAD.encode(&der[9..265]);
    json!({ "use": "sig", "kty": "RSA", "alg": "RS256", "kid": "key-1", "n": modulus, "e": "AQAB" })
}
