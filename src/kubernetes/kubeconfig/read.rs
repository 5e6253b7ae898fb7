//! What the fields of a kubeconfig say together. What Go's client refuses is refused; what it drops without a word is
//! refused too, or logged.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use kube::config::AuthInfo;
use tokio_rustls::rustls::pki_types::ServerName;

use super::chosen::Chosen;
use super::error::{KubeconfigError, MisreadError};
use super::exec::plugin;
use super::file::{Cluster, ConfigFile, User};
use crate::kubernetes::access::Access;
use crate::kubernetes::authorization::{basic, bearer};
use crate::kubernetes::credentials::{Credentials, TokenFile};
use crate::kubernetes::proxy::Proxy;
use crate::kubernetes::renewed::Renewed;
use crate::kubernetes::tls::{Identity, Pem, TlsSources, Trust};

/// How the API server of the current context is reached; `server` replaces its URL.
pub(in crate::kubernetes) fn read(path: &Path, server: Option<&Uri>) -> Result<Access, KubeconfigError> {
    let file = ConfigFile::read(path)?;
    let chosen = Chosen::of(&[file], None).map_err(|error| error.source)?;
    access(&chosen, server)
}

/// What a context is, beside how its API server is reached.
pub(in crate::kubernetes) struct Context {
    /// The name that the kubeconfig has for the cluster.
    pub(in crate::kubernetes) cluster_name: String,
    /// The namespace; empty if the context has none.
    pub(in crate::kubernetes) namespace: String,
}

/// How the API server of a context of these files is reached, of the current one if none is named; the files were
/// looked for.
pub(in crate::kubernetes) fn read_all(
    paths: &[PathBuf],
    context: Option<&str>,
    server: Option<&Uri>,
) -> Result<(Access, Context), MisreadError> {
    let read =
        |path: &PathBuf| ConfigFile::read(path).map_err(|source| MisreadError::of([path.as_path()], source));
    let files: Vec<_> = paths.iter().map(read).collect::<Result<_, _>>()?;
    let chosen = Chosen::of(&files, context)?;
    let access = access(&chosen, server);
    let access = access.map_err(|source| MisreadError::of(paths.iter().map(PathBuf::as_path), source))?;
    let Chosen { cluster_name, namespace, .. } = chosen;
    Ok((access, Context { cluster_name, namespace }))
}

fn access(chosen: &Chosen, server: Option<&Uri>) -> Result<Access, KubeconfigError> {
    let server = match server {
        Some(server) => server.clone(),
        None => url(&chosen.cluster.server)?,
    };
    let proxy = Some(&chosen.cluster.proxy_url).filter(|url| !url.is_empty());
    let proxy = proxy.map(|url| Proxy::parse(url, "its proxy-url")).transpose();
    let proxy = proxy.map_err(|error| KubeconfigError::Use(error.to_string()))?;
    let (credentials, identity) = who(chosen, &server)?;
    Ok(Access {
        server,
        proxy,
        tls: TlsSources { trust: trust(chosen)?, identity },
        server_name: server_name(&chosen.cluster)?,
        credentials,
        impersonation: impersonation(&chosen.user)?,
    })
}

fn url(text: &str) -> Result<Uri, KubeconfigError> {
    let refuse = |why: &str| KubeconfigError::field("server", why);
    if text.is_empty() {
        return Err(refuse("is missing"));
    }
    let url: Option<Uri> = text.parse().ok();
    let url = url.filter(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some());
    let url = url.ok_or_else(|| refuse("is not a URL such as https://10.0.0.1:6443"))?;
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(refuse("has a user or a password: write them as username and password of the user"));
    }
    Ok(url)
}

fn trust(chosen: &Chosen) -> Result<Trust, KubeconfigError> {
    let Cluster { certificate_authority, certificate_authority_data, .. } = &chosen.cluster;
    let (file, data) = ("certificate-authority", "certificate-authority-data");
    let pem = pem(&chosen.cluster_folder, (file, certificate_authority), (data, certificate_authority_data))?;
    match (chosen.cluster.insecure_skip_tls_verify, pem) {
        (false, None) => Ok(Trust::Host),
        (false, Some(pem)) => Ok(Trust::Authorities(pem)),
        (true, None) => Ok(Trust::Anyone),
        (true, Some(Pem::File(_))) => Err(KubeconfigError::Both("insecure-skip-tls-verify", file)),
        (true, Some(Pem::Data(_))) => Err(KubeconfigError::Both("insecure-skip-tls-verify", data)),
    }
}

fn server_name(cluster: &Cluster) -> Result<Option<ServerName<'static>>, KubeconfigError> {
    let name = Some(cluster.tls_server_name.clone()).filter(|name| !name.is_empty());
    let invalid = || KubeconfigError::field("tls-server-name", "is not a name that a certificate can have");
    name.map(|name| ServerName::try_from(name).map_err(|_| invalid())).transpose()
}

