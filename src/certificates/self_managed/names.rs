//! The Service's DNS names: what leaves are for, and all that an authority may sign for.

use std::fmt;
use std::ops::Deref;

use serde_json::Value;

/// The DNS names of one Service, that which API servers use first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    service: String,
    namespace: String,
    all: Vec<String>,
}

impl Names {
    /// The names of the Service in its namespace. Those that end with the cluster's domain are not known here, but for
    /// the usual one.
    #[must_use]
    pub fn of_service(service: &str, namespace: &str) -> Self {
        let name = format!("{service}.{namespace}.svc");
        Self {
            service: service.to_owned(),
            namespace: namespace.to_owned(),
            all: vec![name.clone(), format!("{service}.{namespace}"), format!("{name}.cluster.local")],
        }
    }

    /// Whether an entry of a registration calls this Service, or a URL with one of its names: others are not this
    /// program's business.
    pub(super) fn are_called_by(&self, client_config: &Value) -> bool {
        let text = |key: &str| client_config.pointer(key).and_then(Value::as_str);
        let is_service = text("/service/name") == Some(&self.service)
            && text("/service/namespace") == Some(&self.namespace);
        let url: Option<http::Uri> = text("/url").and_then(|url| url.parse().ok());
        let host = url.as_ref().and_then(http::Uri::host);
        is_service || host.is_some_and(|host| self.all.iter().any(|name| name == host))
    }
}

impl Deref for Names {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.all
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.first().map_or("", String::as_str))
    }
}
