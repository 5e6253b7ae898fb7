//! The webhook's settings on objects: where each belongs, and which are written so that they have no effect.
//!
//! Others have names under the same domain too (`ecr-role-arn`, `fargate-profile`, `nodegroup`): only a name
//! that is nearly one of ours is taken for a mistake.

mod distance;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::annotation::{
    AUDIENCE, INJECT_CONTAINERS, Prefix, ROLE_ARN, SKIP_CONTAINERS, STS_REGIONAL_ENDPOINTS, TOKEN_EXPIRATION,
};
use super::excess::TOLD;
use super::go;
use super::text::{Line, Quoted, cut};

/// The domain of the labels: literal, whatever `--annotation-prefix` says.
const LABELS_DOMAIN: &str = "eks.amazonaws.com";

/// How many strays are kept of one object: more would say nothing new, and anyone may write any number.
const KEPT: usize = 4;

/// How often names of one object are compared with settings: anyone may write any number of them, and comparing
/// takes some time. Nobody has 64 names under the webhook's domain.
const COMPARED: usize = 64 * SETTINGS.len();

/// What kind of object bears a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    /// A pod, or the template of pods.
    Pod,
    /// A ServiceAccount.
    ServiceAccount,
    /// A namespace.
    Namespace,
    /// An object that makes pods, such as a Deployment: none of its own settings counts.
    Workload,
}

/// The two kinds of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An annotation.
    Annotation,
    /// A label.
    Label,
}

/// A setting of the webhook.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    name: &'static str,
    form: Form,
    bearers: &'static [Bearer],
}

const SETTINGS: [Setting; 9] = [
    Setting::annotation(ROLE_ARN, &[Bearer::ServiceAccount]),
    Setting::annotation(AUDIENCE, &[Bearer::ServiceAccount]),
    Setting::annotation(STS_REGIONAL_ENDPOINTS, &[Bearer::ServiceAccount]),
    Setting::annotation(TOKEN_EXPIRATION, &[Bearer::ServiceAccount, Bearer::Pod]),
    Setting::annotation(SKIP_CONTAINERS, &[Bearer::Pod]),
    Setting::annotation(INJECT_CONTAINERS, &[Bearer::Pod]),
    Setting::label("require-identity", &[Bearer::Pod, Bearer::Namespace]),
    Setting::label("skip-pod-identity-webhook", &[Bearer::Pod]),
    Setting::label("pod-identity", &[Bearer::Pod]),
];

impl Setting {
    const fn annotation(name: &'static str, bearers: &'static [Bearer]) -> Self {
        Self { name, form: Form::Annotation, bearers }
    }

    const fn label(name: &'static str, bearers: &'static [Bearer]) -> Self {
        Self { name, form: Form::Label, bearers }
    }

    fn domain<'p>(&self, prefix: &'p Prefix) -> &'p str {
        match self.form {
            Form::Annotation => prefix.as_str(),
            Form::Label => LABELS_DOMAIN,
        }
    }
}

