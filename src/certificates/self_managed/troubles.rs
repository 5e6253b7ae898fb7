//! What keeps the certificates from being kept now: told once in the log, shown by a metric while it lasts.

use std::sync::{Arc, Mutex, PoisonError};

use super::metrics::Metrics;
use super::trouble::Trouble;

/// The troubles that there are now.
#[derive(Debug)]
pub(super) struct Troubles {
    told: Told,
    metrics: Metrics,
}

/// The troubles in words, for whoever waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<Mutex<[Option<String>; Trouble::ALL.len()]>>);

impl Told {
    /// What there is to say of all of them.
    pub(super) fn text(&self) -> Option<String> {
        let texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let texts: Vec<_> = texts.iter().flatten().map(String::as_str).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// Replaces a text; returns whether it is another.
    fn replace(&self, trouble: Trouble, text: Option<&String>) -> bool {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = texts.get_mut(trouble.index()) else { return false };
        let is_other = before.as_ref() != text;
        *before = text.cloned();
        is_other
    }
}

impl Troubles {
    /// None yet.
    pub(super) fn new(metrics: Metrics) -> Self {
        Self { told: Told::default(), metrics }
    }

    /// What was told of, now and later.
    pub(super) fn told(&self) -> Told {
        self.told.clone()
    }

    /// There is trouble, or there is none any longer.
    #[allow(clippy::needless_pass_by_value, reason = "callers make the text for this call")]
    pub(super) fn set(&self, trouble: Trouble, text: Option<String>) {
        if !self.told.replace(trouble, text.as_ref()) {
            return;
        }
        if let Some(text) = &text {
            tracing::warn!(problem = trouble.label(), "{text}");
        } else {
            tracing::info!(problem = trouble.label(), "this problem is over");
        }
        self.metrics.trouble(trouble, text.is_some());
    }
}
