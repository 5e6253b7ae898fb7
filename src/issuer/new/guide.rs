//! What is printed: where the key is, and what comes next, in the order in which nothing breaks.

use super::iam;
use super::key_pair::{Files, KeyPair};
use super::settings::Settings;
use crate::cli::shell;
use crate::issuer::distribution::{ApiServer, Distribution};

/// All steps.
pub(super) fn text(settings: &Settings, pair: &KeyPair, files: &Files) -> String {
    let Settings { issuer, distribution, key_folder, .. } = settings;
    let quoted = |text: &str| shell::quoted(text);
    let public = quoted(&files.public.display().to_string());
    let url = quoted(issuer.as_str());
    let copied = match distribution {
        Distribution::Talos => String::new(),
        _ => format!(
            "Copy both files to {key_folder} on each machine that runs an API server, the private key\nreadable by root alone.\n\n"
        ),
    };
    format!(
        "The key {kid} is in {private} and {public_path}.

1. Publish the key, before any API server signs with it: AWS may have read older documents, and keeps
them for a while.

    pod-identity-webhook issuer publish --issuer={url} \\
        --keys={public}{others} --to=FOLDER-OR-s3://BUCKET

2. Have the API servers make tokens of the issuer.

{copied}{apart}{configuration}
3. See whether AWS would take a token:

    pod-identity-webhook issuer check --issuer={url}

4. Have IAM know the issuer, and make a role for the ServiceAccount {account}:

{iam}
IAM wants a thumbprint (--thumbprint-list) for a web server alone whose certificate is from an
authority of your own; 'issuer check' prints it.
",
        kid = pair.kid,
        private = files.private.display(),
        public_path = files.public.display(),
        others = if settings.kept_issuers.is_empty() { "" } else { " --from-api-server" },
        apart = apart(settings),
        configuration = distribution.configuration(&api_server(settings, pair, files)),
        account = settings.account,
        iam = iam::commands(settings),
    )
}

/// What is to be heeded where there are tokens already.
fn apart(settings: &Settings) -> &'static str {
    if settings.kept_issuers.is_empty() {
        return "";
    }
    "Where there are several, first have each of them verify by the new key too, and sign as before; then
have each of them sign with it: a token that one makes has to be taken by all.

"
}

fn api_server(settings: &Settings, pair: &KeyPair, files: &Files) -> ApiServer {
    let Settings { issuer, distribution, kept_issuers, kept_keys, key_folder, .. } = settings;
    let issuers = [issuer.as_str().to_owned()].into_iter().chain(kept_issuers.iter().cloned());
    let there = |end: &str| format!("{key_folder}/{}.{end}", pair.name());
    let signing_key = match distribution {
        // It is taken from where it is.
        Distribution::Talos => shell::quoted(&files.private.display().to_string()),
        _ => there("key"),
    };
    ApiServer {
        issuers: issuers.collect(),
        signing_key,
        verifying_keys: [there("pub")].into_iter().chain(kept_keys.iter().cloned()).collect(),
    }
}