/// What requests say of who sends them, and what the client shows in TLS.
fn who(chosen: &Chosen, server: &Uri) -> Result<(Credentials, Identity), KubeconfigError> {
    let User { auth_provider, exec, .. } = &chosen.user;
    if auth_provider.is_some() {
        let why = "is not supported, as in the Go webhook: use exec, a token or a client certificate";
        return Err(KubeconfigError::field("auth-provider", why));
    }
    let credentials = written(chosen)?;
    let identity = pair(chosen)?;
    let Some(exec) = exec else { return Ok((credentials, identity)) };
    let authorities = match trust(chosen)? {
        Trust::Authorities(pem) => Some(pem.read("certificate-authority").map_err(KubeconfigError::Use)?),
        Trust::Host | Trust::Anyone => None,
    };
    let plugin = plugin(chosen, exec, server, authorities.as_deref())?;
    if !matches!((&credentials, &identity), (Credentials::None, Identity::None)) {
        tracing::warn!(
            "the kubeconfig's exec is not run: its user has other credentials too, which are used"
        );
        return Ok((credentials, identity));
    }
    let plugin = Renewed::unread(plugin);
    let said = plugin.clone();
    let pair = move || said.last().and_then(|credential| credential.pair.clone());
    Ok((Credentials::Program(plugin), Identity::Program(Box::new(pair))))
}

/// The credentials that are written into the kubeconfig, or in a file that it names.
fn written(chosen: &Chosen) -> Result<Credentials, KubeconfigError> {
    let User { token, token_file, username, password, .. } = &chosen.user;
    let is_basic = !username.is_empty() || !password.is_empty();
    if is_basic && !(token.is_empty() && token_file.is_empty()) {
        let other = if token.is_empty() { "tokenFile" } else { "token" };
        return Err(KubeconfigError::Both(other, "username and password"));
    }
    if is_basic && username.is_empty() {
        return Err(KubeconfigError::Alone("password", "username"));
    }
    if is_basic {
        let value = basic(username, password);
        return Ok(value.map_or(Credentials::None, Credentials::Fixed));
    }
    let header = match token.as_str() {
        "" => None,
        token => {
            let why = "has characters that no token has, such as a line break";
            Some(bearer(token).ok_or_else(|| KubeconfigError::field("token", why))?)
        }
    };
    if token_file.is_empty() {
        return Ok(header.map_or(Credentials::None, Credentials::Fixed));
    }
    // What the file says comes first, as in Go's client.
    let file = TokenFile { path: chosen.user_folder.join(token_file), token: header };
    Ok(Credentials::File(Renewed::read(file).map_err(KubeconfigError::Use)?))
}

fn pair(chosen: &Chosen) -> Result<Identity, KubeconfigError> {
    let User { client_certificate, client_certificate_data, client_key, client_key_data, .. } = &chosen.user;
    let (file, data) = ("client-certificate", "client-certificate-data");
    let certificate = pem(&chosen.user_folder, (file, client_certificate), (data, client_certificate_data))?;
    let key = pem(&chosen.user_folder, ("client-key", client_key), ("client-key-data", client_key_data))?;
    match (certificate, key) {
        (None, None) => Ok(Identity::None),
        (Some(certificate), Some(key)) => Ok(Identity::Pair { certificate, key }),
        (Some(_), None) => Err(KubeconfigError::Alone("client-certificate", "client-key")),
        (None, Some(_)) => Err(KubeconfigError::Alone("client-key", "client-certificate")),
    }
}

/// What one of two fields says: one has a path, the other the base64 of the text itself.
fn pem(
    folder: &Path,
    (file_field, file): (&'static str, &str),
    (data_field, data): (&'static str, &str),
) -> Result<Option<Pem>, KubeconfigError> {
    match (file, data) {
        ("", "") => Ok(None),
        (path, "") => Ok(Some(Pem::File(folder.join(path)))),
        ("", data) => {
            // Go's decoder takes base64 that was wrapped.
            let bytes = STANDARD.decode(data.replace(['\r', '\n'], ""));
            let bytes = bytes.map_err(|_| KubeconfigError::field(data_field, "is not base64"))?;
            Ok(Some(Pem::Data(bytes)))
        }
        _ => Err(KubeconfigError::Both(file_field, data_field)),
    }
}

fn impersonation(user: &User) -> Result<AuthInfo, KubeconfigError> {
    let User { impersonate, impersonate_uid, impersonate_groups, impersonate_user_extra, .. } = user;
    let present = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let of_nobody = [
        ("as-uid", impersonate_uid.is_empty()),
        ("as-groups", impersonate_groups.is_empty()),
        ("as-user-extra", impersonate_user_extra.is_empty()),
    ];
    if let (true, Some((field, _))) = (impersonate.is_empty(), of_nobody.iter().find(|(_, empty)| !empty)) {
        return Err(KubeconfigError::Alone(field, "as"));
    }
    Ok(AuthInfo {
        impersonate: present(impersonate),
        impersonate_uid: present(impersonate_uid),
        impersonate_groups: Some(impersonate_groups.clone()),
        impersonate_user_extra: Some(impersonate_user_extra.clone()),
        ..AuthInfo::default()
    })
}
