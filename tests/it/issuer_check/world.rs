//! An issuer and its cluster, in which all is well until a test changes something.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::signer::Signer;
use super::site::{Reply, Routes, serve};
use crate::support::program::{Run, run_with};

pub const HOST: &str = "oidc.example.com";
pub const ISSUER: &str = "https://oidc.example.com/prod";
pub const DOCUMENT: &str = "/prod/.well-known/openid-configuration";
pub const KEYS: &str = "/prod/keys";

/// What a test may change.
pub struct World {
    /// The flag --issuer.
    pub issuer: String,
    pub site: Routes,
    /// Names in the server's certificate, and the years in which it begins and ends.
    pub names: Vec<&'static str>,
    pub years: (i32, i32),
    pub has_tls: bool,
    pub is_authority_named: bool,
    /// Whether anything listens where the issuer should be.
    pub is_up: bool,
    pub cluster: Routes,
    pub signer: Signer,
    pub flags: Vec<String>,
}

/// What a run said, and what of it is other each time.
pub struct Checked {
    pub run: Run,
    pub address: SocketAddr,
}

impl World {
    pub fn new() -> Self {
        let mut world = Self {
            issuer: ISSUER.to_owned(),
            site: Routes::new(),
            names: vec![HOST, "keys.example.com"],
            years: (2020, 2099),
            has_tls: true,
            is_authority_named: true,
            is_up: true,
            cluster: Routes::new(),
            signer: Signer::new(),
            flags: Vec::new(),
        };
        world.publish(&document(ISSUER), &json!({ "keys": [world.signer.key()] }));
        world.issue(ISSUER, 0);
        world
    }

    /// Publishes these two.
    pub fn publish(&mut self, document: &Value, keys: &Value) {
        self.site.insert(DOCUMENT.to_owned(), Reply::json(document.to_string()));
        self.site.insert(KEYS.to_owned(), Reply::json(keys.to_string()));
    }

    /// Has the API server make tokens of this issuer, with a clock that is so many seconds ahead.
    pub fn issue(&mut self, issuer: &str, ahead: u64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + ahead;
        let token = self.signer.sign(&json!({
            "iss": issuer, "aud": ["sts.amazonaws.com"], "sub": "system:serviceaccount:default:default",
            "iat": now, "nbf": now, "exp": now + 600,
            "kubernetes.io": { "namespace": "default", "serviceaccount": { "name": "default", "uid": "1" } },
        }));
        let token = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "status": { "token": token },
        });
        let keys = json!({ "keys": [self.signer.key()] }).to_string();
        for (path, body) in [
            ("/.well-known/openid-configuration", document(issuer).to_string()),
            ("/openid/v1/jwks", keys),
            ("/api/v1/namespaces/default/serviceaccounts/default/token", token.to_string()),
        ] {
            self.cluster.insert(path.to_owned(), Reply::json(body));
        }
    }

    /// Changes an answer of the issuer's server.
    pub fn reply(&mut self, path: &str) -> &mut Reply {
        self.site.get_mut(path).unwrap()
    }

    /// Serves the site alone, and gives the flags by which a command finds and trusts it.
    pub fn serve(self, folder: &Path) -> [String; 2] {
        let (tls, authority) = self.certificate();
        let ca_file = folder.join("ca.crt");
        std::fs::write(&ca_file, authority).unwrap();
        let address = serve(self.site, Some(tls));
        [format!("--resolve={HOST}={address}"), format!("--ca-file={}", ca_file.display())]
    }

    /// Runs the check with these further flags.
    pub fn check(self, flags: &[&str]) -> Checked {
        let folder = TempDir::new().unwrap();
        let (tls, authority) = self.certificate();
        let ca_file = folder.path().join("ca.crt");
        std::fs::write(&ca_file, authority).unwrap();
        let address = if self.is_up {
            serve(self.site, self.has_tls.then_some(tls))
        } else {
            // Nothing listens any more once the listener is dropped.
            std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
        };
        let api = serve(self.cluster, None);
        let mut args = vec![
            "issuer".to_owned(),
            "check".to_owned(),
            format!("--issuer={}", self.issuer),
            format!("--resolve={HOST}={address}"),
            format!("--resolve=keys.example.com={address}"),
        ];
        args.extend(self.is_authority_named.then(|| format!("--ca-file={}", ca_file.display())));
        if !flags.contains(&"--no-cluster") {
            args.push(format!("--kube-api=http://{api}"));
        }
        args.extend(self.flags);
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        Checked { run: run_with(args, &[], b""), address }
    }

    /// What the server speaks TLS with, and the authority behind it, in PEM.
    fn certificate(&self) -> (Arc<ServerConfig>, String) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(rcgen::DnType::CommonName, "Example Root");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let names: Vec<_> = self.names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(self.years.0, 1, 1);
        params.not_after = date_time_ymd(self.years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &authority).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone(), authority.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            );
        (Arc::new(config.unwrap()), authority.pem())
    }
}

impl Checked {
    /// What is printed with `-o json`.
    #[track_caller]
    pub fn report(&self) -> Value {
        assert_eq!(self.run.stderr, "");
        serde_json::from_str(&self.run.stdout).unwrap_or_else(|error| panic!("{error}: {:?}", self.run))
    }
}

/// A discovery document as it should be.
pub fn document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "jwks_uri": format!("https://{HOST}{KEYS}"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "claims_supported": ["sub", "iss"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    })
}
