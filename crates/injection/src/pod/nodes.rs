//! What kind of node a pod says that it needs: Windows, in three ways, or one without daemons.

use core::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess};

use super::super::json::{Array, Elements, Fold, Judge, Object, skip};

/// The two labels by which a node says its operating system.
const OS_LABELS: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];
const WINDOWS: &str = "windows";

/// Label that EKS puts on a pod that it will run on Fargate, with the profile's name.
pub(super) const FARGATE_PROFILE: &str = "eks.amazonaws.com/fargate-profile";

/// The scheduler that EKS puts into such a pod.
const FARGATE_SCHEDULER: &str = "fargate-scheduler";

/// A kind of node on which no daemon can run, or not the agent of EKS Pod Identity.
/// <https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agentless {
    /// Fargate runs no daemons.
    Fargate,
    /// A virtual kubelet runs no daemons.
    VirtualKubelet,
    /// AWS has no agent for Windows.
    Windows,
}

impl fmt::Display for Agentless {
    /// The nodes, in words.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Fargate => "Fargate",
            Self::VirtualKubelet => "a virtual kubelet",
            Self::Windows => "Windows nodes",
        })
    }
}

/// Which signs were seen.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of its own in the pod")]
pub(super) struct Signs {
    node_selector: bool,
    os_name: bool,
    affinity: bool,
    fargate: bool,
    virtual_kubelet: bool,
}

impl Signs {
    pub(super) fn is_windows(&self) -> bool {
        self.node_selector || self.os_name || self.affinity
    }

    pub(super) fn agentless(&self) -> Option<Agentless> {
        match self {
            Self { fargate: true, .. } => Some(Agentless::Fargate),
            Self { virtual_kubelet: true, .. } => Some(Agentless::VirtualKubelet),
            _ => self.is_windows().then_some(Agentless::Windows),
        }
    }

    /// Notes `spec.schedulerName`.
    pub(super) fn scheduler(&mut self, name: &str) {
        self.fargate |= name == FARGATE_SCHEDULER;
    }

    /// Notes the label of a Fargate profile.
    pub(super) fn fargate_profile(&mut self) {
        self.fargate = true;
    }
}

/// The keys of a node selector that say what kind of node it is.
#[derive(Default)]
enum NodeLabel {
    Os,
    ComputeType,
    Type,
    #[default]
    Other,
}

/// `spec.nodeSelector`: exactly `windows` under one of the two labels, and the labels of nodes without daemons.
pub(super) struct NodeSelectorFold<'f>(pub(super) &'f mut Signs);

impl<'de> Fold<'de> for NodeSelectorFold<'_> {
    const WHAT: &'static str = "a node selector";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let label = map.next_key_seed(Judge::by(|key| match key {
            "eks.amazonaws.com/compute-type" => NodeLabel::ComputeType,
            "type" => NodeLabel::Type,
            _ if OS_LABELS.contains(&key) => NodeLabel::Os,
            _ => NodeLabel::Other,
        }))?;
        let Self(signs) = self;
        let (sign, wanted) = match label {
            None => return Ok(false),
            Some(NodeLabel::Os) => (&mut signs.node_selector, WINDOWS),
            Some(NodeLabel::ComputeType) => (&mut signs.fargate, "fargate"),
            Some(NodeLabel::Type) => (&mut signs.virtual_kubelet, "virtual-kubelet"),
            Some(NodeLabel::Other) => return skip(map).map(|()| true),
        };
        *sign |= map.next_value_seed(Judge::by(|value| value == wanted))?;
        Ok(true)
    }
}

/// `spec.os`: the name `windows`.
pub(super) struct OsFold<'f>(pub(super) &'f mut Signs);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum OsField {
    Name,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for OsFold<'_> {
    const WHAT: &'static str = "a pod's os";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(OsField::Name) => {
                self.0.os_name |= map.next_value_seed(Judge::by(|name| name == WINDOWS))?;
            }
            Some(OsField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

/// `spec.affinity`: required node affinity that allows only Windows nodes. Its terms are
/// alternatives, so each of them must require Windows.
pub(super) struct AffinityFold<'f>(pub(super) &'f mut Signs);

