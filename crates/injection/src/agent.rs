//! The address of the node's EKS Pod Identity agent, and the variable that SDKs need with it.

use alloc::borrow::ToOwned;
use alloc::string::String;

/// The IP family of a cluster's pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl IpFamily {
    /// The flag's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }

    /// The agent's own address, as EKS documents it.
    fn full_uri(self) -> &'static str {
        match self {
            Self::Ipv4 => "http://169.254.170.23/v1/credentials",
            Self::Ipv6 => "http://[fd00:ec2::23]/v1/credentials",
        }
    }
}

/// Where the agent answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    family: IpFamily,
    full_uri: String,
}

impl Agent {
    /// The agent of nodes of this family, at its own address unless a URI is given.
    #[must_use]
    pub fn new(family: IpFamily, full_uri: Option<String>) -> Self {
        Self { family, full_uri: full_uri.unwrap_or_else(|| family.full_uri().to_owned()) }
    }

    /// The IP family: `--ip-family`.
    #[must_use]
    pub fn family(&self) -> IpFamily {
        self.family
    }

    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    #[must_use]
    pub fn full_uri(&self) -> &str {
        &self.full_uri
    }

    /// Whether the URI's host is an IPv6 address.
    #[must_use]
    pub fn has_ipv6_uri(&self) -> bool {
        self.host_and_port().starts_with('[')
    }

    /// The URI's host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.host_and_port();
        match host.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        }
    }

    /// The URI's port, as it is written or as its scheme has it.
    #[must_use]
    pub fn port(&self) -> &str {
        let host = self.host_and_port();
        let after_host = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
        let written = after_host.rsplit_once(':').map(|(_, port)| port);
        written.unwrap_or(if self.is_https() { "443" } else { "80" })
    }

    /// Whether it is asked over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.full_uri.starts_with("https:")
    }

    /// Whether the URI is the agent's own, at an address that each node has for itself.
    #[must_use]
    pub fn is_on_node(&self) -> bool {
        ["169.254.170.23", "fd00:ec2::23"].contains(&self.host())
    }

    fn host_and_port(&self) -> &str {
        let authority = self.full_uri.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        // The host follows the user information, if there is any.
        authority.and_then(|authority| authority.rsplit('@').next()).unwrap_or_default()
    }

    /// The value of `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` that goes with the URI, if any.
    ///
    /// Version 2 of the SDK for Java accepts an agent at an IPv6 address only with this variable
    /// (aws/containers-roadmap#2683). It is meant for something else: with it every SDK looks for
    /// EC2's instance metadata at its IPv6 address, which is off unless an instance's options turn
    /// it on. So it is set for clusters whose flag says IPv6, not wherever an IPv6 URI is written.
    #[must_use]
    pub fn endpoint_mode(&self) -> Option<&'static str> {
        (self.family == IpFamily::Ipv6 && self.has_ipv6_uri()).then_some("IPv6")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_goes_with_ipv6_uris_of_ipv6_clusters() {
        for (family, uri, mode) in [
            (IpFamily::Ipv4, None, None),
            (IpFamily::Ipv6, None, Some("IPv6")),
            (IpFamily::Ipv6, Some("http://[fd00:ec2::23]/v1/credentials"), Some("IPv6")),
            (IpFamily::Ipv6, Some("https://user:word@[::1]:8080/x"), Some("IPv6")),
            (IpFamily::Ipv6, Some("http://169.254.170.23/v1/credentials"), None),
            (IpFamily::Ipv6, Some("https://agent.example.com/[::1]"), None),
            (IpFamily::Ipv6, Some("https://agent.example.com/@[::1]"), None),
            (IpFamily::Ipv4, Some("http://[fd00:ec2::23]/v1/credentials"), None),
        ] {
            let agent = Agent::new(family, uri.map(str::to_owned));
            assert_eq!(agent.endpoint_mode(), mode, "{family:?} {uri:?}");
            assert!(uri.is_none_or(|uri| agent.full_uri() == uri));
            assert_eq!(
                agent.is_on_node(),
                uri.is_none_or(|uri| uri.contains("23/v1") || uri.contains("23]/v1"))
            );
        }
        assert_eq!(Agent::new(IpFamily::Ipv4, None).full_uri(), "http://169.254.170.23/v1/credentials");
        assert_eq!(Agent::new(IpFamily::Ipv6, None).full_uri(), "http://[fd00:ec2::23]/v1/credentials");
    }
}
