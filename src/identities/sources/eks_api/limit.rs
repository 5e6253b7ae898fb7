//! A bound on the size of an answer. The SDK has none: it reads the whole answer into memory.

use aws_sdk_eks::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_eks::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_eks::error::BoxError;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

/// Bytes of one page. A hundred associations with the longest possible names take a quarter of it.
const LIMIT: usize = 1 << 20;

/// Breaks off an answer that is longer than the limit.
#[derive(Debug)]
pub(super) struct BodyLimit;

impl Intercept for BodyLimit {
    fn name(&self) -> &'static str {
        "BodyLimit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        *body = SdkBody::from_body_1_x(Limited::new(std::mem::replace(body, SdkBody::taken()), LIMIT));
        Ok(())
    }
}
