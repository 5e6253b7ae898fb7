//! Values that are one of a few words: the words are the types' own.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::injection::policy::PolicyMode;
use crate::injection::role::RoleArnValidation;

impl ValueEnum for RoleArnValidation {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl ValueEnum for PolicyMode {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}
