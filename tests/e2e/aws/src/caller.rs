//! Whose credentials signed a request: what `GetCallerIdentity` answers, and who asks in `AssumeRole`.

use std::sync::Arc;

use crate::refusal::Refusal;
use crate::role::RoleArn;
use crate::sessions::{Session, Sessions};
use crate::sigv4::{Authorization, Request, header};

/// A role's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub arn: String,
    /// The role's unique id and the session's name.
    pub user_id: String,
    /// The role's account.
    pub account: String,
}

impl Caller {
    /// The session of that name.
    #[must_use]
    pub fn of(role: &RoleArn, session_name: &str) -> Self {
        Self {
            arn: role.session(session_name),
            user_id: format!("{}:{session_name}", role.unique_id()),
            account: role.account().to_owned(),
        }
    }
}

/// The session whose credentials, issued here, signed the request for this service.
pub fn identify(
    request: &Request<'_>,
    service: &str,
    sessions: &Sessions,
    now: i64,
) -> Result<Arc<Session>, Refusal> {
    let authorization = Authorization::parse(request.headers)?;
    let session_token = header(request.headers, "x-amz-security-token").unwrap_or_default();
    let session = sessions.find(authorization.access_key_id, session_token, now)?;
    authorization.verify(request, service, &session.credentials.secret_access_key, now)?;
    Ok(session)
}
