//! Versions and cipher suites: Go's names for them, and their equivalents in rustls.

use std::fmt;

use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{CipherSuite, SupportedProtocolVersion};

use crate::cli::error::{SettingsError, invalid};

/// Versions and cipher suites of the server; by default all that are safe.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// Only TLS 1.3.
    pub only_tls13: bool,
    /// `None`: all that rustls has; all of them are safe.
    pub cipher_suites: Option<Vec<CipherSuite>>,
}

impl fmt::Display for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tls-min-version={}", if self.only_tls13 { "1.3" } else { "1.2" })?;
        match &self.cipher_suites {
            None => Ok(()),
            Some(suites) => {
                let name = |suite: &CipherSuite| {
                    SUITES.iter().find(|(_, known)| known == suite).map_or("?", |(name, _)| name)
                };
                let names: Vec<_> = suites.iter().map(name).collect();
                write!(f, " tls-cipher-suites={}", names.join(","))
            }
        }
    }
}

/// Go's names of the suites that rustls has too.
const SUITES: [(&str, CipherSuite); 9] = [
    ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// Go's older names of two of the above.
const ALIASES: [(&str, &str); 2] = [
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
];

/// Suites that Go knows (`crypto/tls`, its insecure ones included) and rustls does not.
const ONLY_GO: [&str; 16] = [
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
];

impl TlsSettings {
    pub(crate) fn new(version: &str, suites: &str, notices: &mut Vec<String>) -> Result<Self, SettingsError> {
        let only_tls13 = match version {
            "" | "1.2" | "VersionTLS12" => false,
            "1.3" | "VersionTLS13" => true,
            "1.0" | "1.1" | "VersionTLS10" | "VersionTLS11" => {
                notices.push(format!("--tls-min-version {version} is raised to 1.2, the lowest served"));
                false
            }
            _ => {
                let allowed = "expected 1.2 or 1.3 (or VersionTLS12, VersionTLS13)";
                return Err(invalid("--tls-min-version", version, allowed));
            }
        };
        let settings = Self { only_tls13, cipher_suites: cipher_suites(suites, notices)? };
        if settings.provider().cipher_suites.iter().all(|suite| !settings.serves(suite.version())) {
            let allowed = "expected at least one suite of a TLS version that is served";
            return Err(invalid("--tls-cipher-suites", suites, allowed));
        }
        Ok(settings)
    }

    /// The cryptography, with only the suites that are allowed.
    pub(crate) fn provider(&self) -> CryptoProvider {
        let mut provider = aws_lc_rs::default_provider();
        if let Some(wanted) = &self.cipher_suites {
            provider.cipher_suites.retain(|suite| wanted.contains(&suite.suite()));
        }
        provider
    }

    /// The versions that are allowed and for which a suite is left.
    pub(crate) fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let suites = self.provider().cipher_suites;
        let has_suite =
            |version: &SupportedProtocolVersion| suites.iter().any(|suite| suite.version() == version);
        [&TLS13, &TLS12].into_iter().filter(|version| self.serves(version) && has_suite(version)).collect()
    }

    fn serves(&self, version: &SupportedProtocolVersion) -> bool {
        !self.only_tls13 || version == &TLS13
    }
}

