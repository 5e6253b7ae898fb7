//! One account's association, asked for at once: the name of its object is known, so one GET settles it.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use injection::AccountName;
use kube::Client;

use super::kept::Kept;
use super::kind::Kind;
use super::objects::{ResourceStanding, judge_given};
use super::resource::Association;
use super::selection::{Controller, Selection};
use crate::association::{API_VERSION, GROUP, KIND, PLURAL};
use crate::identities::sources::single_lookups::Answer;
use crate::kubernetes::{Address, ApiError};

/// Asks the API server for an account's association of this project's own kind, if it counts.
pub fn ask(
    client: Client,
    selection: Selection,
) -> impl Fn(AccountName<'_>) -> BoxFuture<'static, Answer> + Send + Sync + 'static {
    move |account| {
        let (client, selection, account) = (client.clone(), selection.clone(), account.into_owned());
        async move { look(&client, &selection, account.get()).await }.boxed()
    }
}

/// Bytes of one answer: annotations have 256 KiB at most, of which every byte may become six in JSON. It is what an
/// account may have that is looked up.
const LARGEST: usize = 2 << 20;

async fn look(client: &Client, selection: &Selection, account: AccountName<'_>) -> Answer {
    let address = Address::custom((API_VERSION, KIND, PLURAL), account.namespace, account.name);
    // Where the kind is not served in the one version that is read, nothing has that name either.
    let read = address.part::<Kept>(client, LARGEST).await.map_err(|error| explain(&error))?;
    let (Some(Kept(object)), [kind]) = (read, Kind::of(Controller::Own)) else { return Ok(None) };
    // One that is malformed is complained about by the watch.
    let read = Association::read_in(kind, &object, account.namespace, selection.detail).ok();
    let counts = |association: &Association| {
        judge_given(association, selection.cluster.as_ref()) == ResourceStanding::Used
    };
    Ok(read.filter(counts).map(|association| association.associated()))
}

/// An error, and what to do about it.
fn explain(error: &ApiError) -> String {
    if error.code() == Some(403) {
        format!("{error}; the webhook's ClusterRole must allow get on {PLURAL} in the API group {GROUP}")
    } else {
        error.to_string()
    }
}