/// A setting that has no effect where it stands, or as it is written. Display is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    bearer: Bearer,
    form: Form,
    /// The name as it is written, with its domain if that is not the right one.
    name: Box<str>,
    fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// It counts on another kind of object, or in the other form.
    Misplaced(&'static Setting),
    /// It is nearly this setting.
    Misspelt(&'static Setting),
    /// It is this setting under another domain.
    Domain(&'static Setting),
    /// Its value is none that counts.
    Value { value: Box<str>, right: &'static str },
}

/// The strays of one object: the first few.
#[derive(Debug, Clone, Default)]
pub struct Strays {
    kept: Vec<Stray>,
    compared: usize,
}

impl Strays {
    /// Notes a label or an annotation whose name has no effect there; other people's are passed over.
    pub fn key(&mut self, prefix: &Prefix, bearer: Bearer, form: Form, key: &str) {
        let Some((domain, name)) = key.split_once('/') else {
            return;
        };
        let stray = |name: &str, fault| Stray { bearer, form, name: cut(name, TOLD).into(), fault };
        let exact = SETTINGS.iter().find(|setting| setting.name == name);
        if domain != prefix.as_str() && domain != LABELS_DOMAIN {
            let meant = exact
                .filter(|setting| self.compares(|| distance::is_near_domain(domain, setting.domain(prefix))));
            return self.note(meant.map(|setting| stray(key, Fault::Domain(setting))));
        }
        if let Some(setting) = exact.filter(|setting| setting.domain(prefix) == domain) {
            let counts = setting.form == form && setting.bearers.contains(&bearer);
            return self.note((!counts).then(|| stray(name, Fault::Misplaced(setting))));
        }
        // Labels keep their domain, whatever that of the annotations; under the usual one another webhook may have
        // its annotations.
        if let Some(setting) = exact.filter(|setting| setting.form == Form::Label) {
            return self.note(Some(stray(key, Fault::Domain(setting))));
        }
        let mut own = SETTINGS.iter().filter(|setting| setting.domain(prefix) == domain);
        let meant = own.find(|setting| self.compares(|| distance::is_near(name, setting.name)));
        self.note(meant.map(|setting| stray(name, Fault::Misspelt(setting))));
    }

    /// Whether a name is nearly another one, as long as not too many were compared.
    fn compares(&mut self, is_near: impl FnOnce() -> bool) -> bool {
        let is_left = self.kept.len() < KEPT && self.compared < COMPARED;
        self.compared += 1;
        is_left && is_near()
    }

    /// Keeps a stray, if there is one and room for it. What guards a pod, or does not, has room before the rest.
    pub fn note(&mut self, stray: Option<Stray>) {
        if self.kept.len() == KEPT && stray.as_ref().is_some_and(Stray::is_require_label) {
            self.kept.pop();
        }
        if self.kept.len() < KEPT {
            self.kept.extend(stray);
        }
    }

    /// What was noted.
    pub fn iter(&self) -> impl Iterator<Item = &Stray> {
        self.kept.iter()
    }

    /// What was noted, for many to share; `None` if there is nothing.
    #[must_use]
    pub fn shared(self) -> Option<Arc<[Stray]>> {
        (!self.kept.is_empty()).then(|| self.kept.into())
    }

    /// The bytes of memory that their texts take.
    pub(super) fn weight(&self) -> usize {
        self.kept.iter().map(|Stray { name, fault, .. }| name.len() + fault.weight()).sum()
    }
}

impl Fault {
    fn weight(&self) -> usize {
        match self {
            Self::Value { value, .. } => value.len(),
            Self::Misplaced(_) | Self::Misspelt(_) | Self::Domain(_) => 0,
        }
    }
}

impl Stray {
    /// The value of a pod's or namespace's label `require-identity`, if it is neither `true` nor `false`.
    #[must_use]
    pub fn of_require_label(bearer: Bearer, value: &str) -> Option<Self> {
        let right = "only \"true\" requires an identity";
        (!matches!(value, "true" | "false"))
            .then(|| Self::value(bearer, Form::Label, "require-identity", value, right))
    }

    /// The value of a pod's label `pod-identity`, if it is not `enabled`.
    #[must_use]
    pub fn of_pod_identity_label(value: &str) -> Option<Self> {
        let right = "only \"enabled\" counts";
        (value != "enabled").then(|| Self::value(Bearer::Pod, Form::Label, "pod-identity", value, right))
    }

    /// The value of a ServiceAccount's `sts-regional-endpoints`, if it is no boolean.
    #[must_use]
    pub fn of_sts_annotation(value: &str) -> Option<Self> {
        let right = "it has to be true or false";
        let (bearer, form) = (Bearer::ServiceAccount, Form::Annotation);
        go::boolean(value).is_none().then(|| Self::value(bearer, form, STS_REGIONAL_ENDPOINTS, value, right))
    }

    fn value(bearer: Bearer, form: Form, name: &str, value: &str, right: &'static str) -> Self {
        Self {
            bearer,
            form,
            name: name.into(),
            fault: Fault::Value { value: cut(value, TOLD).into(), right },
        }
    }

    fn is_require_label(&self) -> bool {
        matches!(self.fault, Fault::Value { .. }) && &*self.name == "require-identity"
    }

    /// Whether it is the pod's label `pod-identity`, whose value the webhook replaces if there is an association.
    #[must_use]
    pub fn is_pod_identity_label(&self) -> bool {
        matches!(self.fault, Fault::Value { .. }) && &*self.name == "pod-identity"
    }
}

impl fmt::Display for Bearer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pod => "pod",
            Self::ServiceAccount => "ServiceAccount",
            Self::Namespace => "namespace",
            Self::Workload => "workload",
        })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Annotation => "annotation",
            Self::Label => "label",
        })
    }
}

impl fmt::Display for Setting {
    /// What it is: "a label of pods".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.form == Form::Label { "a label" } else { "an annotation" })?;
        for (place, bearer) in self.bearers.iter().enumerate() {
            write!(f, " {} {bearer}s", if place == 0 { "of" } else { "and" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bearer, form, name, fault } = self;
        let name = Line::new(name, TOLD);
        match fault {
            Fault::Misplaced(setting) => {
                write!(f, "{bearer} {form} {name} has no effect: it is {setting}")?;
                if *bearer == Bearer::Workload && setting.bearers.contains(&Bearer::Pod) {
                    f.write_str(", so it belongs in the pod template")?;
                }
                Ok(())
            }
            Fault::Misspelt(meant) => {
                write!(f, "{bearer} {form} {name} has no effect: did you mean {}, {meant}?", meant.name)
            }
            Fault::Domain(meant) => {
                write!(
                    f,
                    "{bearer} {form} {name} has no effect: its domain is not that of {}, {meant}",
                    meant.name
                )
            }
            Fault::Value { value, right } => {
                let value = Quoted::new(value, TOLD);
                write!(f, "{bearer} {form} {name} {value} has no effect: {right}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
