//! The counter of lines that the log dropped.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Metric, MetricFamily, MetricType};

/// Counts lines that the log dropped. The log itself keeps the number, for it starts before the metrics do.
#[derive(Debug, Clone)]
pub(super) struct DroppedLines(Desc);

impl DroppedLines {
    const NAME: &str = "pod_identity_webhook_log_lines_dropped_total";
    const HELP: &str = "Lines of the log that were dropped because nobody reads it fast enough.";

    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Desc::new(Self::NAME.into(), Self::HELP.into(), Vec::new(), HashMap::new()).map(Self)
    }
}

impl Collector for DroppedLines {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        #[allow(
            clippy::cast_precision_loss,
            reason = "no process drops as many lines as a float cannot count"
        )]
        let dropped = super::dropped_lines() as f64;
        let mut counter = Counter::default();
        counter.set_value(dropped);
        let mut metric = Metric::default();
        metric.set_counter(counter);
        let mut family = MetricFamily::default();
        family.set_name(Self::NAME.into());
        family.set_help(Self::HELP.into());
        family.set_field_type(MetricType::COUNTER);
        family.set_metric(vec![metric]);
        vec![family]
    }
}
