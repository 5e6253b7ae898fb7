//! How near two names are, for telling a misspelt one.

use alloc::vec::Vec;

/// The longest name that is compared: an annotation's name has no more, and a domain that is longer is no mistake.
const LONGEST: usize = 63;

/// A name of this length may have two changes; others are more likely to be names of their own.
const LONG: usize = 14;

/// Whether a name is nearly the other, but not the same: one change of a character (another, one more, one less, two
/// swapped) away, or two if it is long. Case and `_` for `-` count as no change.
pub(super) fn is_near(written: &str, meant: &str) -> bool {
    is_within(written, meant, if meant.len() < LONG { 1 } else { 2 })
}

/// The same for a domain: `ecs.amazonaws.com` and `eks.amazonaws.com` are two, so the first label has to be the same.
pub(super) fn is_near_domain(written: &str, meant: &str) -> bool {
    let (Some((own, rest)), Some((first, meant))) = (written.split_once('.'), meant.split_once('.')) else {
        return false;
    };
    own == first && is_within(rest, meant, 3)
}

fn is_within(written: &str, meant: &str, changes: usize) -> bool {
    let same = |c: char| if c == '_' { '-' } else { c.to_ascii_lowercase() };
    if written == meant || written.len() > LONGEST {
        return false;
    }
    let (written, meant): (Vec<_>, Vec<_>) = (written.chars().map(same).collect(), meant.chars().collect());
    written.len().abs_diff(meant.len()) <= changes && distance(&written, &meant) <= changes
}

/// The number of changes that make one of the other, each place changed once at most.
/// <https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance>
fn distance(written: &[char], meant: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=meant.len()).collect();
    let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX - 1);
    for (line, one) in written.iter().enumerate() {
        let mut row = Vec::with_capacity(last.len());
        row.push(line + 1);
        for (place, other) in meant.iter().enumerate() {
            let replaced = at(&last, place) + usize::from(one != other);
            let mut fewest = replaced.min(at(&last, place + 1) + 1).min(at(&row, place) + 1);
            let is_swapped = line > 0
                && place > 0
                && written.get(line - 1) == Some(other)
                && meant.get(place - 1) == Some(one);
            if is_swapped {
                fewest = fewest.min(at(&before, place - 1) + 1);
            }
            row.push(fewest);
        }
        before = core::mem::replace(&mut last, row);
    }
    at(&last, meant.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_one_change_away_and_long_ones_two() {
        for written in [
            "rol-arn",
            "role-arns",
            "role-anr",
            "role_arn",
            "Role-ARN",
            "roleArn",
            "rolearn",
            "role-arn\u{200b}",
        ] {
            assert!(is_near(written, "role-arn"), "{written}");
        }
        let long = "r".repeat(100_000);
        for written in ["role-arn", "ecr-role-arn", "node-arn", "role", "", "account-arn", &long] {
            assert!(!is_near(written, "role-arn"), "{written}");
        }
        assert!(is_near("skipp-container", "skip-containers"));
        assert!(!is_near("node-identity", "pod-identity"));
    }

    #[test]
    fn near_domains_begin_with_the_same_label() {
        for written in ["eks.amazonaw.com", "eks.amazonaws.co", "eks.amazon.com", "eks.amazonaws.com.cn"] {
            assert!(is_near_domain(written, "eks.amazonaws.com"), "{written}");
        }
        for written in
            ["eks.amazonaws.com", "ecs.amazonaws.com", "ec2.amazonaws.com", "eks.example.com", "eks", ""]
        {
            assert!(!is_near_domain(written, "eks.amazonaws.com"), "{written}");
        }
    }
}
