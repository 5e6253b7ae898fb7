//! A role policy takes roles away and nothing else: what it allows is as if there were none.

use injection::name::NameGlob;
use injection::policy::{ActivePolicy, PolicyMode, RoleGlob, RolePolicy, Rule};
use injection::{Grant, Outcome};
use proptest::prelude::*;

use super::case::{Admitted, Case, case};
use super::cases;

/// What comes of a case before a policy.
fn before(case: &Case, policy: &RolePolicy, mode: PolicyMode) -> Admitted {
    case.admit_before(ActivePolicy { policy, mode, file: "policy.yaml" })
}

fn all() -> RolePolicy {
    let rule = Rule {
        namespaces: vec![NameGlob::of_namespaces("*").unwrap()],
        service_accounts: None,
        roles: vec![RoleGlob::new("*").unwrap()],
    };
    [rule].into_iter().collect()
}

/// Whether a patch adds the role.
fn injects_a_role(admitted: &Admitted) -> bool {
    admitted.patch.as_deref().is_some_and(|patch| String::from_utf8_lossy(patch).contains("\"AWS_ROLE_ARN\""))
}

fn is_same(one: &Admitted, other: &Admitted) -> bool {
    let parts = |admitted: &Admitted| (admitted.patch.clone(), admitted.warnings.clone(), admitted.outcome);
    parts(one) == parts(other)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_is_allowed_is_as_if_there_were_no_policy(case in case()) {
        for mode in PolicyMode::ALL {
            prop_assert!(is_same(&before(&case, &all(), mode), &case.admit()));
        }
    }

    #[test]
    fn a_policy_that_warns_adds_a_warning_and_nothing_else(case in case()) {
        let (plain, judged) = (case.admit(), before(&case, &RolePolicy::default(), PolicyMode::Warn));
        prop_assert_eq!(&plain.patch, &judged.patch);
        let is_warned = judged.outcome == Outcome::RolePolicyWarned;
        prop_assert_eq!(injects_a_role(&plain), is_warned);
        prop_assert_eq!(judged.warnings.len(), plain.warnings.len() + usize::from(is_warned));
        prop_assert!(is_warned || plain.outcome == judged.outcome);
    }
}

proptest! {
    // One in two hundred is an ephemeral container that would get a role.
    #![proptest_config(cases(1000))]

    #[test]
    fn no_role_gets_past_a_policy_that_allows_none(case in case()) {
        let (plain, judged) = (case.admit(), before(&case, &RolePolicy::default(), PolicyMode::Enforce));
        prop_assert!(!injects_a_role(&judged));
        let withheld = matches!(judged.outcome, Outcome::RolePolicyDenied | Outcome::RolePolicyWithheld);
        // A role that would be injected, and nothing else, is what is withheld.
        prop_assert_eq!(injects_a_role(&plain), withheld);
        if withheld {
            prop_assert!(judged.patch.is_none() && matches!(case.grant, Grant::Role(_)));
        } else {
            prop_assert!(is_same(&plain, &judged));
        }
    }
}
