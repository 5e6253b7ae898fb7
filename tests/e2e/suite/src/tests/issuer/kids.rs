//! The ids of published keys are those that openssl computes, which are Kubernetes' own: SHA-256 of the key's DER.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::harness::{Test, command, eks_endpoint};

/// A hundred keys of a type is what AWS takes of an issuer: ten issuers.
const ISSUERS: usize = 10;

/// Makes keys of all kinds in the folder, a hundred of which are RSA's, and writes the digest of each: `SHA2-256(FILE)= HEX`.
const MAKE: &str = r#"
cd "$1"
one() {
    openssl genpkey -quiet "${@:2}" | openssl pkey -pubout -out "$1.pub"
    openssl pkey -pubin -in "$1.pub" -outform DER -out "$1.der"
}
curves=(P-256 P-384 P-521)
for issuer in {0..9}; do
    for number in {0..9}; do one "$issuer-rsa-$number" -algorithm RSA -pkeyopt "rsa_keygen_bits:$((2048 + 8 * number))"; done
    for number in {0..89}; do one "$issuer-ec-$number" -algorithm EC -pkeyopt "ec_paramgen_curve:${curves[number % 3]}"; done
done
openssl dgst -sha256 *.der
"#;

pub async fn ids_of_a_thousand_keys_are_those_that_openssl_computes(test: Test) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().display().to_string();
    let digests = command::run("bash", ["-euo", "pipefail", "-c", MAKE, "-", &path], "").await?;
    let expected = digests.lines().map(kid).collect::<Result<BTreeSet<_>>>()?;
    ensure!(expected.len() == 100 * ISSUERS, "{} keys", expected.len());
    let mut found = BTreeSet::new();
    for issuer in 0..ISSUERS {
        found.extend(published(&test, folder.path(), issuer).await?);
    }
    ensure!(found == expected, "{} ids are others", found.symmetric_difference(&expected).count());
    Ok(())
}

/// The id that a line of openssl's stands for.
fn kid(line: &str) -> Result<String> {
    let (_, digest) = line.rsplit_once("= ").context("no digest")?;
    let byte = |at: usize| u8::from_str_radix(digest.get(at..at + 2).unwrap_or_default(), 16);
    let bytes = (0..digest.len()).step_by(2).map(byte).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The ids of an issuer's keys as they are published.
async fn published(test: &Test, folder: &Path, issuer: usize) -> Result<Vec<String>> {
    let to = tempfile::tempdir()?;
    let mut words =
        vec!["issuer".to_owned(), "publish".to_owned(), "--issuer=https://issuer.e2e.test".to_owned()];
    words.push(format!("--to={}", to.path().display()));
    for file in std::fs::read_dir(folder)? {
        let file = file?.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        if name.starts_with(&format!("{issuer}-")) && file.extension().is_some_and(|end| end == "pub") {
            words.push(format!("--keys={}", file.display()));
        }
    }
    command::run(eks_endpoint::program(&test.cluster)?, words, "").await?;
    let set: Value = serde_json::from_slice(&std::fs::read(to.path().join("openid/v1/jwks"))?)?;
    let ids = set["keys"].as_array().context("no keys")?.iter().map(|key| key["kid"].as_str());
    ids.map(|id| Ok(id.context("no kid")?.to_owned())).collect()
}
