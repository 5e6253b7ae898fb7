//! The Service's DNS names: what leaves are for, and all that an authority may sign for.

use std::fmt;
use std::ops::Deref;

/// The DNS names of one Service, that which API servers use first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// The names of the Service in its namespace. Those that end with the cluster's domain are not known here, but for
    /// the usual one.
    #[must_use]
    pub fn of_service(service: &str, namespace: &str) -> Self {
        let name = format!("{service}.{namespace}.svc");
        Self(vec![name.clone(), format!("{service}.{namespace}"), format!("{name}.cluster.local")])
    }
}

impl Deref for Names {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.first().map_or("", String::as_str))
    }
}
