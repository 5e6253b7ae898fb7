//! The five calls of associations.

use std::collections::BTreeMap;
use std::time::SystemTime;

use injection::AccountName;

use super::known::Listed;
use super::refused::{refused, violated};
use super::request::{CREATE_REQUEST, Request, UPDATE_REQUEST};
use super::{Api, TRIES};
use crate::association::{self, Association, AssociationId, Spec, Why, Writing};
use crate::eks_endpoint::answer::{Answer, DescribedAssociation};
use crate::eks_endpoint::body::{CreateInput, Edit, UpdateInput};
use crate::eks_endpoint::error::{ErrorName, ServiceError};
use crate::eks_endpoint::page::PageRequest;
use crate::eks_endpoint::route::Filter;

impl Api {
    pub(super) async fn create(&self, input: CreateInput) -> Result<Answer, ServiceError> {
        let request = Request::new(input.client_request_token.as_deref(), input.hash());
        let CreateInput { namespace, service_account, .. } = &input;
        let account = AccountName::new(namespace, service_account);
        let spec = Spec {
            role_arn: input.role_arn.clone(),
            target_role_arn: input.target_role_arn.clone(),
            disable_session_tags: input.disable_session_tags,
            policy: input.policy.clone(),
            tags: input.tags.clone(),
            cluster_name: None,
        };
        association::check(account, &spec).map_err(|violation| violated(&violation))?;
        let notes = request.notes(CREATE_REQUEST, None);
        for _ in 0..TRIES {
            let made = self.store.create(account, &spec, &notes, Writing::Real).await.map_err(refused)?;
            if let Some(made) = made {
                return Ok(self.told(&made));
            }
            // It may be gone again.
            let Some(existing) = self.store.find(account).await.map_err(refused)? else { continue };
            return self.exists(&existing, &request);
        }
        Err(self.contended(account))
    }

    /// The answer to a creation where there is an association already: the same one if it is the same call.
    fn exists(&self, existing: &Association, request: &Request) -> Result<Answer, ServiceError> {
        match request.is_repeated(existing.annotation(CREATE_REQUEST)) {
            Some(true) => return Ok(self.told(existing)),
            Some(false) => return Err(other_parameters()),
            None => {}
        }
        let mut message = format!("Association already exists: {}", existing.id());
        if let Some(other) = existing.spec.cluster_name.as_deref().filter(|_| !self.is_ours(existing)) {
            message = format!("{message} (it is for the cluster {other} and kept in this one)");
        }
        Err(ErrorName::ResourceInUse.error(message).in_cluster(self.name()))
    }

    pub(super) async fn list(&self, filter: &Filter, page: &PageRequest) -> Result<Answer, ServiceError> {
        let kept = page.after.as_ref().and_then(|_| self.known.listed(filter));
        let is_kept = kept.is_some();
        let listed = match kept {
            Some(listed) => listed,
            None => self.listed(filter).await?,
        };
        let (told, next) = page.cut(&listed, |one| (one.namespace.as_str(), one.service_account.as_str()));
        let answer = Answer::associations(told, next.as_deref());
        match next {
            // It is of the moment of its first page, whichever page this is.
            Some(_) if is_kept => {}
            Some(_) => self.known.keep(filter, listed),
            None if is_kept => self.known.drop_list(filter),
            None => {}
        }
        Ok(answer)
    }

    async fn listed(&self, filter: &Filter) -> Result<Listed, ServiceError> {
        let Filter { namespace, service_account } = filter;
        let possible = AccountName::new(
            namespace.as_deref().unwrap_or("any"),
            service_account.as_deref().unwrap_or("any"),
        );
        if !possible.is_possible() {
            return Ok(Listed::default());
        }
        let keep = |one: Association| {
            let AccountName { namespace, name } = one.account.get();
            let is_meant = self.is_ours(&one) && filter.admits(namespace, name);
            is_meant.then(|| {
                self.known.remember(&one);
                // A list tells neither role nor tags, and thousands of them would be kept for its next page.
                DescribedAssociation { tags: BTreeMap::new(), policy: None, ..self.described(&one) }
            })
        };
        let listed = self.store.list(namespace.as_deref(), service_account.as_deref(), keep).await;
        let listed = listed.map_err(|error| {
            let is_forbidden = error.why == Why::Forbidden && namespace.is_none();
            let mut error = refused(error);
            if is_forbidden {
                error
                    .message
                    .push_str("; whoever may list those of one namespace has to name it (--namespace)");
            }
            error
        })?;
        Ok(listed.into())
    }

    pub(super) async fn describe(&self, id: &AssociationId) -> Result<Answer, ServiceError> {
        Ok(self.told(&self.find(id).await?))
    }

