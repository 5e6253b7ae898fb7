//! The proxy that a kubeconfig names as `proxy-url`. As in Go's client, it is asked for every request to that
//! cluster, whatever `NO_PROXY` says; unlike there, variables of the environment name no other.

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use kube::config::Kubeconfig;

/// An HTTP proxy.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    /// Its URL, without credentials.
    pub(super) url: Uri,
    /// The credentials that its URL had, as it wants to be told them.
    pub(super) authorization: Option<HeaderValue>,
}

/// Why a `proxy-url` cannot be used. The start fails with it. The text quotes nothing but the scheme, for the URL may
/// hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProxyError {
    /// It is no URL, or one without a host.
    #[error("its proxy-url is not a URL such as http://proxy.example.com:3128")]
    Invalid,
    /// It has a password, or a user, in which the host would begin too early.
    #[error("its proxy-url has more than one @: write one that belongs to the user or the password as %40")]
    Ambiguous,
    /// It is the URL of something else than an HTTP proxy that is spoken to in plain text.
    #[error(
        "its proxy-url begins with {0}://, but only http:// is supported: give the URL of an HTTP proxy, or leave \
         proxy-url out if the API server can be reached without a proxy"
    )]
    Scheme(String),
}

impl Proxy {
    /// The proxy for the cluster of the current context; an empty `proxy-url` is none.
    pub(super) fn of(kubeconfig: &Kubeconfig) -> Result<Option<Self>, ProxyError> {
        let current = kubeconfig.current_context.as_deref();
        let context = kubeconfig.contexts.iter().find(|named| Some(named.name.as_str()) == current);
        let cluster = context.and_then(|named| named.context.as_ref()).map(|context| &context.cluster);
        let named = kubeconfig.clusters.iter().find(|named| Some(&named.name) == cluster);
        let url =
            named.and_then(|named| named.cluster.as_ref()).and_then(|cluster| cluster.proxy_url.as_deref());
        url.filter(|url| !url.is_empty()).map(Self::parse).transpose()
    }

    fn parse(text: &str) -> Result<Self, ProxyError> {
        let url: Uri = text.parse().map_err(|_| ProxyError::Invalid)?;
        match url.scheme_str() {
            Some("http") => {}
            Some(scheme) => return Err(ProxyError::Scheme(scheme.to_owned())),
            None => return Err(ProxyError::Invalid),
        }
        if url.authority().is_some_and(|authority| authority.as_str().matches('@').nth(1).is_some()) {
            return Err(ProxyError::Ambiguous);
        }
        // hyper's reader of proxies' URLs decodes the credentials; it is asked for any place, for all have this proxy.
        let proxy = Matcher::builder().all(text).build().intercept(&Uri::from_static("http://kubernetes"));
        let proxy = proxy.filter(|proxy| proxy.uri().host().is_some_and(|host| !host.is_empty()));
        let proxy = proxy.ok_or(ProxyError::Invalid)?;
        Ok(Self { url: proxy.uri().clone(), authorization: proxy.basic_auth().cloned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_what_is_none_is_not_quoted() {
        let basic =
            |text: &str| Proxy::parse(text).unwrap().authorization.map(|value| value.as_bytes().to_vec());
        assert_eq!(Proxy::parse("http://p:3128/x").unwrap().url, "http://p:3128/");
        assert_eq!(basic("http://p:3128"), None);
        // user:p@ss
        assert_eq!(basic("http://user:p%40ss@p:3128").unwrap(), b"Basic dXNlcjpwQHNz");
        assert!(!format!("{:?}", Proxy::parse("http://user:secret@p:3128").unwrap()).contains("secret"));
        for text in ["p:3128", "//p", "http://", "a b", "/p", "http://:3128"] {
            assert_eq!(Proxy::parse(text).unwrap_err(), ProxyError::Invalid, "{text}");
        }
        assert_eq!(Proxy::parse("http://user:se@cret@p").unwrap_err(), ProxyError::Ambiguous);
        for (text, scheme) in [("socks5://u:secret@p:1080", "socks5"), ("https://p", "https")] {
            assert_eq!(Proxy::parse(text).unwrap_err(), ProxyError::Scheme(scheme.to_owned()));
        }
    }
}
