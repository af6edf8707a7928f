//! Declared series of metrics: those that are known beforehand exist before the first event, so
//! that the event shows as a rise. And how often a thing that goes on is worth a line of the log.
//! Any module may record.

use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram};
use sn1::telemetry::{Kind, Metric};

/// Between two lines about one thing that goes on.
const REMIND_EVERY: Duration = Duration::from_secs(60);

/// Creates every series of these metrics that is known beforehand; `known` has the values of labels
/// without a closed list. An existing series keeps its value.
pub(crate) fn prime(metrics: &[Metric], known: &[(&str, &str)]) {
    for metric in metrics {
        for labels in metric.series(known) {
            match metric.kind {
                Kind::Counter => counter!(metric.name, &labels).increment(0),
                Kind::Gauge => gauge!(metric.name, &labels).increment(0.0),
                Kind::Histogram => drop(histogram!(metric.name, &labels)),
            }
        }
    }
}

/// Sets the series of `metric` whose label is `value` to 1, and its other series to 0; `metric` has
/// one label, with a closed list of values.
pub(crate) fn show_one_of(metric: &Metric, value: Option<&str>) {
    for labels in metric.series(&[]) {
        let is_it = labels.iter().any(|(_, label)| Some(label.as_str()) == value);
        gauge!(metric.name, &labels).set(f64::from(u8::from(is_it)));
    }
}

/// Says when something that goes on is worth a line: at once, then once a minute.
#[derive(Debug, Default)]
pub(crate) struct Reminder {
    last: Option<Instant>,
    n_quiet: u64,
}

impl Reminder {
    /// How many times it was passed over since the last line; `None` while no other line is due.
    pub(crate) fn is_due(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.duration_since(last) < REMIND_EVERY) {
            self.n_quiet += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.n_quiet))
    }
}

/// Failures of one thing in a row.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    count: u32,
    reminder: Reminder,
}

impl Failures {
    /// Counts one more. Whether it is worth a line: not while another line explains it, nor the
    /// first one, which such a line may follow.
    pub(crate) fn count(&mut self, is_explained: bool, now: Instant) -> bool {
        self.count = self.count.saturating_add(1);
        self.count > 1 && !is_explained && self.reminder.is_due(now).is_some()
    }

    /// Blocks until the next attempt where those are the measure: none, 1, 2, 4, up to 16.
    pub(crate) fn blocks(&self) -> u64 {
        (1 << self.count.min(5)) >> 1
    }

    /// From one second on, doubled with each failure up to half a minute.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_secs(1 << self.count.saturating_sub(1).min(5)).min(Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use sn1::telemetry::{ACTOR_RESTARTS, WEIGHTS_STOPPED};

    use super::*;

    fn recorded(record: impl FnOnce()) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, record);
        recorder.handle().render()
    }

    #[test]
    fn series_are_there_from_the_start_and_keep_their_value() {
        let text = recorded(|| {
            let counted = [("actor", "Probe"), ("kind", "error")];
            counter!(ACTOR_RESTARTS.name, &counted).increment(2);
            prime(&[ACTOR_RESTARTS], &[("actor", "Probe")]);
        });
        for (kind, value) in [("panic", 0), ("error", 2), ("stall", 0)] {
            let line =
                format!("sn1_actor_restarts_total{{actor=\"Probe\",kind=\"{kind}\"}} {value}\n");
            assert!(text.contains(&line), "no {line} in {text}");
        }
    }

    #[test]
    fn what_goes_on_is_said_once_a_minute() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        let said = (0..181).filter(|i| failures.count(false, now + Duration::from_secs(*i)));
        let n_said = said.count();
        assert_eq!((n_said, failures.pause()), (3, Duration::from_secs(30)));
        assert_eq!((failures.blocks(), Failures::default().blocks()), (16, 0));
        failures = Failures::default();
        assert!(!failures.count(false, now), "the first may be explained in a moment");
        assert_eq!(failures.pause(), Duration::from_secs(1));
        assert!(!failures.count(true, now), "another line explains it");
    }

    #[test]
    fn one_value_is_shown_at_a_time() {
        let text = recorded(|| {
            show_one_of(&WEIGHTS_STOPPED, Some("no_permit"));
            show_one_of(&WEIGHTS_STOPPED, Some("disabled"));
        });
        assert!(text.contains("sn1_weights_stopped{reason=\"disabled\"} 1\n"), "{text}");
        assert_eq!(text.matches("} 0\n").count(), 11, "{text}");
    }
}
