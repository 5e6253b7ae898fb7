//! Keeps browsers away from a server on loopback: a page's script can send requests there, under the page's own
//! host name (DNS rebinding) or with its `Origin`. AWS's clients send neither.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

use super::error::{ErrorName, Quoted, ServiceError};

/// How the endpoint is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Over TLS.
    Https,
    /// In plain text, which on loopback the machine's administrator alone can read.
    Http,
}

impl Scheme {
    /// The scheme as URLs have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// The port that clients leave out of `Host`.
    fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// Which hosts a request may be for.
#[derive(Debug, Clone)]
pub struct Guard {
    hosts: Vec<String>,
    url: String,
}

impl Guard {
    /// Takes requests for the address that is served, and for `localhost` with its port.
    #[must_use]
    pub fn new(served: SocketAddr, scheme: Scheme) -> Self {
        let address = match served.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let names = [address, "localhost".to_owned()];
        let mut hosts: Vec<_> = names.iter().map(|name| format!("{name}:{}", served.port())).collect();
        if served.port() == scheme.default_port() {
            hosts.extend(names);
        }
        Self { hosts, url: format!("{}://{served}", scheme.as_str()) }
    }

    /// Refuses what is for another host, or comes from a page in a browser. The answer is for whoever configured
    /// the client: trying again changes nothing.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), ServiceError> {
        if headers.contains_key(ORIGIN) {
            let message = "The request has an Origin header, as browsers send it: this endpoint is for AWS clients alone.";
            return Err(ErrorName::AccessDenied.error(message));
        }
        let mut sent = headers.get_all(HOST).iter();
        let (Some(host), None) = (sent.next(), sent.next()) else {
            return Err(ErrorName::AccessDenied.error("The request must have exactly one Host header."));
        };
        if self.hosts.iter().any(|own| host.as_bytes().eq_ignore_ascii_case(own.as_bytes())) {
            return Ok(());
        }
        let host = String::from_utf8_lossy(host.as_bytes());
        let message = format!(
            "The request is for the host '{}', which is not this endpoint: use {} as the endpoint's URL, without a \
             proxy that changes it.",
            Quoted(&host),
            self.url,
        );
        Err(ErrorName::AccessDenied.error(message))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn checked(served: &str, hosts: &[&str]) -> Result<(), ServiceError> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        Guard::new(served.parse().unwrap(), Scheme::Http).check(&headers)
    }

    #[test]
    fn takes_the_address_that_is_served_and_localhost() {
        for (served, hosts) in [
            ("127.0.0.1:4000", &["127.0.0.1:4000", "localhost:4000", "LocalHost:4000"][..]),
            ("[::1]:4000", &["[::1]:4000", "localhost:4000"]),
            ("127.0.0.1:80", &["127.0.0.1", "127.0.0.1:80", "localhost", "localhost:80"]),
            ("127.0.0.1:443", &["127.0.0.1:443", "localhost:443"]),
        ] {
            for host in hosts {
                assert_eq!(checked(served, &[host]), Ok(()), "{host}");
            }
        }
    }

    #[test]
    fn clients_leave_the_port_of_the_scheme_out() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        for (port, https, http) in [(443, true, false), (80, false, true), (4000, false, false)] {
            let served = SocketAddr::from(([127, 0, 0, 1], port));
            let takes = |scheme| Guard::new(served, scheme).check(&headers).is_ok();
            assert_eq!((takes(Scheme::Https), takes(Scheme::Http)), (https, http), "{port}");
        }
    }

    #[test]
    fn refuses_every_other_host_and_says_which_to_use() {
        for host in [
            "evil.example",
            "evil.example:4000",
            "127.0.0.1",
            "127.0.0.1:4001",
            "localhost",
            "localhost:80",
            "localhost.:4000",
            "localhost.evil.example:4000",
            "user@127.0.0.1:4000",
            "127.0.0.1:4000 ",
            "[::1]:4000",
            "",
        ] {
            let error = checked("127.0.0.1:4000", &[host]).unwrap_err();
            assert_eq!(error.name, ErrorName::AccessDenied);
            assert!(error.message.contains("http://127.0.0.1:4000"), "{error}");
        }
        for hosts in [&[][..], &["127.0.0.1:4000", "127.0.0.1:4000"]] {
            let error = checked("127.0.0.1:4000", hosts).unwrap_err();
            assert!(error.message.contains("exactly one Host"), "{error}");
        }
    }

    #[test]
    fn refuses_a_page_in_a_browser_whatever_its_origin() {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:4000"] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1:4000"));
            headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
            let error =
                Guard::new("127.0.0.1:4000".parse().unwrap(), Scheme::Http).check(&headers).unwrap_err();
            assert_eq!(error.name, ErrorName::AccessDenied);
            assert!(error.message.contains("Origin"), "{error}");
        }
    }
}
