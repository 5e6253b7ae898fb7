//! A URL that AWS could read: https, in parts. What else is wrong with an issuer's URL is for the judge.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// Where the discovery document is, below an issuer (`OpenID` Connect Discovery 1.0, 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// The port of https.
pub(in crate::issuer) const HTTPS: u16 = 443;

/// Endings of names that only a private network knows, and of a cluster's Services.
const INTERNAL: [&str; 5] = [".svc", ".local", ".internal", ".localhost", ".lan"];

/// An https URL that can be read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::issuer) struct HttpsUrl {
    text: String,
    /// The host in lower case, an IPv6 address without brackets.
    pub(in crate::issuer) host: String,
    pub(in crate::issuer) port: u16,
    /// Path and query.
    pub(in crate::issuer) target: String,
}

impl HttpsUrl {
    /// Reads an https URL; `None` for every other text.
    pub(in crate::issuer) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        if uri.scheme_str() != Some("https") || uri.authority()?.as_str().contains('@') {
            return None;
        }
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        // A port that is no number is none for the library.
        let has_port =
            uri.authority()?.as_str().rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        let port = if has_port { uri.port_u16()? } else { HTTPS };
        let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        (!host.is_empty()).then(|| Self { text: text.to_owned(), host, port, target })
    }

    /// Where the issuer's discovery document is; `None` if that is no https URL.
    pub(in crate::issuer) fn of_document(issuer: &str) -> Option<Self> {
        if issuer.contains(['?', '#']) {
            return None;
        }
        // By itself: of an issuer without a host the path would become one.
        Self::parse(issuer)?;
        Self::parse(&format!("{}{WELL_KNOWN}", issuer.strip_suffix('/').unwrap_or(issuer)))
    }

    /// Whether only a private network can reach it, by its host alone.
    pub(in crate::issuer) fn is_internal(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => is_internal(address),
            Err(_) => !self.host.contains('.') || INTERNAL.iter().any(|end| self.host.ends_with(end)),
        }
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether an address is of a private network, this machine or none at all.
pub(in crate::issuer) fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_internal_v4(v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| is_internal_v6(v6), is_internal_v4),
    }
}

fn is_internal_v4(v4: Ipv4Addr) -> bool {
    // 100.64.0.0/10 is shared between a provider and its customers (RFC 6598).
    let is_shared = matches!(v4.octets(), [100, 64..=127, ..]);
    v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || is_shared
}

fn is_internal_v6(v6: Ipv6Addr) -> bool {
    v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_below_the_issuer() {
        for (issuer, document) in [
            ("https://a.example", Some("https://a.example/.well-known/openid-configuration")),
            ("https://a.example/", Some("https://a.example/.well-known/openid-configuration")),
            ("https://a.example/id/A/", Some("https://a.example/id/A/.well-known/openid-configuration")),
            ("http://a.example", None),
            ("https://user@a.example", None),
            ("https://a.example?x", None),
            ("https://a.example:x", None),
            ("https://", None),
            ("a.example", None),
            ("https://a example", None),
        ] {
            let url = HttpsUrl::of_document(issuer);
            assert_eq!(url.map(|url| url.to_string()).as_deref(), document, "{issuer}");
        }
    }

    #[test]
    fn a_url_has_its_parts() {
        let url = HttpsUrl::parse("https://A.example:8443/x?y").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.target.as_str()), ("a.example", 8443, "/x?y"));
        let url = HttpsUrl::parse("https://[2001:db8::1]").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.target.as_str()), ("2001:db8::1", 443, "/"));
    }

    #[test]
    fn hosts_of_a_private_network_are_known() {
        for host in [
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "[::1]",
            "[fd00::1]",
            "[::ffff:10.0.0.1]",
            "kubernetes",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "ip-10-0-0-1.ec2.internal",
        ] {
            assert!(HttpsUrl::parse(&format!("https://{host}:6443/x")).unwrap().is_internal(), "{host}");
        }
        for host in ["203.0.113.1", "[2001:db8::1]", "oidc.example.com", "100.128.0.1"] {
            assert!(!HttpsUrl::parse(&format!("https://{host}/x")).unwrap().is_internal(), "{host}");
        }
    }
}
