//! Where associations are kept: the Kubernetes API. Writes go by the version that was read, so that nobody's change is
//! overwritten, and keep what they do not know.

use injection::AccountName;
use injection::text::{Line, logged_name};
use kube::Client;
use kube::api::DynamicObject;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::object::{Association, ObjectError};
use super::spec::Spec;
use super::{API_VERSION, GROUP, KIND, PLURAL, VERSION, resource};
use crate::kubernetes::{self, Address, ApiError, Collection, WatchError};

/// Characters of the API server's words that are passed on.
const LONGEST_REASON: usize = 1000;

/// Characters of a name in the log: no name in Kubernetes is longer.
const LONGEST_NAME: usize = 253;

/// The associations of a cluster, as whoever the client is.
#[derive(Clone)]
pub struct Store {
    client: Client,
    warned: fn(&str),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Annotations to be written with an association, by their keys.
pub type Notes<'a> = &'a [(&'a str, String)];

/// Whether a write is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// The write is done.
    Real,
    /// The API server checks the write and does nothing.
    Dry,
}

/// What a list has.
#[derive(Debug)]
pub struct Listing<T> {
    /// What was kept, ordered by namespace and name.
    pub kept: Vec<T>,
    /// The objects that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// An object of a list that the definition would refuse, as one that was stored before the definition said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Why it cannot be read.
    pub why: ObjectError,
}

/// Why the store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What kind of refusal it is.
    pub why: Why,
    /// In words.
    pub message: String,
}

/// Kinds of refusals, by what can be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The caller may not.
    Forbidden,
    /// The cluster has no such kind.
    Undefined,
    /// The namespace does not exist.
    NoNamespace,
    /// The object was changed or deleted in between: read it again.
    Changed,
    /// The API server does not take these values.
    Invalid,
    /// The API server has too much to do: ask again.
    Busy,
    /// There is no usable answer: ask again.
    Unavailable,
}

