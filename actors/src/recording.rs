//! Declared series of metrics: those that are known beforehand exist before the first event, so
//! that the event shows as a rise. Any module may record.

use metrics::{counter, gauge, histogram};
use sn1::telemetry::{Kind, Metric};

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
    fn one_value_is_shown_at_a_time() {
        let text = recorded(|| {
            show_one_of(&WEIGHTS_STOPPED, Some("no_permit"));
            show_one_of(&WEIGHTS_STOPPED, Some("disabled"));
        });
        assert!(text.contains("sn1_weights_stopped{reason=\"disabled\"} 1\n"), "{text}");
        assert_eq!(text.matches("} 0\n").count(), 11, "{text}");
    }
}
