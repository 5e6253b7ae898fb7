//! Whether the role that a plan injects is one, and whether the role policy allows it: what is not
//! injected is nobody's business here.

use super::super::denial::Denial;
use super::super::grant::RoleSource;
use super::super::policy::{Effect, Guard, Judgement, PolicyMode, Ruling};
use super::super::role::{self, RoleArnValidation};
use super::super::warning::Warning;
use super::credentials::Credentials;
use super::{ContainerPlan, Plan};

/// Whose containers a plan is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    /// A pod's that is being made.
    NewPod,
    /// Ephemeral ones, of a pod that runs.
    RunningPod,
}

impl Plan<'_> {
    /// The role that is injected; `None` where every container has credentials of its own: then a role is
    /// of no interest.
    fn role(&self) -> Option<(&str, RoleSource)> {
        match &self.values.credentials {
            Credentials::Role { arn, source } => {
                self.containers.iter().any(ContainerPlan::gets_credentials).then_some((&**arn, *source))
            }
            Credentials::Agent(_) => None,
        }
    }

    /// Whether the role is one by its ARN.
    pub(super) fn check_role(&mut self, validation: RoleArnValidation) {
        let Some((arn, source)) = self.role() else {
            return;
        };
        let Err(error) = role::check(arn) else {
            return;
        };
        let role_arn = arn.to_owned();
        match validation {
            RoleArnValidation::Off => {}
            RoleArnValidation::Warn => self.warnings.push(Warning::RoleArn { role_arn, error, source }),
            RoleArnValidation::Enforce => {
                self.refuse(Denial::RoleArn { role_arn, error, source });
            }
        }
    }

    /// Has the role policy judge the role, unless the pod is refused already.
    pub(super) fn ask(&mut self, guard: Guard<'_>, whose: Whose) {
        let Guard { policy, mode, file, namespace, account } = guard;
        let Some((arn, source)) = self.role().filter(|_| self.denial.is_none()) else {
            return;
        };
        let ruling = policy.judge(namespace, account, arn);
        let Ruling::Forbidden(why) = ruling.clone() else {
            self.judgement = Some(Judgement { ruling, effect: Effect::Passed });
            return;
        };
        let (role_arn, account) = (arn.to_owned(), format!("{namespace}/{account}"));
        let effect = match (mode, whose) {
            (PolicyMode::Warn, _) => {
                self.warnings.push(Warning::RolePolicy { role_arn, account, why });
                Effect::Warned
            }
            (PolicyMode::Enforce, Whose::NewPod) => {
                self.refuse(Denial::RolePolicy { role_arn, source, file: file.to_owned(), why });
                Effect::Denied
            }
            (PolicyMode::Enforce, Whose::RunningPod) => {
                let gone = self.containers.drain(..).filter(ContainerPlan::gets_credentials);
                let containers: Vec<_> = gone.map(|plan| plan.container.name.to_string()).collect();
                let containers = containers.join(", ");
                self.warnings = vec![Warning::RoleWithheld { containers, role_arn, account, why }];
                Effect::Withheld
            }
        };
        self.judgement = Some(Judgement { ruling, effect });
    }

    /// The role that the role policy does not allow, and why, whatever came of it.
    #[must_use]
    pub fn forbidden(&self) -> Option<String> {
        let Credentials::Role { arn, .. } = &self.values.credentials else {
            return None;
        };
        match &self.judgement.as_ref()?.ruling {
            Ruling::Forbidden(why) => Some(format!("{arn}: {why}")),
            Ruling::Allowed { .. } => None,
        }
    }
}
