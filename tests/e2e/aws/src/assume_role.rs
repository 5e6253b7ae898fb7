//! `AssumeRole`: a session of one role asks for another role, with tags and an external id.

use std::time::Duration;

use crate::authority::{Authority, Issued, NewSession};
use crate::query::{Parameters, invalid};
use crate::refusal::Refusal;
use crate::role::RoleArn;
use crate::sessions::Session;
use crate::tags::Tags;
use crate::trust::{Action, Asker, Principal, Roles};

/// A session that was got with another session's credentials lasts an hour at most.
const LONGEST_CHAINED: Duration = Duration::from_hours(1);

/// Parameters of `AssumeRole`.
#[derive(Debug)]
pub struct AssumeRole {
    /// `RoleArn`.
    pub role: RoleArn,
    /// `RoleSessionName`.
    pub session_name: String,
    /// `DurationSeconds`, an hour if absent.
    pub duration: Duration,
    /// `ExternalId`.
    pub external_id: Option<String>,
    /// `Policy`, a JSON object.
    pub policy: Option<String>,
    /// `Tags` and `TransitiveTagKeys`.
    pub tags: Tags,
}

impl AssumeRole {
    /// Reads the parameters, within their limits. All credentials that there are to sign this call with are a
    /// role's, so the limit of chained roles is everyone's.
    pub fn parse(parameters: &Parameters, shortest: Duration) -> Result<Self, Refusal> {
        let duration = parameters.duration(shortest)?;
        if duration > LONGEST_CHAINED {
            return Err(Refusal::Validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
                 chaining."
                    .to_owned(),
            ));
        }
        Ok(Self {
            role: parameters.role()?,
            session_name: parameters.session_name()?,
            duration,
            external_id: external_id(parameters)?,
            policy: parameters.policy()?,
            tags: Tags::parse(parameters)?,
        })
    }
}

impl Authority {
    /// Asks the role's trust policy: for the role, and for the tags if the session is going to have any. Those
    /// that it inherits count too.
    pub fn assume_role(&self, call: &AssumeRole, caller: &Session, now: i64) -> Result<Issued, Refusal> {
        let AssumeRole { role, session_name, duration, external_id, policy: _, tags } = call;
        let external_id = external_id.iter().map(|id| ("sts:ExternalId".to_owned(), id.clone()));
        let asker = Asker {
            principal: Principal::Role(&caller.role),
            values: tags.condition_values().chain(external_id).collect(),
        };
        let tags = tags.inherit(&caller.tags)?;
        let tagging = (!tags.is_empty()).then_some(Action::TagSession);
        let roles = Roles::read(&self.roles)?;
        for action in [Action::AssumeRole].into_iter().chain(tagging) {
            if !roles.allow(role, action, &asker) {
                return Err(Refusal::AccessDenied(format!(
                    "User: {} is not authorized to perform: {} on resource: {}",
                    caller.caller.arn,
                    action.as_str(),
                    role.as_str()
                )));
            }
        }
        self.issue(NewSession { role, name: session_name, duration: *duration, tags }, now)
    }
}

fn external_id(parameters: &Parameters) -> Result<Option<String>, Refusal> {
    let Some(id) = parameters.optional("ExternalId", 2..=1224)? else { return Ok(None) };
    let is_known = |character: char| character.is_ascii_alphanumeric() || "_+=,.@:/-".contains(character);
    if !id.chars().all(is_known) {
        return Err(invalid(
            "externalId",
            "Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*",
        ));
    }
    Ok(Some(id.to_owned()))
}