impl Store {
    /// The associations of the client's cluster.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, warned: logged }
    }

    /// The same; this is told what the API server warns of when something is written, and the log is not.
    #[must_use]
    pub fn warning(self, warned: fn(&str)) -> Self {
        Self { warned, ..self }
    }

    /// As [`Store::listing`], for whoever has a log: what cannot be read is named there.
    ///
    /// # Errors
    /// The API server does not list them.
    pub async fn list<T>(
        &self,
        namespace: Option<&str>,
        name: Option<&str>,
        keep: impl Fn(Association) -> Option<T>,
    ) -> Result<Vec<T>, StoreError> {
        let Listing { kept, unreadable } = self.listing(namespace, name, keep).await?;
        for Unreadable { namespace, name, why } in unreadable {
            let [namespace, name] = [namespace, name].map(|text| logged_name(&text, LONGEST_NAME));
            tracing::warn!(namespace, name, error = %why, "an association cannot be read, and is left out");
        }
        Ok(kept)
    }

    /// All associations, or those of a namespace, ordered by namespace and name; of each, `keep` makes what is kept.
    /// An object that the definition would refuse is told apart: one must not keep all others from being seen.
    ///
    /// # Errors
    /// The API server does not list them.
    pub async fn listing<T>(
        &self,
        namespace: Option<&str>,
        name: Option<&str>,
        keep: impl Fn(Association) -> Option<T>,
    ) -> Result<Listing<T>, StoreError> {
        let all = Collection::of::<DynamicObject>(&resource(), namespace);
        let read = |object: &RawValue| {
            let object = all.read::<Value>(object)?;
            let text =
                |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
            Ok(Association::read(object).map_err(|why| Unreadable { namespace, name, why }))
        };
        let mut unreadable = Vec::new();
        let fields = name.map(|name| format!("metadata.name={name}"));
        let listed = kubernetes::list(&self.client, &all, PLURAL, fields, |object| {
            let association: Result<_, ApiError> = read(object);
            Ok(match association? {
                Ok(one) => {
                    let account = one.account.clone();
                    keep(one).map(|kept| (account, kept))
                }
                Err(one) => {
                    unreadable.push(one);
                    None
                }
            })
        });
        let mut kept: Vec<_> = listed.await.map_err(StoreError::of_list)?.into_iter().flatten().collect();
        // The API server's order is that of its store's keys, in which a namespace's slash comes after a dash.
        kept.sort_by(|(a, _), (b, _)| {
            (a.get().namespace, a.get().name).cmp(&(b.get().namespace, b.get().name))
        });
        Ok(Listing { kept: kept.into_iter().map(|(_, kept)| kept).collect(), unreadable })
    }

    /// The association of an account; `None` if it has none.
    ///
    /// # Errors
    /// The API server does not say.
    pub async fn find(&self, account: AccountName<'_>) -> Result<Option<Association>, StoreError> {
        if !account.is_possible() {
            return Ok(None);
        }
        let document = address(account).read(&self.client).await.map_err(StoreError::of)?;
        match document.object {
            Some(object) => read(object).map(Some),
            None if self.is_defined().await? => Ok(None),
            None => Err(StoreError::undefined()),
        }
    }

    /// Makes an association for an account that was checked with [`super::check`]; `None` if the account has one
    /// already.
    ///
    /// # Errors
    /// The API server does not make it.
    pub async fn create(
        &self,
        account: AccountName<'_>,
        spec: &Spec,
        notes: Notes<'_>,
        writing: Writing,
    ) -> Result<Option<Association>, StoreError> {
        let annotations: Map<_, _> =
            notes.iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into())).collect();
        let mut object = Map::new();
        if !annotations.is_empty() {
            object.insert("metadata".to_owned(), json!({"annotations": annotations}));
        }
        object.insert("spec".to_owned(), written(spec)?);
        match self.addressed(account, writing).create(&self.client, object).await {
            Ok(object) => read(object).map(Some),
            Err(error) if error.code() == Some(409) && !is_terminating(&error) => Ok(None),
            Err(error) => Err(StoreError::of(error)),
        }
    }

    /// Has an association say this from now on, if it is still as it was read.
    ///
    /// # Errors
    /// The API server does not change it; [`Why::Changed`] if somebody else did.
    pub async fn replace(
        &self,
        read_before: &Association,
        spec: &Spec,
        notes: Notes<'_>,
        writing: Writing,
    ) -> Result<Association, StoreError> {
        let mut object = read_before.object.clone();
        let Some(members) = object.as_object_mut() else { return Err(StoreError::unreadable()) };
        merge(members, spec)?;
        if let Some(metadata) = members.get_mut("metadata").and_then(Value::as_object_mut)
            && !notes.is_empty()
        {
            let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
            if let Some(annotations) = annotations.as_object_mut() {
                let notes = notes.iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into()));
                annotations.extend(notes);
            }
        }
        let account = read_before.account.get();
        let answer = self.addressed(account, writing).replace(&self.client, &object).await;
        answer.map_err(StoreError::of_known).and_then(read)
    }

    /// Deletes an association, if it is still as it was read.
    ///
    /// # Errors
    /// As for [`Store::replace`].
    pub async fn delete(&self, read_before: &Association, writing: Writing) -> Result<(), StoreError> {
        let version = read_before.object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let address = self.addressed(read_before.account.get(), writing);
        let answer = address.delete(&self.client, &read_before.uid, version.unwrap_or_default()).await;
        answer.map_err(StoreError::of_known)
    }

    /// Where a write goes.
    fn addressed(&self, account: AccountName<'_>, writing: Writing) -> Address {
        let address = address(account).warning(self.warned);
        match writing {
            Writing::Real => address,
            Writing::Dry => address.dry(),
        }
    }

    /// Whether the cluster has the kind: that an object is not there is told in the same way.
    async fn is_defined(&self) -> Result<bool, StoreError> {
        let served = kubernetes::served(&self.client, GROUP, PLURAL, VERSION).await;
        served.map(|found| found.is_some()).map_err(StoreError::of_list)
    }
}

