//! A map from accounts, by namespace and name: two levels of maps, so that an account is found
//! without a key that owns its two names, and a namespace is stored once.

use std::collections::HashMap;

/// Values by the account that they belong to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ByAccount<V> {
    namespaces: HashMap<Box<str>, HashMap<Box<str>, V>>,
    len: usize,
}

impl<V> Default for ByAccount<V> {
    fn default() -> Self {
        Self { namespaces: HashMap::new(), len: 0 }
    }
}

impl<V> ByAccount<V> {
    /// What belongs to an account.
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&V> {
        self.namespaces.get(namespace)?.get(name)
    }

    /// Whether anything belongs to an account of this namespace.
    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contains_key(namespace)
    }

    /// Puts a value in the place of the one before it, which is given back.
    pub(super) fn insert(&mut self, namespace: &str, name: &str, value: V) -> Option<V> {
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
    pub(super) fn remove(&mut self, namespace: &str, name: &str) -> Option<V> {
        let accounts = self.namespaces.get_mut(namespace)?;
        let previous = accounts.remove(name);
        self.len -= usize::from(previous.is_some());
        if accounts.is_empty() {
            self.namespaces.remove(namespace);
        }
        previous
    }

    /// How many accounts there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Namespace, name and value of every account, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, &V)> {
        self.namespaces.iter().flat_map(|(namespace, accounts)| {
            accounts.iter().map(move |(name, value)| (&**namespace, &**name, value))
        })
    }

    /// Gives back the memory that growing has left over.
    pub(super) fn shrink_to_fit(&mut self) {
        self.namespaces.values_mut().for_each(HashMap::shrink_to_fit);
        self.namespaces.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_it_holds() {
        let mut map = ByAccount::default();
        assert_eq!(map.insert("a", "one", 1), None);
        assert_eq!(map.insert("a", "two", 2), None);
        assert_eq!(map.insert("b", "one", 3), None);
        assert_eq!(map.insert("a", "two", 4), Some(2));
        assert_eq!(map.len(), 3);
        assert_eq!((map.get("a", "two"), map.get("b", "two"), map.get("c", "one")), (Some(&4), None, None));
        let mut all: Vec<_> = map.iter().collect();
        all.sort_unstable();
        assert_eq!(all, [("a", "one", &1), ("a", "two", &4), ("b", "one", &3)]);
        assert_eq!(
            (map.remove("a", "one"), map.remove("a", "one"), map.remove("c", "one")),
            (Some(1), None, None)
        );
        assert_eq!((map.remove("a", "two"), map.remove("b", "one")), (Some(4), Some(3)));
        assert!(map.is_empty() && map.namespaces.is_empty());
    }
}
