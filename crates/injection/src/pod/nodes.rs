//! The three ways in which a pod says that it needs a Windows node.

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess};

use super::super::json::{Array, Elements, Fold, Judge, Object, skip};

/// The two labels by which a node says its operating system.
const OS_LABELS: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];
const WINDOWS: &str = "windows";

/// Which of the three signs were seen.
#[derive(Debug, Default)]
pub(super) struct Signs {
    node_selector: bool,
    os_name: bool,
    affinity: bool,
}

impl Signs {
    pub(super) fn any(&self) -> bool {
        self.node_selector || self.os_name || self.affinity
    }
}

/// `spec.nodeSelector`: exactly `windows` under one of the two labels.
pub(super) struct NodeSelectorFold<'f>(pub(super) &'f mut Signs);

impl<'de> Fold<'de> for NodeSelectorFold<'_> {
    const WHAT: &'static str = "a node selector";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key_seed(Judge::by(|key| OS_LABELS.contains(&key)))? {
            None => return Ok(false),
            Some(true) => self.0.node_selector |= map.next_value_seed(Judge::by(|value| value == WINDOWS))?,
            Some(false) => skip(map)?,
        }
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