fn cipher_suites(text: &str, notices: &mut Vec<String>) -> Result<Option<Vec<CipherSuite>>, SettingsError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let mut suites = Vec::new();
    let mut dropped = Vec::new();
    for name in text.split(',').map(str::trim) {
        let current = ALIASES.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
        if let Some((_, suite)) = SUITES.iter().find(|(known, _)| *known == current) {
            suites.push(*suite);
        } else if ONLY_GO.contains(&name) {
            dropped.push(name);
        } else {
            let allowed = format!("expected names out of {}", SUITES.map(|(name, _)| name).join(", "));
            return Err(invalid("--tls-cipher-suites", name, allowed));
        }
    }
    if !dropped.is_empty() {
        notices.push(format!(
            "--tls-cipher-suites: these are not safe enough and are not served: {}",
            dropped.join(", ")
        ));
    }
    Ok(Some(suites))
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::SupportedCipherSuite;

    use super::*;

    const OF_12: &str = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    const OF_13: &str = "TLS_AES_128_GCM_SHA256";

    /// Versions, number of suites, and notices; or the error.
    fn tls(version: &str, suites: &str) -> Result<(Vec<u16>, usize, Vec<String>), String> {
        let mut notices = Vec::new();
        let settings = TlsSettings::new(version, suites, &mut notices).map_err(|error| error.to_string())?;
        let versions = settings.versions().iter().map(|version| u16::from(version.version)).collect();
        Ok((versions, settings.provider().cipher_suites.len(), notices))
    }

    #[test]
    fn versions_have_the_spellings_of_go() {
        for version in ["", "1.2", "VersionTLS12"] {
            assert_eq!(tls(version, "").unwrap(), (vec![0x304, 0x303], 9, vec![]), "{version}");
        }
        for version in ["1.3", "VersionTLS13"] {
            assert_eq!(tls(version, "").unwrap().0, [0x304], "{version}");
        }
        for version in ["1", "1.4", "TLS1.2", "VersionTLS14", " 1.2"] {
            let error = tls(version, "").unwrap_err();
            assert!(
                error.starts_with(&format!("invalid value '{version}' for '--tls-min-version'")),
                "{error}"
            );
        }
    }

    #[test]
    fn lower_versions_are_raised_with_one_notice() {
        for version in ["1.0", "1.1", "VersionTLS10", "VersionTLS11"] {
            let (versions, _, notices) = tls(version, "").unwrap();
            assert_eq!(versions, [0x304, 0x303]);
            assert_eq!(notices, [format!("--tls-min-version {version} is raised to 1.2, the lowest served")]);
        }
    }

    #[test]
    fn suites_are_those_that_are_named_blanks_trimmed() {
        assert_eq!(tls("", &format!(" {OF_12} , {OF_13}")).unwrap(), (vec![0x304, 0x303], 2, vec![]));
        assert_eq!(tls("", OF_13).unwrap().0, [0x304]);
        assert_eq!(tls("", OF_12).unwrap().0, [0x303]);
        assert_eq!(tls("", &format!("{OF_12},{OF_12}")).unwrap().1, 1);
        assert_eq!(tls("", " ").unwrap().1, 9);
    }

    #[test]
    fn every_name_of_a_suite_that_is_served_is_known() {
        for (name, suite) in SUITES {
            let chosen = TlsSettings::new("", name, &mut Vec::new()).unwrap();
            let suites: Vec<_> =
                chosen.provider().cipher_suites.iter().map(SupportedCipherSuite::suite).collect();
            assert_eq!(suites, [suite], "{name}");
        }
        for (old, new) in ALIASES {
            assert_eq!(tls("", old), tls("", new));
        }
    }

    #[test]
    fn suites_of_go_alone_are_dropped_with_one_notice() {
        let names = format!("{OF_12},TLS_RSA_WITH_AES_128_CBC_SHA,TLS_RSA_WITH_RC4_128_SHA");
        let (_, suites, notices) = tls("", &names).unwrap();
        assert_eq!(suites, 1);
        assert_eq!(
            notices,
            [
                "--tls-cipher-suites: these are not safe enough and are not served: TLS_RSA_WITH_AES_128_CBC_SHA, \
              TLS_RSA_WITH_RC4_128_SHA"
            ]
        );
        for name in ONLY_GO {
            assert_eq!(tls("", &format!("{OF_13},{name}")).unwrap().2.len(), 1, "{name}");
        }
    }

    #[test]
    fn a_suite_that_nobody_knows_is_refused_by_its_name() {
        for name in ["TLS_NOPE", "", "tls_aes_128_gcm_sha256"] {
            let error = tls("", &format!("{OF_12},{name},{OF_13}")).unwrap_err();
            assert!(
                error.starts_with(&format!("invalid value '{name}' for '--tls-cipher-suites'")),
                "{error}"
            );
        }
    }

    #[test]
    fn no_suite_left_is_refused() {
        for (version, suites) in [("", "TLS_RSA_WITH_AES_128_CBC_SHA"), ("1.3", OF_12)] {
            let error = tls(version, suites).unwrap_err();
            assert_eq!(
                error,
                format!(
                    "invalid value '{suites}' for '--tls-cipher-suites': expected at least one suite of a TLS \
                     version that is served"
                )
            );
        }
        assert_eq!(tls("1.3", &format!("{OF_12},{OF_13}")).unwrap().0, [0x304]);
    }
}
