//! What kind of node a pod says that it needs: Windows, in three ways, or one without daemons.

use core::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess};

use super::super::json::{Array, Elements, Fold, Judge, Object, skip};

/// The two labels by which a node says its operating system.
const OS_LABELS: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];
const WINDOWS: &str = "windows";
const FARGATE: &str = "fargate";

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

/// The labels of nodes that say what kind they are.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum NodeLabel {
    Os,
    ComputeType,
    Type,
    #[default]
    Other,
}

impl NodeLabel {
    fn of(key: &str) -> Self {
        match key {
            "eks.amazonaws.com/compute-type" => Self::ComputeType,
            "type" => Self::Type,
            _ if OS_LABELS.contains(&key) => Self::Os,
            _ => Self::Other,
        }
    }
}

/// `spec.nodeSelector`: exactly `windows` under one of the two labels, and the labels of nodes without daemons.
pub(super) struct NodeSelectorFold<'f>(pub(super) &'f mut Signs);

impl<'de> Fold<'de> for NodeSelectorFold<'_> {
    const WHAT: &'static str = "a node selector";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let label = map.next_key_seed(Judge::by(NodeLabel::of))?;
        let Self(signs) = self;
        let (sign, wanted) = match label {
            None => return Ok(false),
            Some(NodeLabel::Os) => (&mut signs.node_selector, WINDOWS),
            Some(NodeLabel::ComputeType) => (&mut signs.fargate, FARGATE),
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

/// `spec.affinity`: required node affinity that allows only Windows nodes, or only Fargate. Its terms are
/// alternatives, so each of them must require it.
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
                self.0.affinity = terms.all(terms.windows);
                self.0.fargate |= terms.all(terms.fargate);
            }
            Some(_) => skip(map)?,
        }
        Ok(true)
    }
}

/// How many of the things seen were for nodes of these kinds.
#[derive(Default)]
struct Tally {
    seen: usize,
    windows: usize,
    fargate: usize,
}

impl Tally {
    fn count(&mut self, kinds: Kinds) {
        self.seen += 1;
        self.windows += usize::from(kinds.windows);
        self.fargate += usize::from(kinds.fargate);
    }

    /// Whether something was seen, and all of it was for the kind that was counted so often.
    fn all(&self, counted: usize) -> bool {
        self.seen > 0 && self.seen == counted
    }
}

/// The kinds of nodes that something is for.
#[derive(Default, Clone, Copy)]
struct Kinds {
    windows: bool,
    fargate: bool,
}

struct Terms<'f>(&'f mut Tally);

impl<'de> Elements<'de> for Terms<'_> {
    const WHAT: &'static str = "a list of node selector terms";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut term = TermFold::default();
        let more = seq.next_element_seed(Object(&mut term))?.is_some();
        if more {
            self.0.count(term.0);
        }
        Ok(more)
    }
}

#[derive(Default)]
struct TermFold(Kinds);

impl<'de> Fold<'de> for TermFold {
    const WHAT: &'static str = "a node selector term";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(Step::MatchExpressions) => {
                map.next_value_seed(Array(Expressions(&mut self.0)))?;
            }
            Some(_) => skip(map)?,
        }
        Ok(true)
    }
}

/// The expressions of a term, all of which a node must meet: one that requires a kind is enough.
struct Expressions<'f>(&'f mut Kinds);

impl<'de> Elements<'de> for Expressions<'_> {
    const WHAT: &'static str = "a list of match expressions";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut expression = Expression::default();
        let more = seq.next_element_seed(Object(&mut expression))?.is_some();
        self.0.windows |= expression.says(NodeLabel::Os, expression.values.windows);
        self.0.fargate |= expression.says(NodeLabel::ComputeType, expression.values.fargate);
        Ok(more)
    }
}

#[derive(Default)]
struct Expression {
    key: NodeLabel,
    is_in: bool,
    values: Tally,
}

impl Expression {
    fn says(&self, key: NodeLabel, counted: usize) -> bool {
        self.key == key && self.is_in && self.values.all(counted)
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
                self.key = map.next_value_seed(Judge::by(NodeLabel::of))?;
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
        let kinds = |value: &str| Kinds { windows: value == WINDOWS, fargate: value == FARGATE };
        let value = seq.next_element_seed(Judge::by(kinds))?;
        if let Some(kinds) = value {
            self.0.count(kinds);
        }
        Ok(value.is_some())
    }
}
