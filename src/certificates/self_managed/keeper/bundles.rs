//! What becomes of the registration in a round.

use serde_json::Value;

use super::super::certificate::Certificate;
use super::super::registration::{entries, repair};
use super::super::trouble::Trouble;
use super::{Agreement, Failure, Keeper, timely};

/// Most authorities that are left in the bundles while nobody can say whose they are, the newest first: each replica that
/// starts while there is no Secret adds one.
const OTHERS: usize = 32;

impl Keeper {
    /// Has every entry of the registration trust what is to be trusted.
    pub(super) async fn repair(
        &mut self,
        registration: Option<Value>,
        agreement: Agreement,
        bundled: &[Certificate],
    ) -> Agreement {
        let Some(mut registration) = registration else {
            let text = format!("there is no {}: no API server calls", self.registration);
            self.troubles.set(Trouble::Configuration, Some(text));
            return agreement;
        };
        let now = self.clock.seconds();
        let mut wanted: Vec<_> = self.remembered.trusted().cloned().collect();
        match agreement {
            Agreement::Agreed => {}
            Agreement::Outrun => return agreement,
            // What this replica made at start is nobody's business while there may be another in the Secret.
            Agreement::Unknown if !self.is_shared => return agreement,
            // Others may know more, or have run here before: nothing that is of use is taken away from them.
            Agreement::Alone | Agreement::Unknown => {
                let mut others: Vec<_> = bundled.iter().filter(|one| one.not_after() > now).collect();
                others.sort_by_key(|one| std::cmp::Reverse(one.not_before()));
                for other in others.into_iter().take(OTHERS) {
                    if !wanted.contains(other) {
                        wanted.push(other.clone());
                    }
                }
            }
        }
        let repaired = repair(&mut registration, &self.names, &wanted);
        if !repaired.is_empty() {
            match timely(self.registration.replace(&self.client, &registration)).await {
                Ok(stored) => self.shown.see(&entries(&stored, &self.names)),
                Err(Failure { code: Some(409), .. }) => return Agreement::Outrun,
                Err(Failure { text, .. }) => {
                    let text = format!("failed to update {}: {text}", self.registration);
                    self.troubles.set(Trouble::Configuration, Some(text));
                    return Agreement::Unknown;
                }
            }
            if wanted == self.kept {
                self.metrics.repaired();
                tracing::warn!(entries = ?repaired, "caBundles that somebody else had changed were repaired");
            } else {
                tracing::info!(entries = ?repaired, authorities = wanted.len(), "caBundles were brought up to date");
            }
        }
        self.kept = wanted;
        self.troubles.set(Trouble::Configuration, None);
        agreement
    }
}
