//! The URL of an issuer, as tokens name it in `iss`: compared byte for byte by AWS, and so never changed here.

use std::fmt;

use super::web::HttpsUrl;

/// Bytes of a provider's URL, at most (IAM, `CreateOpenIDConnectProvider`).
const LONGEST: usize = 255;

/// Path of the discovery document below an issuer (OIDC Discovery 1.0, 4).
pub(super) const DISCOVERY: &str = ".well-known/openid-configuration";

/// An issuer that IAM can have as a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IssuerUrl(String);

/// Why a URL is no issuer for AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum IssuerUrlError {
    #[error("expected a URL that begins with https://, which is all that IAM takes")]
    Scheme,
    #[error("expected a URL with the name of a host")]
    Host,
    #[error("expected a URL without a port: AWS asks port 443 alone")]
    Port,
    #[error("expected a URL without a user")]
    User,
    #[error("expected a URL without a query and without '#'")]
    Query,
    #[error("expected a URL of visible ASCII characters")]
    Characters,
    #[error("expected a URL of at most {LONGEST} bytes, which is all that IAM takes")]
    Length,
    #[error("expected the issuer's URL, which ends before /.well-known/openid-configuration")]
    Document,
}

impl IssuerUrl {
    /// Reads it.
    ///
    /// # Errors
    /// IAM does not take it, or AWS cannot read documents there.
    pub(super) fn parse(text: &str) -> Result<Self, IssuerUrlError> {
        if text.len() > LONGEST {
            return Err(IssuerUrlError::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(IssuerUrlError::Characters);
        }
        let rest = text.strip_prefix("https://").ok_or(IssuerUrlError::Scheme)?;
        if rest.contains(['?', '#']) {
            return Err(IssuerUrlError::Query);
        }
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |host: &str| host.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'.');
        match host {
            "" => Err(IssuerUrlError::Host),
            host if host.contains('@') => Err(IssuerUrlError::User),
            host if host.contains(':') => Err(IssuerUrlError::Port),
            host if !is_name(host) => Err(IssuerUrlError::Host),
            _ if format!("/{path}").trim_end_matches('/').ends_with(&format!("/{DISCOVERY}")) => {
                Err(IssuerUrlError::Document)
            }
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// It, byte for byte.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of what is at this path below it. A slash at its end is not doubled (OIDC Discovery 1.0, 4.1).
    pub(super) fn below(&self, path: &str) -> String {
        format!("{}/{path}", self.0.strip_suffix('/').unwrap_or(&self.0))
    }

    fn host(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// What will most likely not work with it, each in a sentence.
    pub(super) fn doubts(&self) -> Vec<String> {
        let host = self.host();
        let mut doubts = Vec::new();
        if self.0.ends_with('/') {
            doubts.push(
                "the issuer ends with a slash: tokens, the API servers' --service-account-issuer and the provider in IAM have to have it too"
                    .to_owned(),
            );
        }
        if host.bytes().any(|c| c.is_ascii_uppercase()) {
            doubts.push(
                "the issuer's host has upper case letters: AWS compares issuers letter by letter, and some clients write hosts in lower case"
                    .to_owned(),
            );
        }
        let is_internal = HttpsUrl::parse(&self.0).is_none_or(|url| url.is_internal());
        if is_internal || host.bytes().all(|c| c.is_ascii_digit() || c == b'.') {
            doubts.push(format!(
                "AWS reads the documents from the internet, where {host} is not the name of a host"
            ));
        }
        let bucket = host.split_once(".s3.").or_else(|| host.split_once(".s3-")).map(|(bucket, _)| bucket);
        if bucket.is_some_and(|bucket| bucket.contains('.') && host.contains(".amazonaws.com")) {
            doubts.push(format!(
                "the certificate of S3 is not for {host}, for there is a dot in the bucket's name: AWS cannot read the documents there; use a bucket without a dot, or CloudFront"
            ));
        }
        doubts
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_kept_byte_for_byte_and_documents_are_below_it() {
        for (url, document) in [
            ("https://oidc.example.com", "https://oidc.example.com/.well-known/openid-configuration"),
            ("https://oidc.example.com/", "https://oidc.example.com/.well-known/openid-configuration"),
            ("https://example.com/a/B%20c", "https://example.com/a/B%20c/.well-known/openid-configuration"),
        ] {
            let issuer = IssuerUrl::parse(url).unwrap();
            assert_eq!((issuer.as_str(), issuer.below(DISCOVERY).as_str()), (url, document));
        }
    }

    #[test]
    fn what_iam_cannot_have_is_refused() {
        for (url, why) in [
            ("http://example.com", IssuerUrlError::Scheme),
            ("example.com", IssuerUrlError::Scheme),
            ("HTTPS://example.com", IssuerUrlError::Scheme),
            ("https://", IssuerUrlError::Host),
            ("https:///path", IssuerUrlError::Host),
            ("https://exa_mple.com", IssuerUrlError::Host),
            ("https://example.com:443", IssuerUrlError::Port),
            ("https://[::1]/", IssuerUrlError::Port),
            ("https://me@example.com", IssuerUrlError::User),
            ("https://example.com/?a=b", IssuerUrlError::Query),
            ("https://example.com#a", IssuerUrlError::Query),
            ("https://example.com/ä", IssuerUrlError::Characters),
            ("https://example.com ", IssuerUrlError::Characters),
            ("https://example.com/.well-known/openid-configuration", IssuerUrlError::Document),
        ] {
            assert_eq!(IssuerUrl::parse(url), Err(why), "{url}");
        }
        let long = format!("https://example.com/{}", "a".repeat(LONGEST));
        assert_eq!(IssuerUrl::parse(&long), Err(IssuerUrlError::Length));
    }

    #[test]
    fn what_will_most_likely_not_work_is_said() {
        for (url, said) in [
            ("https://example.com/", "ends with a slash"),
            ("https://Example.com", "upper case"),
            ("https://kubernetes.default.svc.cluster.local", "from the internet"),
            ("https://kubernetes.default.svc", "from the internet"),
            ("https://10.0.0.1", "from the internet"),
            ("https://my.bucket.s3.eu-west-1.amazonaws.com", "a dot in the bucket's name"),
        ] {
            let doubts = IssuerUrl::parse(url).unwrap().doubts();
            assert!(doubts.len() == 1 && doubts[0].contains(said), "{url}: {doubts:?}");
        }
        for url in ["https://bucket.s3.eu-west-1.amazonaws.com/prod", "https://oidc.example.com"] {
            assert_eq!(IssuerUrl::parse(url).unwrap().doubts(), [""; 0]);
        }
    }
}
