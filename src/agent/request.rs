//! From a request's head to the pod's token, or to why there is none. Pure.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST};

use super::failure::Failure;

/// The path of credentials.
pub(super) const PATH: &str = "/v1/credentials";

/// The hosts under which SDKs call the agent. It answers under no other, whatever it listens on: a page in a browser,
/// whose name was made to lead here, sends its own.
const HOSTS: [&str; 2] = ["169.254.170.23", "fd00:ec2::23"];

/// The token of a request for credentials: the whole value of `Authorization`.
pub(super) fn token<'h>(headers: &'h HeaderMap, authority: Option<&str>) -> Result<&'h str, Failure> {
    // The authority of a whole URL counts before the header (RFC 9112, 3.2.2).
    let host = authority.or_else(|| headers.get(HOST)?.to_str().ok()).unwrap_or_default();
    if !HOSTS.contains(&name(host)) {
        return Err(Failure::refused(
            403,
            "Access Denied. Called agent through invalid address, please use either address 169.254.170.23 or \
             [fd00:ec2::23]",
        ));
    }
    let token = headers.get(AUTHORIZATION).map(|value| value.to_str());
    match token {
        None | Some(Ok("")) => Err(Failure::refused(400, "Service account token cannot be empty")),
        Some(Err(_)) => Err(Failure::refused(
            400,
            "Service account token cannot be parsed: it has bytes that no token has",
        )),
        Some(Ok(token)) => Ok(token),
    }
}

/// A host without its port and brackets.
fn name(host: &str) -> &str {
    let is_port = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if let Some((name, rest)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let is_whole = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        return if is_whole { name } else { host };
    }
    match host.split_once(':') {
        // More than one colon makes an IPv6 address without brackets, which has no port.
        Some((name, port)) if is_port(port) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &str, authorization: Option<&str>) -> Result<String, (u16, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
        }
        token(&headers, None).map(str::to_owned).map_err(|failure| (failure.status, failure.to_string()))
    }

    #[test]
    fn the_token_is_the_whole_value() {
        for host in
            ["169.254.170.23", "169.254.170.23:80", "[fd00:ec2::23]", "[fd00:ec2::23]:80", "fd00:ec2::23"]
        {
            assert_eq!(asked(host, Some("a.b.c")), Ok("a.b.c".to_owned()), "{host}");
        }
        assert_eq!(asked("169.254.170.23", Some("Bearer a.b.c")), Ok("Bearer a.b.c".to_owned()));
    }

    #[test]
    fn other_hosts_are_refused_before_the_token_is_looked_at() {
        for host in [
            "",
            "localhost",
            "127.0.0.1",
            "evil.example",
            "169.254.170.23.evil.example",
            "evil.example:80",
            "169.254.170.2",
            "[fd00:ec2::23",
            "[fd00:ec2::23]x",
            "fd00:ec2::23:80",
            "[169.254.170.23]:x]",
        ] {
            let (status, text) = asked(host, None).unwrap_err();
            assert_eq!(status, 403, "{host}");
            assert!(text.starts_with("Access Denied. Called agent through invalid address"), "{text}");
        }
    }

    #[test]
    fn the_host_of_a_whole_url_counts_before_the_header() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "169.254.170.23".parse().unwrap());
        headers.insert(AUTHORIZATION, "a.b.c".parse().unwrap());
        assert_eq!(token(&headers, Some("rebound.example")).unwrap_err().status, 403);
        assert_eq!(token(&headers, Some("169.254.170.23:80")).unwrap(), "a.b.c");
    }

    #[test]
    fn a_request_without_a_token_is_told_so() {
        let empty = (400, "Service account token cannot be empty".to_owned());
        assert_eq!(asked("169.254.170.23", None), Err(empty.clone()));
        assert_eq!(asked("169.254.170.23", Some("")), Err(empty));
    }
}
