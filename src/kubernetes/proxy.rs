//! A proxy before the API server, by its URL: a kubeconfig's `proxy-url`, which is asked for every request to that
//! cluster, whatever `NO_PROXY` says, as in Go's client; or one of [`super::environment`].

use std::fmt;

use http::uri::Builder;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

/// A proxy.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    /// Its URL, without credentials and with a port.
    url: Uri,
    /// What is spoken with it.
    protocol: Protocol,
    /// Where its URL was found, in words.
    found: String,
}

/// What is spoken with a proxy, with the credentials that its URL had, as it wants to be told them.
#[derive(Debug, Clone)]
pub(super) enum Protocol {
    /// HTTP, in plain text.
    Http(Option<HeaderValue>),
    /// HTTP within TLS.
    Https(Option<HeaderValue>),
    /// SOCKS 5. The proxy looks names up.
    Socks5(Option<Login>),
}

/// User and password.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

/// Why a proxy cannot be used. The start fails with it. The text quotes nothing but the scheme, for the URL may
/// hold a password; it begins with where the URL was found.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProxyError {
    /// It is no URL, or one without a host.
    #[error("{0} is not a URL such as http://proxy.example.com:3128")]
    Invalid(String),
    /// It has a password, or a user, in which the host would begin too early.
    #[error("{0} has more than one @: write one that belongs to the user or the password as %40")]
    Ambiguous(String),
    /// It is the URL of something else than a proxy that is supported.
    #[error(
        "{0} begins with {1}://, but only http://, https:// and socks5:// are supported: give the URL of such a proxy, \
         or none if the API server can be reached without a proxy"
    )]
    Scheme(String, String),
}

impl Proxy {
    /// Reads its URL; `found` says in messages where that was.
    pub(super) fn parse(text: &str, found: &str) -> Result<Self, ProxyError> {
        let invalid = || ProxyError::Invalid(found.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(invalid)?;
        let text = format!("{}://{rest}", scheme.to_lowercase());
        let url: Uri = text.parse().map_err(|_| invalid())?;
        let port = match url.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            Some("socks5" | "socks5h") => 1080,
            Some(scheme) => return Err(ProxyError::Scheme(found.to_owned(), scheme.to_owned())),
            None => return Err(invalid()),
        };
        if url.authority().is_some_and(|authority| authority.as_str().matches('@').nth(1).is_some()) {
            return Err(ProxyError::Ambiguous(found.to_owned()));
        }
        // hyper's reader of proxies' URLs decodes the credentials; it is asked for any place, for all have this proxy.
        let proxy = Matcher::builder().all(text).build().intercept(&Uri::from_static("http://kubernetes"));
        let proxy = proxy.ok_or_else(invalid)?;
        let host = proxy.uri().host().filter(|host| !host.is_empty()).ok_or_else(invalid)?;
        let port = proxy.uri().port_u16().unwrap_or(port);
        let basic = proxy.basic_auth().cloned();
        let (scheme, protocol) = match proxy.uri().scheme_str() {
            Some("http") => ("http", Protocol::Http(basic)),
            Some("https") => ("https", Protocol::Https(basic)),
            _ => ("socks5", Protocol::Socks5(proxy.raw_auth().map(Login::from))),
        };
        let url = Builder::new().scheme(scheme).authority(format!("{host}:{port}")).path_and_query("/");
        Ok(Self { url: url.build().map_err(|_| invalid())?, protocol, found: found.to_owned() })
    }

    /// Its URL, without credentials and with a port.
    pub(super) fn url(&self) -> &Uri {
        &self.url
    }

    /// Where its URL was found, in words.
    pub(super) fn found(&self) -> &str {
        &self.found
    }

    /// What is spoken with it.
    pub(super) fn protocol(&self) -> &Protocol {
        &self.protocol
    }
}

impl From<(&str, &str)> for Login {
    fn from((user, password): (&str, &str)) -> Self {
        Self { user: user.to_owned(), password: password.to_owned() }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Login")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: &str = "its proxy-url";

    #[test]
    fn a_url_is_taken_apart_and_what_is_none_is_not_quoted() {
        let parse = |text: &str| Proxy::parse(text, FOUND);
        let basic = |text: &str| match parse(text).unwrap().protocol {
            Protocol::Http(value) | Protocol::Https(value) => value.map(|value| value.as_bytes().to_vec()),
            Protocol::Socks5(_) => None,
        };
        assert_eq!(parse("http://p:3128/x").unwrap().url, "http://p:3128/");
        assert_eq!(parse("HTTPS://p").unwrap().url, "https://p:443/");
        assert_eq!(parse("http://[fd00::1]").unwrap().url, "http://[fd00::1]:80/");
        for scheme in ["socks5", "socks5h"] {
            let proxy = parse(&format!("{scheme}://u:se%40cret@p")).unwrap();
            assert_eq!(proxy.url, "socks5://p:1080/");
            let Protocol::Socks5(Some(Login { user, password })) = proxy.protocol else { panic!() };
            assert_eq!((user.as_str(), password.as_str()), ("u", "se@cret"));
        }
        assert_eq!(basic("http://p:3128"), None);
        // user:p@ss
        assert_eq!(basic("http://user:p%40ss@p:3128").unwrap(), b"Basic dXNlcjpwQHNz");
        for scheme in ["http", "https", "socks5"] {
            let shown = format!("{:?}", parse(&format!("{scheme}://user:secret@p:3128")).unwrap());
            assert!(!shown.contains("secret"), "{shown}");
        }
        for text in ["p:3128", "//p", "http://", "a b", "/p", "http://:3128"] {
            assert_eq!(parse(text).unwrap_err(), ProxyError::Invalid(FOUND.to_owned()), "{text}");
        }
        assert_eq!(parse("http://user:se@cret@p").unwrap_err(), ProxyError::Ambiguous(FOUND.to_owned()));
        for (text, scheme) in [("socks4://u:secret@p:1080", "socks4"), ("ftp://p", "ftp")] {
            let expected = ProxyError::Scheme(FOUND.to_owned(), scheme.to_owned());
            assert_eq!(parse(text).unwrap_err(), expected);
        }
    }
}
