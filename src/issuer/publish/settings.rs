//! The flags of `issuer publish`, checked.

use std::path::PathBuf;
use std::time::Duration;

use super::args::PublishArgs;
use super::plan::Rules;
use super::sources::Places;
use crate::cli::error::{SettingsError, invalid};
use crate::issuer::api_server;
use crate::issuer::issuer_url::IssuerUrl;
use crate::issuer::keys_path::{PATH, is_path, keys_path};
use crate::kubernetes::UserClusterSettings;

/// The shortest pause between two looks of `--watch`: API servers and S3 are others' too.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// What `issuer publish` does.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) issuer: IssuerUrl,
    pub(super) places: Places,
    pub(super) to: To,
    pub(super) keys_path: String,
    pub(super) rules: Rules,
    pub(super) is_confirmed: bool,
    pub(super) is_dry: bool,
    pub(super) max_age: Duration,
    pub(super) interval: Duration,
}

/// Where the documents go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    Directory(PathBuf),
    /// The bucket, and the part of it: empty, or without slashes at its ends.
    #[cfg_attr(not(feature = "eks-api"), expect(dead_code, reason = "it is refused"))]
    S3 {
        bucket: String,
        prefix: String,
    },
}

impl TryFrom<&PublishArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: &PublishArgs) -> Result<Self, SettingsError> {
        let is_dry = args.dry_run;
        if !args.remove.is_empty() && !args.yes && !is_dry {
            let why =
                "tokens that the removed keys signed are refused by AWS; --dry-run shows what would change";
            return Err(SettingsError::Incomplete { flag: "--remove", other: "--yes", why });
        }
        if let Some(both) = args.remove.iter().find(|kid| args.restore.contains(kid)) {
            return Err(invalid("--restore", both, "expected another key than --remove has"));
        }
        if args.interval < SHORTEST_INTERVAL {
            return Err(invalid("--interval", &format!("{:?}", args.interval), "expected at least 1s"));
        }
        let issuer = IssuerUrl::parse(&args.issuer)
            .map_err(|error| invalid("--issuer", &args.issuer, error.to_string()))?;
        Ok(Self {
            issuer,
            places: places(args)?,
            to: to(&args.to)?,
            keys_path: keys_path(&args.keys_path)?,
            rules: Rules {
                retention: args.retention,
                remove: args.remove.clone(),
                restore: args.restore.clone(),
            },
            is_confirmed: args.yes,
            is_dry,
            max_age: args.max_age,
            interval: args.interval,
        })
    }
}

fn places(args: &PublishArgs) -> Result<Places, SettingsError> {
    let of_kubeconfig = UserClusterSettings::try_from(&args.cluster)?;
    let mut api_servers = api_server::settings(&args.cluster, &args.api_server)?;
    if args.from_api_server {
        api_servers.insert(0, of_kubeconfig);
    }
    Ok(Places { files: args.keys.clone(), api_servers })
}

fn to(text: &str) -> Result<To, SettingsError> {
    let Some(rest) = text.strip_prefix("s3://") else {
        return match text {
            "" => Err(invalid("--to", text, "expected a folder or s3://BUCKET/PREFIX")),
            text if text.contains("://") => Err(invalid(
                "--to",
                text,
                "expected a folder or s3://BUCKET/PREFIX: nothing else can be written to",
            )),
            folder => Ok(To::Directory(folder.into())),
        };
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'.';
    let is_bucket = (3..=63).contains(&bucket.len()) && bucket.bytes().all(fits) && !bucket.contains("..");
    if !is_bucket {
        let allowed =
            "expected s3://BUCKET/PREFIX, with a bucket of 3 to 63 lower-case letters, digits, '-' and '.'";
        return Err(invalid("--to", text, allowed));
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if !prefix.is_empty() && !is_path(prefix) {
        return Err(invalid("--to", text, format!("expected a prefix of {PATH}")));
    }
    #[cfg(not(feature = "eks-api"))]
    {
        let instead = "use an image with it, or publish to a folder and copy its files with 'aws s3 cp'";
        Err(SettingsError::NotBuilt { flag: "--to=s3://", feature: "eks-api", instead })
    }
    #[cfg(feature = "eks-api")]
    Ok(To::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
}
