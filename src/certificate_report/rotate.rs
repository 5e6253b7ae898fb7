//! Announces the next authority, in the Secret; the replicas see to all else.

use anyhow::{Result, anyhow, bail};
use kube::Client;

use super::look::time;
use super::settings::Settings;
use crate::certificates::self_managed::{Authority, Certificate, Stored, announce};
use crate::kubernetes::{Address, ApiError, Document};

/// Times that the Secret is read anew because somebody else wrote it in between.
const TRIES: usize = 5;

/// How a rotation began.
#[derive(Debug)]
pub(super) enum Rotation {
    /// This is the next authority.
    Announced(Certificate),
    /// There was a next one already.
    UnderWay,
}

/// Announces an authority, unless one is announced already.
pub(super) async fn rotate(client: &Client, settings: &Settings) -> Result<Rotation> {
    let objects = &settings.objects;
    let (address, names) = (Address::secret(&objects.namespace, &objects.secret), settings.names());
    for _ in 0..TRIES {
        let read = timely(address.read(client)).await?;
        let Document { object, date } = read.map_err(|error| anyhow!("failed to read {address}: {error}"))?;
        let Some(mut secret) = object else {
            bail!(
                "there is no {address}: make it, empty, and a running replica fills it; nothing was rotated"
            );
        };
        let now = time(date);
        let next = Authority::make(&names, now, settings.authority_lifetime)?;
        let certificate = next.certificate().clone();
        match announce(&mut secret, next, &names, now) {
            Ok(true) => {}
            Ok(false) => return Ok(Rotation::UnderWay),
            Err(Stored { unusable, .. }) => {
                let why = unusable.iter().map(|one| format!(" ({}: {})", one.part.what(), one.why));
                let why: String = why.collect();
                bail!(
                    "{address} has no authority that signs{why}: start a replica, which makes one; nothing was rotated"
                );
            }
        }
        match timely(address.replace(client, &secret)).await? {
            Ok(_) => return Ok(Rotation::Announced(certificate)),
            Err(error) if error.code() == Some(409) => {}
            Err(error) => bail!("failed to update {address}: {error}"),
        }
    }
    bail!("{address} was changed by somebody else {TRIES} times in between: nothing was rotated; try again")
}

async fn timely<T>(request: impl Future<Output = Result<T, ApiError>>) -> Result<Result<T, ApiError>> {
    let answer = tokio::time::timeout(super::look::REQUEST, request).await;
    answer.map_err(|_| anyhow!("the API server gave no answer within {:?}", super::look::REQUEST))
}