    pub(super) async fn update(
        &self,
        id: &AssociationId,
        input: &UpdateInput,
    ) -> Result<Answer, ServiceError> {
        let request = Request::new(input.client_request_token.as_deref(), input.hash());
        let mut last = self.find(id).await?;
        for _ in 0..TRIES {
            let before = last.annotation(UPDATE_REQUEST);
            match request.is_repeated(before) {
                Some(true) => return Ok(self.told(&last)),
                Some(false) => return Err(other_parameters()),
                None => {}
            }
            let spec = changed(&last.spec, input);
            association::check(last.account.get(), &spec).map_err(|violation| violated(&violation))?;
            let notes = request.notes(UPDATE_REQUEST, before);
            match self.store.replace(&last, &spec, &notes, Writing::Real).await {
                Ok(now) => return Ok(self.told(&now)),
                Err(error) if error.why == Why::Changed => last = self.again(id, &last).await?,
                Err(error) => return Err(refused(error)),
            }
        }
        Err(self.contended(last.account.get()))
    }

    pub(super) async fn delete(&self, id: &AssociationId) -> Result<Answer, ServiceError> {
        let mut last = self.find(id).await?;
        for _ in 0..TRIES {
            match self.store.delete(&last, Writing::Real).await {
                Ok(()) => {
                    self.known.forget(id);
                    return Ok(Answer::association(&self.described(&last)));
                }
                Err(error) if error.why == Why::Changed => last = self.again(id, &last).await?,
                Err(error) => return Err(refused(error)),
            }
        }
        Err(self.contended(last.account.get()))
    }

    /// The association with this id.
    pub(super) async fn find(&self, id: &AssociationId) -> Result<Association, ServiceError> {
        if let Some(account) = self.known.account(id) {
            let found = self.store.find(account.get()).await.map_err(refused)?;
            if let Some(found) = found.filter(|found| found.id() == *id && self.is_ours(found)) {
                return Ok(found);
            }
            self.known.forget(id);
        }
        let keep = |one: Association| {
            self.known.remember(&one);
            (one.id() == *id && self.is_ours(&one)).then_some(one)
        };
        let found = match self.store.list(None, None, keep).await {
            // Who may not list all may look where he works.
            Err(error) if error.why == Why::Forbidden => {
                let here = self.store.list(Some(&self.namespace), None, keep).await.map_err(refused)?;
                if here.is_empty() {
                    return Err(refused(error));
                }
                here
            }
            found => found.map_err(refused)?,
        };
        let found = found.into_iter().next();
        found.ok_or_else(|| ServiceError::no_association(self.name(), id.as_str()))
    }

    /// The association as it is now that somebody else has changed it.
    pub(super) async fn again(
        &self,
        id: &AssociationId,
        last: &Association,
    ) -> Result<Association, ServiceError> {
        let found = self.store.find(last.account.get()).await.map_err(refused)?;
        let found = found.filter(|found| found.uid == last.uid);
        found.ok_or_else(|| ServiceError::no_association(self.name(), id.as_str()))
    }

    /// Others change the same association all the time: SDKs try again.
    pub(super) fn contended(&self, account: AccountName<'_>) -> ServiceError {
        let message =
            format!("The association of {account} was changed {TRIES} times in between. Try again.");
        ErrorName::ServiceUnavailable.error(message).in_cluster(self.name())
    }

    fn is_ours(&self, association: &Association) -> bool {
        association.is_for(self.name())
    }

    fn told(&self, association: &Association) -> Answer {
        self.known.remember(association);
        Answer::association(&self.described(association))
    }

    fn described(&self, association: &Association) -> DescribedAssociation {
        let AccountName { namespace, name } = association.account.get();
        let Spec { role_arn, target_role_arn, disable_session_tags, policy, tags, cluster_name: _ } =
            association.spec.clone();
        DescribedAssociation {
            cluster_name: self.name().to_string(),
            namespace: namespace.to_owned(),
            service_account: name.to_owned(),
            association_arn: association.arn(&self.cluster.identity.region, self.name()).to_string(),
            association_id: association.id().to_string(),
            tags,
            created_at: SystemTime::from(association.created),
            modified_at: SystemTime::from(association.modified),
            owner_arn: None,
            disable_session_tags: disable_session_tags.unwrap_or(false),
            external_id: association.external_id(),
            role_arn,
            target_role_arn,
            policy,
        }
    }
}

/// What an association says after an update.
fn changed(spec: &Spec, input: &UpdateInput) -> Spec {
    let UpdateInput { role_arn, client_request_token: _, disable_session_tags, target_role_arn, policy } =
        input;
    let edited = |before: &Option<String>, edit: &Edit| match edit {
        Edit::Keep => before.clone(),
        Edit::Remove => None,
        Edit::Set(text) => Some(text.clone()),
    };
    Spec {
        role_arn: role_arn.clone().unwrap_or_else(|| spec.role_arn.clone()),
        disable_session_tags: disable_session_tags.or(spec.disable_session_tags),
        target_role_arn: edited(&spec.target_role_arn, target_role_arn),
        policy: edited(&spec.policy, policy),
        tags: spec.tags.clone(),
        cluster_name: spec.cluster_name.clone(),
    }
}

fn other_parameters() -> ServiceError {
    ErrorName::InvalidParameter.error("The clientRequestToken was used before with other parameters.")
}
