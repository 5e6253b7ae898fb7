//! Whether a proxy stands between a container and the node's agent: some SDKs then ask the proxy for the
//! credentials, and it does not reach the node's own address.

use core::net::IpAddr;

use super::super::agent::Agent;
use super::super::pod::{Container, Pod, Value, env};

/// The variable that sends SDKs in a container to a proxy with their call to the agent, if there is one. A list of
/// exceptions that cannot be seen is trusted to name the agent.
pub(super) fn before(agent: &Agent, pod: &Pod<'_>, container: &Container<'_>) -> Option<&'static str> {
    let proxies = if agent.is_https() {
        [env::HTTPS_PROXY, env::HTTPS_PROXY_LOWER]
    } else {
        [env::HTTP_PROXY, env::HTTP_PROXY_LOWER]
    };
    let proxy = proxies.into_iter().find(|name| container.filled.contains(name))?;
    if is_loopback(agent.host()) {
        return None;
    }
    // Those that go through proxies read the second only where the first has no value.
    let list = [env::NO_PROXY, env::NO_PROXY_LOWER].into_iter().find(|name| container.filled.contains(name));
    let is_exception = match list.and_then(|name| pod.value(container, name)) {
        Some(Value::Text(list)) => names(list, agent),
        Some(Value::Unseen) => true,
        None => container.has_env_from,
    };
    (!is_exception).then_some(proxy)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether a `NO_PROXY` names the agent's host in a way that any program follows: itself, with its port, as a network,
/// as a domain, or as `*`.
fn names(list: &str, agent: &Agent) -> bool {
    let host = agent.host();
    let address: Option<IpAddr> = host.parse().ok();
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let Some(named) = without_port(entry, agent.port()) else {
            return false;
        };
        if entry == "*" {
            return true;
        }
        if let Some(address) = address {
            return named.parse() == Ok(address) || is_in(entry, host);
        }
        let (named, host) = (named.to_ascii_lowercase(), host.to_ascii_lowercase());
        let domain = named.trim_start_matches('*').trim_start_matches('.');
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// The host of an entry; `None` if it is for another port.
fn without_port<'e>(entry: &'e str, port: &str) -> Option<&'e str> {
    let (host, own) = match entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match entry.split_once(':') {
            // More colons are those of an IPv6 address.
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (entry, None),
        },
    };
    own.is_none_or(|own| own == port).then_some(host)
}

/// Whether an address is in a network, `ADDRESS/BITS`.
fn is_in(network: &str, host: &str) -> bool {
    let Some((first, bits)) = network.split_once('/') else {
        return false;
    };
    let (Ok(first), Ok(host), Ok(bits)) = (first.parse(), host.parse(), bits.parse::<u32>()) else {
        return false;
    };
    match (first, host) {
        (IpAddr::V4(first), IpAddr::V4(host)) => {
            let differing = u32::from(first) ^ u32::from(host);
            bits <= 32 && differing.checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(first), IpAddr::V6(host)) => {
            let differing = u128::from(first) ^ u128::from(host);
            bits <= 128 && differing.checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::agent::IpFamily;
    use super::*;

    #[test]
    fn a_list_names_the_agent_in_any_way_that_programs_follow() {
        for (list, host, expected) in [
            ("localhost,169.254.170.23", "169.254.170.23", true),
            ("localhost, 169.254.170.23 ,x", "169.254.170.23", true),
            ("169.254.170.23:80", "169.254.170.23", true),
            ("169.254.0.0/16", "169.254.170.23", true),
            ("0.0.0.0/0", "169.254.170.23", true),
            ("*", "169.254.170.23", true),
            ("[fd00:ec2::23]", "fd00:ec2::23", true),
            ("[fd00:ec2::23]:80", "fd00:ec2::23", true),
            ("fd00:ec2::23", "fd00:ec2::23", true),
            ("fd00:ec2::/32", "fd00:ec2::23", true),
            ("[FD00:EC2:0:0:0:0:0:23]", "fd00:ec2::23", true),
            (".EXAMPLE.com", "agent.example.COM", true),
            ("169.254.170.23:8080", "169.254.170.23", false),
            ("[fd00:ec2::23]:81", "fd00:ec2::23", false),
            (".example.com", "agent.example.com", true),
            ("*.example.com", "agent.example.com", true),
            ("example.com", "agent.example.com", true),
            ("", "169.254.170.23", false),
            (",", "169.254.170.23", false),
            ("localhost,127.0.0.1,10.0.0.0/8,169.254.169.254", "169.254.170.23", false),
            ("169.254.170.2", "169.254.170.23", false),
            ("169.254.169.0/24", "169.254.170.23", false),
            ("169.254.170.23/33", "169.254.170.23", false),
            ("fd00:ec2::/130", "fd00:ec2::23", false),
            ("ample.com", "agent.example.com", false),
            ("169.254.*", "169.254.170.23", false),
            ("170.23", "169.254.170.23", false),
        ] {
            let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            let agent = Agent::new(IpFamily::Ipv4, Some(format!("http://{bracketed}/v1/credentials")));
            assert_eq!(names(list, &agent), expected, "{list} {host}");
        }
    }
}
