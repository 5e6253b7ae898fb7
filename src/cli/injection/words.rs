//! Values that are one of a few words, which the types themselves define.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use injection::policy::PolicyMode;
use injection::role::RoleArnValidation;

/// Parses `--role-arn-validation`.
pub(super) fn role_arn_validation() -> impl TypedValueParser<Value = RoleArnValidation> {
    one_of(RoleArnValidation::ALL, RoleArnValidation::as_str)
}

/// Parses `--role-policy-mode`.
pub(crate) fn policy_mode() -> impl TypedValueParser<Value = PolicyMode> {
    one_of(PolicyMode::ALL, PolicyMode::as_str)
}

fn one_of<T: Copy + Send + Sync + 'static, const N: usize>(
    all: [T; N],
    word: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let value = move |text: String| all.into_iter().find(|value| word(*value) == text);
    // Other words were refused by the list before.
    PossibleValuesParser::new(all.map(word)).try_map(move |text| value(text).ok_or("unknown value"))
}
