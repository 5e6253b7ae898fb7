//! Which entries of the input are meant, each account once.

use std::collections::HashMap;

use super::entry::{Entry, Reading, Unusable};

/// Which entries are meant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Selection<'a> {
    /// Only those of this namespace.
    pub(super) namespace: Option<&'a str>,
    /// Only those of this EKS cluster, or of none that is known.
    pub(super) cluster: Option<&'a str>,
}

/// The entries that are meant.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub(super) entries: Vec<Entry>,
    pub(super) unusable: Vec<Unusable>,
    /// How many are of other namespaces, and of other EKS clusters.
    other_namespaces: usize,
    other_clusters: usize,
}

impl Selected {
    /// Those of the input that are meant.
    pub(super) fn of(readings: Vec<Reading>, selection: Selection<'_>) -> Self {
        let mut selected = Self::default();
        let mut known: HashMap<_, usize> = HashMap::new();
        for reading in readings {
            let entry = match reading {
                Ok(entry) => entry,
                Err(unusable) => {
                    selected.unusable.push(unusable);
                    continue;
                }
            };
            if selection.namespace.is_some_and(|namespace| namespace != entry.account.get().namespace) {
                selected.other_namespaces += 1;
                continue;
            }
            let is_other = |cluster| entry.cluster.as_deref().is_some_and(|of| of != cluster);
            if selection.cluster.is_some_and(is_other) {
                selected.other_clusters += 1;
                continue;
            }
            let first = known.get(&entry.account).and_then(|place| selected.entries.get(*place));
            match first {
                None => {
                    known.insert(entry.account.clone(), selected.entries.len());
                    selected.entries.push(entry);
                }
                // The same twice is one.
                Some(first) if first.spec == entry.spec => {}
                Some(first) => {
                    let (account, place) = (entry.account.get(), &first.place);
                    let why = format!(
                        "it says something else of {account} than {place}, which counts: choose one EKS cluster with \
                         --of-cluster, or leave one of the two out"
                    );
                    selected.unusable.push(Unusable { place: entry.place, why });
                }
            }
        }
        selected
    }

    /// What was left out as it was asked for, for the summary.
    pub(super) fn skipped(&self) -> String {
        let counts =
            [(self.other_namespaces, "other namespaces"), (self.other_clusters, "other EKS clusters")];
        let skipped = counts.iter().filter(|(count, _)| *count > 0);
        skipped.map(|(count, what)| format!(", {count} of {what} skipped")).collect::<Vec<_>>().concat()
    }
}

#[cfg(test)]
mod tests {
    use injection::AccountName;

    use super::*;
    use crate::association::Spec;

    fn entry(place: &str, namespace: &str, cluster: Option<&str>, role: &str) -> Entry {
        Entry {
            place: place.to_owned(),
            account: AccountName::new(namespace, "orders").into_owned(),
            spec: Spec { role_arn: role.to_owned(), ..Spec::default() },
            cluster: cluster.map(str::to_owned),
            is_own: false,
        }
    }

    fn places(selected: &Selected) -> Vec<&str> {
        selected.entries.iter().map(|entry| entry.place.as_str()).collect()
    }

    #[test]
    fn only_what_is_meant_is_taken() {
        let readings = || {
            vec![
                Ok(entry("1", "shop", Some("prod"), "r")),
                Ok(entry("2", "shop2", Some("test"), "r")),
                Ok(entry("3", "shop3", None, "r")),
                Err(Unusable { place: "4".to_owned(), why: String::new() }),
            ]
        };
        let all = Selected::of(readings(), Selection::default());
        assert_eq!((places(&all), all.unusable.len(), all.skipped().as_str()), (vec!["1", "2", "3"], 1, ""));
        let some = Selected::of(readings(), Selection { namespace: Some("shop3"), cluster: Some("prod") });
        assert_eq!((places(&some), some.skipped().as_str()), (vec!["3"], ", 2 of other namespaces skipped"));
        let some = Selected::of(readings(), Selection { namespace: None, cluster: Some("prod") });
        assert_eq!(
            (places(&some), some.skipped().as_str()),
            (vec!["1", "3"], ", 1 of other EKS clusters skipped")
        );
    }

    #[test]
    fn an_account_counts_once_and_a_contradiction_is_told() {
        let readings = vec![
            Ok(entry("1", "shop", Some("prod"), "r")),
            Ok(entry("2", "shop", None, "r")),
            Ok(entry("3", "shop", Some("test"), "other")),
        ];
        let selected = Selected::of(readings, Selection::default());
        assert_eq!(places(&selected), ["1"]);
        assert_eq!(selected.unusable.len(), 1);
        let Unusable { place, why } = &selected.unusable[0];
        assert_eq!(place, "3");
        assert!(why.starts_with("it says something else of shop/orders than 1, which counts: "), "{why}");
    }
}
