//! One account's association, asked for at once: the name of its object is known, so one GET settles it.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use injection::AccountName;
use kube::Client;

use super::kind::Kind;
use super::objects::{ResourceStanding, judge_given};
use super::resource::Association;
use super::selection::{Controller, Selection};
use crate::association::{API_VERSION, KIND, PLURAL};
use crate::identities::sources::single_lookups::Answer;
use crate::kubernetes::Address;

/// Asks the API server whether an account has an association of this project's own kind that counts.
pub fn ask(
    client: Client,
    selection: Selection,
) -> impl Fn(AccountName<'_>) -> BoxFuture<'static, Answer> + Send + Sync + 'static {
    move |account| {
        let (client, selection, account) = (client.clone(), selection.clone(), account.into_owned());
        async move { has(&client, &selection, account.get()).await }.boxed()
    }
}

async fn has(client: &Client, selection: &Selection, account: AccountName<'_>) -> Answer {
    let address = Address::custom((API_VERSION, KIND, PLURAL), account.namespace, account.name);
    // Where the kind is not served, nothing has that name either.
    let document = address.read(client).await.map_err(|error| error.to_string())?;
    let (Some(object), [kind]) = (document.object, Kind::of(Controller::Own)) else { return Ok(false) };
    // One that is malformed is complained about by the watch.
    let read = Association::read(kind, &object, account.namespace);
    let cluster = selection.cluster.as_ref();
    Ok(read.is_ok_and(|association| judge_given(&association, cluster) == ResourceStanding::Used))
}
