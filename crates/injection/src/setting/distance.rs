//! How near two names are, for telling a misspelt one.

use alloc::vec::Vec;

/// The most changes of one character (another, one more, one less, two swapped) between a name and what was meant.
const NEAR: usize = 2;

/// The longest name that is compared: an annotation's name has no more.
const LONGEST: usize = 63;

/// Whether a name is nearly the other, but not the same. Case and `_` for `-` count as no change.
pub(super) fn is_near(written: &str, meant: &str) -> bool {
    let same = |c: char| if c == '_' { '-' } else { c.to_ascii_lowercase() };
    if written == meant || written.len() > LONGEST || written.len().abs_diff(meant.len()) > NEAR {
        return false;
    }
    let (written, meant): (Vec<_>, Vec<_>) = (written.chars().map(same).collect(), meant.chars().collect());
    distance(&written, &meant) <= NEAR
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
    fn near_names_are_two_changes_away_at_most() {
        for written in
            ["rol-arn", "role-arns", "role-anr", "role_arn", "Role-ARN", "roleArn", "rolearn", "orle-anr"]
        {
            assert!(is_near(written, "role-arn"), "{written}");
        }
        let long = "r".repeat(100_000);
        for written in ["role-arn", "ecr-role-arn", "role", "", "account-arn", "roles-arns-x", &long] {
            assert!(!is_near(written, "role-arn"), "{written}");
        }
    }
}
