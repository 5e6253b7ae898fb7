//! The lifetime of the projected token: from the pod's annotation, else the account's grant, else the flag.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::super::defaults::Defaults;
use super::super::grant::{AskedLifetime, Grant, MAX_LIFETIME, MIN_LIFETIME, Method, RoleGrant, RoleSource};
use super::super::pod::{Pod, Token};
use super::super::warning::{Owner, Warning};

/// The shortest of the lifetimes that EKS spreads Pod Identity's tokens over, in seconds, so that
/// the pods of one rollout do not all renew at once. The longest is the default, 86400.
const SPREAD_FROM: u64 = 79_200;

/// The longest of them, where the Go webhook begins to spread, whoever asked for it.
const SPREAD_TO: u64 = 86_400;

/// The lifetime of a pod's token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime {
    /// In seconds, within what the API server accepts.
    pub(super) seconds: u64,
    /// Whether any other of the spread is as good.
    is_spread: bool,
}

impl Lifetime {
    /// Whether a token of the pod lasts as long.
    pub(super) fn is_that_of(self, token: &Token<'_>) -> bool {
        let seconds = u64::try_from(token.lifetime.unwrap_or(Token::DEFAULT_LIFETIME)).unwrap_or(0);
        seconds == self.seconds || self.is_spread && (SPREAD_FROM..=SPREAD_TO).contains(&seconds)
    }
}

/// The lifetime of the token: a pod that was admitted before, here or by the Go webhook, has another of the spread.
pub(super) fn of(
    pod: &Pod<'_>,
    grant: &Grant,
    defaults: &Defaults,
    seed: Option<&str>,
    warnings: &mut Vec<Warning>,
) -> Lifetime {
    let (seconds, is_asked) = seconds(pod, grant, defaults, seed, warnings);
    let is_spread = grant.method() == Method::ContainerCredentials && (!is_asked || seconds == SPREAD_TO);
    Lifetime { seconds, is_spread }
}

/// The lifetime in seconds, and whether somebody asked for it.
fn seconds(
    pod: &Pod<'_>,
    grant: &Grant,
    defaults: &Defaults,
    seed: Option<&str>,
    warnings: &mut Vec<Warning>,
) -> (u64, bool) {
    let from_pod = pod.metadata.token_expiration.as_deref().map(AskedLifetime::read);
    let from_account = grant.preferences().lifetime.as_ref();
    let asked = [(Owner::Pod, from_pod.as_ref()), (owner(grant), from_account)];
    for (owner, lifetime) in asked {
        match lifetime {
            None => {}
            Some(AskedLifetime::Unreadable(value)) => {
                warnings.push(Warning::LifetimeUnreadable { owner, value: value.to_string() });
            }
            Some(&AskedLifetime::Seconds(seconds)) => return (clamp(owner, seconds, warnings), true),
        }
    }
    match (grant.method(), seed) {
        (Method::ContainerCredentials, Some(seed)) if !defaults.lifetime_is_explicit => {
            (SPREAD_FROM + hash(seed) % (defaults.lifetime.saturating_sub(SPREAD_FROM) + 1), false)
        }
        _ => (defaults.lifetime, defaults.lifetime_is_explicit),
    }
}

/// The owner of a grant's settings.
fn owner(grant: &Grant) -> Owner {
    match grant {
        Grant::Role(RoleGrant { source: RoleSource::ConfigMap, .. }) => Owner::ConfigMap,
        Grant::Role(_) | Grant::Association(_) => Owner::ServiceAccount,
    }
}

fn clamp(owner: Owner, seconds: i64, warnings: &mut Vec<Warning>) -> u64 {
    let Ok(positive) = u64::try_from(seconds) else {
        warnings.push(Warning::LifetimeRaised { owner, seconds });
        return MIN_LIFETIME;
    };
    if positive < MIN_LIFETIME {
        warnings.push(Warning::LifetimeRaised { owner, seconds });
    } else if positive > MAX_LIFETIME {
        warnings.push(Warning::LifetimeLowered { owner, seconds });
    }
    positive.clamp(MIN_LIFETIME, MAX_LIFETIME)
}

/// FNV-1a, 64 bits: std's hashers may change with a release, and a retry must give the same pod.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_fnv_1a() {
        // The published vectors of the function.
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
