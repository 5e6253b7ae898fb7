//! The three calls of tags.

use std::collections::BTreeMap;

use super::refused::{of_tags, refused, violated};
use super::{Api, TRIES};
use crate::association::{Association, AssociationArn, Spec, Why, Writing, check_tags};
use crate::eks_endpoint::answer::Answer;
use crate::eks_endpoint::body::TagInput;
use crate::eks_endpoint::error::{ErrorName, ServiceError};

impl Api {
    pub(super) async fn tag(&self, arn: &AssociationArn, input: TagInput) -> Result<Answer, ServiceError> {
        let TagInput { tags } = input;
        self.change_tags(arn, |before| before.extend(tags.clone())).await
    }

    pub(super) async fn untag(&self, arn: &AssociationArn, keys: &[String]) -> Result<Answer, ServiceError> {
        self.change_tags(arn, |before| before.retain(|key, _| !keys.contains(key))).await
    }

    pub(super) async fn tags(&self, arn: &AssociationArn) -> Result<Answer, ServiceError> {
        Ok(Answer::tags(&self.tagged(arn).await?.spec.tags))
    }

    async fn change_tags(
        &self,
        arn: &AssociationArn,
        change: impl Fn(&mut BTreeMap<String, String>),
    ) -> Result<Answer, ServiceError> {
        let mut last = self.tagged(arn).await?;
        for _ in 0..TRIES {
            let mut tags = last.spec.tags.clone();
            change(&mut tags);
            check_tags(&tags).map_err(|violation| of_tags(violated(&violation)))?;
            if tags == last.spec.tags {
                return Ok(Answer::empty());
            }
            let spec = Spec { tags, ..last.spec.clone() };
            match self.store.replace(&last, &spec, &[], Writing::Real).await {
                Ok(_) => return Ok(Answer::empty()),
                Err(error) if error.why == Why::Changed => {
                    last = self.again(&arn.id, &last).await.map_err(of_tags)?;
                }
                Err(error) => return Err(of_tags(refused(error))),
            }
        }
        Err(of_tags(self.contended(last.account.get())))
    }

    /// The association that an ARN names. Its region and account are not compared: they are no part of the object, and
    /// another endpoint may have shown others.
    async fn tagged(&self, arn: &AssociationArn) -> Result<Association, ServiceError> {
        if arn.cluster != *self.name() {
            let message = format!("{arn} is of the cluster {}, and this is {}.", arn.cluster, self.name());
            return Err(ErrorName::NotFound.error(message));
        }
        self.find(&arn.id).await.map_err(of_tags)
    }
}
