//! Every flag of injection, checked.

use injection::annotation::Prefix;
use injection::defaults::{TokenVolume, WEB_IDENTITY_TOKEN_PATH, WEB_IDENTITY_VOLUME};
use injection::grant::{MAX_LIFETIME, MIN_LIFETIME};
use injection::name;

use super::args::InjectionArgs;
use super::pending::{self, Flags, PendingDefaults};
use crate::cli::error::{SettingsError, invalid};

/// Checks the flags of injection. If a value makes the API server refuse a pod, that pod is lost whatever the
/// failurePolicy, so every value is checked before the first pod comes.
pub(super) fn check(
    args: &InjectionArgs,
    notices: &mut Vec<String>,
) -> Result<PendingDefaults, SettingsError> {
    let annotation_prefix = Prefix::new(&args.annotation_prefix).ok_or_else(|| {
        invalid(
            "--annotation-prefix",
            &args.annotation_prefix,
            "expected a DNS name such as eks.amazonaws.com",
        )
    })?;
    let role_names = pending::role_names(args, notices)?;
    let uri = args.container_credentials_full_uri.as_deref().map(full_uri).transpose()?;
    let agent = pending::agent(args.ip_family, uri, notices);
    let flags = Flags {
        annotation_prefix,
        region: region(&args.aws_default_region)?,
        regional_sts: args.sts_regional_endpoint,
        lifetime: lifetime(args.token_expiration, notices),
        lifetime_is_explicit: args.token_expiration.is_some(),
        role_arn_validation: args.role_arn_validation,
        web_identity: TokenVolume {
            audience: audience("--token-audience", &args.token_audience)?,
            mount_path: mount_path("--token-mount-path", &args.token_mount_path)?,
            name: WEB_IDENTITY_VOLUME.to_owned(),
            token_path: WEB_IDENTITY_TOKEN_PATH.to_owned(),
        },
        container_credentials: TokenVolume {
            audience: audience("--container-credentials-audience", &args.container_credentials_audience)?,
            mount_path: mount_path(
                "--container-credentials-token-mount-path",
                &args.container_credentials_token_mount_path,
            )?,
            name: volume_name(&args.container_credentials_token_volume_name)?,
            token_path: token_path(&args.container_credentials_token_path)?,
        },
        no_agent_fallback: args.no_agent_fallback,
    };
    Ok(PendingDefaults { flags, role_names, agent })
}

fn region(text: &str) -> Result<Option<String>, SettingsError> {
    let fits = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if !fits {
        return Err(invalid("--aws-default-region", text, "expected a region such as eu-west-1"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn lifetime(asked: Option<i64>, notices: &mut Vec<String>) -> u64 {
    const DEFAULT: u64 = 86_400;
    let Some(seconds) = asked else {
        return DEFAULT;
    };
    let positive = u64::try_from(seconds).unwrap_or(0);
    let clamped = positive.clamp(MIN_LIFETIME, MAX_LIFETIME);
    if i64::try_from(clamped) != Ok(seconds) {
        notices.push(format!(
            "--token-expiration {seconds} is not within {MIN_LIFETIME} to {MAX_LIFETIME}: {clamped} is used"
        ));
    }
    clamped
}

fn audience(flag: &'static str, text: &str) -> Result<String, SettingsError> {
    if text.is_empty() {
        // An empty audience means a token for the API server itself, which AWS must never see.
        return Err(invalid(flag, text, "expected an audience"));
    }
    Ok(text.to_owned())
}

fn mount_path(flag: &'static str, text: &str) -> Result<String, SettingsError> {
    // Kubernetes refuses a colon; a relative path means a different place on each runtime; and a mount over
    // the root hides a container's program.
    let depth = text.split('/').fold(0_usize, |depth, part| match part {
        "" | "." => depth,
        ".." => depth.saturating_sub(1),
        _ => depth + 1,
    });
    if !text.starts_with('/') || depth == 0 || text.contains(':') || text.chars().any(char::is_control) {
        return Err(invalid(flag, text, "expected an absolute path, not the root, without a colon"));
    }
    Ok(text.to_owned())
}

fn volume_name(text: &str) -> Result<String, SettingsError> {
    if !name::is_label(text) {
        let allowed = "expected a volume's name: at most 63 of a-z, 0-9 and -, no - at either end";
        return Err(invalid("--container-credentials-token-volume-name", text, allowed));
    }
    Ok(text.to_owned())
}

fn token_path(text: &str) -> Result<String, SettingsError> {
    let climbs = text.split('/').any(|part| part == "..");
    if text.is_empty()
        || text.starts_with('/')
        || text.starts_with("..")
        || climbs
        || text.chars().any(char::is_control)
    {
        let allowed = "expected a relative path without ..";
        return Err(invalid("--container-credentials-token-path", text, allowed));
    }
    Ok(text.to_owned())
}

fn full_uri(text: &str) -> Result<String, SettingsError> {
    let is_url = text
        .parse::<http::Uri>()
        .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
    if !is_url {
        let allowed = "expected a URL such as http://169.254.170.23/v1/credentials";
        return Err(invalid("--container-credentials-full-uri", text, allowed));
    }
    Ok(text.to_owned())
}