fn address(account: AccountName<'_>) -> Address {
    Address::custom((API_VERSION, KIND, PLURAL), account.namespace, account.name)
}

fn logged(warning: &str) {
    tracing::warn!(warning = %Line::new(warning, LONGEST_REASON), "the API server warns");
}

fn written(spec: &Spec) -> Result<Value, StoreError> {
    serde_json::to_value(spec).map_err(|_| StoreError::unreadable())
}

/// The members of `spec` that are known.
pub const MEMBERS: [&str; 6] =
    ["roleArn", "targetRoleArn", "disableSessionTags", "policy", "tags", "clusterName"];

/// Sets the members of `spec`, and takes away those that are known and no longer set.
fn merge(object: &mut Map<String, Value>, spec: &Spec) -> Result<(), StoreError> {
    let mut members = match object.remove("spec") {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.retain(|member, _| !MEMBERS.contains(&member.as_str()));
    if let Value::Object(set) = written(spec)? {
        members.extend(set);
    }
    object.insert("spec".to_owned(), members.into());
    Ok(())
}

fn read(object: Value) -> Result<Association, StoreError> {
    Association::read(object).map_err(|error| StoreError {
        why: Why::Unavailable,
        message: format!("the API server's answer is no association that can be used: {error}"),
    })
}

/// Whether a namespace that is being deleted takes nothing new: told with the code of a name that is taken.
fn is_terminating(error: &ApiError) -> bool {
    error.status().is_some_and(|status| status.reason != "AlreadyExists")
}

impl StoreError {
    fn undefined() -> Self {
        let message = format!(
            "the cluster does not have the kind {KIND} of {GROUP}: install its definition, with the chart's value \
             associations.enabled=true or 'pod-identity-webhook associations definition | kubectl apply -f -'"
        );
        Self { why: Why::Undefined, message }
    }

    fn unreadable() -> Self {
        Self { why: Why::Unavailable, message: "an association could not be written as JSON".to_owned() }
    }

    /// A request for an object that is known to have been there.
    #[allow(clippy::needless_pass_by_value, reason = "as `map_err` has it")]
    fn of_known(error: ApiError) -> Self {
        match error.code() {
            Some(404 | 409) => Self { why: Why::Changed, message: words(&error) },
            _ => Self::of(error),
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "as `map_err` has it")]
    fn of(error: ApiError) -> Self {
        let is_namespace = error
            .status()
            .and_then(|status| status.details.as_ref())
            .is_some_and(|details| details.kind == "namespaces");
        let why = match error.code() {
            Some(401 | 403) if is_namespace_ending(&error) => Why::Invalid,
            Some(401 | 403) => Why::Forbidden,
            Some(404) if is_namespace => Why::NoNamespace,
            Some(404) => return Self::undefined(),
            Some(409) => Why::Changed,
            Some(400 | 413 | 422) => Why::Invalid,
            Some(429) => Why::Busy,
            _ => Why::Unavailable,
        };
        Self { why, message: words(&error) }
    }

    fn of_list(error: WatchError) -> Self {
        match error {
            WatchError::List { source, .. } | WatchError::Discover { source, .. } => Self::of(source),
            error => Self { why: Why::Unavailable, message: error.to_string() },
        }
    }
}

/// Whether the namespace is being deleted: told as forbidden, but no right would help.
fn is_namespace_ending(error: &ApiError) -> bool {
    let causes = error.status().and_then(|status| status.details.as_ref()).map(|details| &details.causes);
    causes.into_iter().flatten().any(|cause| cause.reason == "NamespaceTerminating")
}

/// The API server's own words, or why there are none.
fn words(error: &ApiError) -> String {
    match error.status() {
        Some(status) if !status.message.is_empty() => Line::new(&status.message, LONGEST_REASON).to_string(),
        _ => format!("failed to ask the API server: {error}"),
    }
}
