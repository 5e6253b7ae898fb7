//! The proxy that variables of the environment name for the API server, as Go's clients take it: `http.ProxyFromEnvironment`,
//! which is `golang.org/x/net/http/httpproxy`, and what `k8s.io/apimachinery` adds to it.
//!
//! hyper-util reads the same variables, but as curl does (`Matcher::from_env`), and is not asked here: it knows
//! `ALL_PROXY`; prefers the names in capitals; takes `.example.com` for `example.com` too; has no ports and no
//! `*.example.com` in `NO_PROXY`; and asks the proxy for `localhost` and loopback addresses. Unlike Go, a value that is
//! not a proxy's URL is an error here instead of no proxy, and `REQUEST_METHOD` means nothing: this is no CGI program.

use std::net::IpAddr;

use http::Uri;

use super::proxy::{Proxy, ProxyError};

/// The proxy for this server; `variable` reads a variable, `None` if it is not set. Exceptions come first: a proxy that
/// is not asked may be malformed.
pub(super) fn proxy(
    server: &Uri,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, ProxyError> {
    let first = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.map(|value| (name, value))
        })
    };
    let names = match server.scheme_str() {
        Some("https") => ["https_proxy", "HTTPS_PROXY"],
        _ => ["http_proxy", "HTTP_PROXY"],
    };
    let Some((name, url)) = first(names) else { return Ok(None) };
    let exceptions = first(["no_proxy", "NO_PROXY"]).map(|(_, list)| list).unwrap_or_default();
    // apimachinery looks for networks in the list of the other name first, also where Go takes this one.
    let networks = first(["NO_PROXY", "no_proxy"]).map(|(_, list)| list).unwrap_or_default();
    let target = Target::of(server);
    let is_network = |entry: &&str| Network::parse(entry.trim()).is_some();
    let mut entries = exceptions.split(',').chain(networks.split(',').filter(is_network));
    if target.is_local() || entries.any(|entry| target.is_named(&entry.trim().to_lowercase())) {
        return Ok(None);
    }
    // A host with a port, without a scheme, will do.
    let url = if url.contains("://") { url } else { format!("http://{url}") };
    Proxy::parse(&url, &format!("the variable {name}")).map(Some)
}

/// Where a request goes.
struct Target {
    host: String,
    address: Option<IpAddr>,
    port: u16,
}

impl Target {
    fn of(server: &Uri) -> Self {
        let host = server.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let default = if server.scheme_str() == Some("https") { 443 } else { 80 };
        Self {
            address: host.parse().ok().map(|address: IpAddr| address.to_canonical()),
            port: server.port_u16().unwrap_or(default),
            host,
        }
    }

    fn is_local(&self) -> bool {
        self.host == "localhost" || self.address.is_some_and(|address| address.is_loopback())
    }

    /// Whether an entry of `NO_PROXY`, in lower case and without spaces around it, means this.
    fn is_named(&self, entry: &str) -> bool {
        if entry == "*" {
            return true;
        }
        if let Some(network) = Network::parse(entry) {
            return self.address.is_some_and(|address| network.contains(address));
        }
        let (name, port) = split(entry);
        if !port.is_empty() && port != self.port.to_string() {
            return false;
        }
        if let Ok(address) = name.parse::<IpAddr>() {
            return self.address == Some(address.to_canonical());
        }
        // An address has no subdomains.
        if self.address.is_some() || name.is_empty() {
            return false;
        }
        let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
        match name.strip_prefix('.') {
            Some(_) => self.host.ends_with(name),
            None => self.host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
        }
    }
}

/// Host and port of an entry, as Go's `net.SplitHostPort` has them; the whole of it if there is no port.
fn split(entry: &str) -> (&str, &str) {
    let Some((host, port)) = entry.rsplit_once(':') else { return (entry, "") };
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => (host, port),
        None if host.contains([':', '[', ']']) => (entry, ""),
        None => (host, port),
    }
}

/// Addresses with the same beginning, such as `10.0.0.0/8`.
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse().ok()?);
        let most = if address.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Self { address, bits })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let (mine, other, width): (u128, u128, u32) = match (self.address, address) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => (mine.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(mine), IpAddr::V6(other)) => (mine.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        // A shift by all 128 bits is none to Rust: nothing is left to compare then.
        u128::checked_shr(mine ^ other, width - self.bits).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests;