/// The members on the way from `affinity` to the expressions.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Step {
    NodeAffinity,
    RequiredDuringSchedulingIgnoredDuringExecution,
    NodeSelectorTerms,
    MatchExpressions,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for AffinityFold<'_> {
    const WHAT: &'static str = "an affinity";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(Step::NodeAffinity) => {
                map.next_value_seed(Object(&mut NodeAffinityFold(self.0)))?;
            }
            Some(_) => skip(map)?,
        }
        Ok(true)
    }
}

struct NodeAffinityFold<'f>(&'f mut Signs);

impl<'de> Fold<'de> for NodeAffinityFold<'_> {
    const WHAT: &'static str = "a node affinity";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(Step::RequiredDuringSchedulingIgnoredDuringExecution) => {
                map.next_value_seed(Object(&mut RequiredFold(self.0)))?;
            }
            Some(_) => skip(map)?,
        }
        Ok(true)
    }
}

struct RequiredFold<'f>(&'f mut Signs);

impl<'de> Fold<'de> for RequiredFold<'_> {
    const WHAT: &'static str = "a required node affinity";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(Step::NodeSelectorTerms) => {
                let mut terms = Tally::default();
                map.next_value_seed(Array(Terms(&mut terms)))?;
                self.0.affinity = terms.all_of_some();
            }
            Some(_) => skip(map)?,
        }
        Ok(true)
    }
}

/// How many of the things seen were for Windows.
#[derive(Default)]
struct Tally {
    seen: usize,
    windows: usize,
}

impl Tally {
    fn count(&mut self, windows: bool) {
        self.seen += 1;
        self.windows += usize::from(windows);
    }

    fn all_of_some(&self) -> bool {
        self.seen > 0 && self.seen == self.windows
    }
}

struct Terms<'f>(&'f mut Tally);

impl<'de> Elements<'de> for Terms<'_> {
    const WHAT: &'static str = "a list of node selector terms";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut term = TermFold { windows: false };
        let more = seq.next_element_seed(Object(&mut term))?.is_some();
        if more {
            self.0.count(term.windows);
        }
        Ok(more)
    }
}

struct TermFold {
    windows: bool,
}

impl<'de> Fold<'de> for TermFold {
    const WHAT: &'static str = "a node selector term";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(Step::MatchExpressions) => {
                map.next_value_seed(Array(Expressions(&mut self.windows)))?;
            }
            Some(_) => skip(map)?,
        }
        Ok(true)
    }
}

/// The expressions of a term, all of which a node must meet: one that requires Windows is enough.
struct Expressions<'f>(&'f mut bool);

impl<'de> Elements<'de> for Expressions<'_> {
    const WHAT: &'static str = "a list of match expressions";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut expression = Expression::default();
        let more = seq.next_element_seed(Object(&mut expression))?.is_some();
        *self.0 |= expression.says_windows();
        Ok(more)
    }
}

#[derive(Default)]
struct Expression {
    is_os: bool,
    is_in: bool,
    values: Tally,
}

impl Expression {
    fn says_windows(&self) -> bool {
        self.is_os && self.is_in && self.values.all_of_some()
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ExpressionField {
    Key,
    Operator,
    Values,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for Expression {
    const WHAT: &'static str = "a match expression";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(ExpressionField::Key) => {
                self.is_os = map.next_value_seed(Judge::by(|key| OS_LABELS.contains(&key)))?;
            }
            Some(ExpressionField::Operator) => {
                self.is_in = map.next_value_seed(Judge::by(|operator| operator == "In"))?;
            }
            Some(ExpressionField::Values) => {
                map.next_value_seed(Array(Values(&mut self.values)))?;
            }
            Some(ExpressionField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct Values<'f>(&'f mut Tally);

impl<'de> Elements<'de> for Values<'_> {
    const WHAT: &'static str = "a list of values";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let value = seq.next_element_seed(Judge::by(|value| value == WINDOWS))?;
        if let Some(windows) = value {
            self.0.count(windows);
        }
        Ok(value.is_some())
    }
}
