//! A map from accounts, by namespace and name: two levels of maps, so that an account is found
//! without a key that owns its two names, and a namespace is stored once.

use std::collections::HashMap;

use injection::AccountName;

/// Values by the account that they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::identities) struct ByAccount<V> {
    namespaces: HashMap<Box<str>, HashMap<Box<str>, V>>,
    len: usize,
}

impl<V> Default for ByAccount<V> {
    fn default() -> Self {
        Self { namespaces: HashMap::new(), len: 0 }
    }
}

impl<V> ByAccount<V> {
    /// The value of an account.
    pub(in crate::identities) fn get(&self, account: AccountName<'_>) -> Option<&V> {
        self.namespaces.get(account.namespace)?.get(account.name)
    }

    /// Whether any account of this namespace has a value.
    pub(in crate::identities) fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contains_key(namespace)
    }

    /// Sets the value of an account, and gives back the one that it had.
    pub(in crate::identities) fn insert(&mut self, account: AccountName<'_>, value: V) -> Option<V> {
        let AccountName { namespace, name } = account;
        // Not the entry API: it would need the namespace's name owned each time.
        if !self.namespaces.contains_key(namespace) {
            self.namespaces.insert(namespace.into(), HashMap::new());
        }
        let previous =
            self.namespaces.get_mut(namespace).and_then(|accounts| accounts.insert(name.into(), value));
        self.len += usize::from(previous.is_none());
        previous
    }

    /// Takes an account's value out.
    pub(in crate::identities) fn remove(&mut self, account: AccountName<'_>) -> Option<V> {
        let accounts = self.namespaces.get_mut(account.namespace)?;
        let previous = accounts.remove(account.name);
        self.len -= usize::from(previous.is_some());
        if accounts.is_empty() {
            self.namespaces.remove(account.namespace);
        }
        previous
    }

    /// How many accounts there are.
    pub(in crate::identities) fn len(&self) -> usize {
        self.len
    }

    /// Whether the map is empty.
    pub(in crate::identities) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every account with its value, in no particular order.
    pub(in crate::identities) fn iter(&self) -> impl Iterator<Item = (AccountName<'_>, &V)> {
        self.namespaces.iter().flat_map(|(namespace, accounts)| {
            accounts.iter().map(move |(name, value)| (AccountName::new(namespace, name), value))
        })
    }

    /// Gives back the memory that growing has left over.
    pub(in crate::identities) fn shrink_to_fit(&mut self) {
        self.namespaces.values_mut().for_each(HashMap::shrink_to_fit);
        self.namespaces.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_it_holds() {
        let [a_one, a_two, b_one, c_two] = [("a", "one"), ("a", "two"), ("b", "one"), ("c", "two")]
            .map(|(ns, name)| AccountName::new(ns, name));
        let mut map = ByAccount::default();
        assert_eq!(map.insert(a_one, 1), None);
        assert_eq!(map.insert(a_two, 2), None);
        assert_eq!(map.insert(b_one, 3), None);
        assert_eq!(map.insert(a_two, 4), Some(2));
        assert_eq!(map.len(), 3);
        assert_eq!((map.get(a_two), map.get(c_two)), (Some(&4), None));
        let mut all: Vec<_> = map.iter().collect();
        all.sort_unstable();
        assert_eq!(all, [(a_one, &1), (a_two, &4), (b_one, &3)]);
        assert_eq!((map.remove(a_one), map.remove(a_one), map.remove(c_two)), (Some(1), None, None));
        assert_eq!((map.remove(a_two), map.remove(b_one)), (Some(4), Some(3)));
        assert!(map.is_empty() && map.namespaces.is_empty());
    }
}
