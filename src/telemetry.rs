//! Every metric that the node records, declared as data in one place: name, kind, unit, labels with
//! their values, and meaning.
//!
//! Names are `sn1_<subsystem>_<what>_<unit>` in base units; counters end in `_total`. The values of
//! a label are bounded: a closed list, or names that the node itself gives (actors of the tree,
//! tasks, the subnet's own uids), never a hotkey or an address. Recorders use the constants;
//! dashboards, alerts and `docs/metrics.md` are checked against [`ALL`].

mod metrics;

pub use metrics::*;
use strum::{Display, IntoStaticStr};

/// How a metric is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// A count that only rises.
    Counter,
    /// A level that rises and falls.
    Gauge,
    /// A distribution over fixed buckets.
    Histogram,
}

/// What a value of the metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
pub enum Unit {
    /// A count of things.
    #[strum(serialize = "count")]
    Count,
    /// A duration in seconds.
    #[strum(serialize = "seconds")]
    Seconds,
    /// A point in time, in seconds since 1970.
    #[strum(serialize = "Unix seconds")]
    UnixSeconds,
    /// A fraction, 0 to 1.
    #[strum(serialize = "0 to 1")]
    Share,
    /// A truth value: 1 for yes, 0 for no.
    #[strum(serialize = "0 or 1")]
    Flag,
    /// The number of a block of the chain.
    #[strum(serialize = "block number")]
    BlockNumber,
    /// An identifying number, such as a version.
    #[strum(serialize = "number")]
    Index,
}

/// The set of values that a label can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// These values and no others, in groups.
    Closed(&'static [&'static [&'static str]]),
    /// A bounded number of values, which this text describes.
    Bounded(&'static str),
}

impl Values {
    /// The values of a closed list; empty for a bounded label.
    pub fn closed(self) -> impl Iterator<Item = &'static str> {
        let groups = match self {
            Self::Closed(groups) => groups,
            Self::Bounded(_) => &[],
        };
        groups.iter().copied().flatten().copied()
    }
}

/// One label of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Name of the label, as it appears in the series.
    pub name: &'static str,
    /// The values that the label can have.
    pub values: Values,
}

impl Label {
    const fn closed(name: &'static str, values: &'static [&'static [&'static str]]) -> Self {
        Self { name, values: Values::Closed(values) }
    }

    const fn bounded(name: &'static str, by: &'static str) -> Self {
        Self { name, values: Values::Bounded(by) }
    }
}

/// One metric's declaration.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Name of the series, with subsystem and unit.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// What a recorded value is.
    pub unit: Unit,
    /// The labels, in the order in which they are written.
    pub labels: &'static [Label],
    /// One sentence on what the metric means.
    pub help: &'static str,
    /// Upper bounds of a histogram's buckets, in the metric's unit; empty for the other kinds.
    pub buckets: &'static [f64],
}

impl Metric {
    /// The closed values of the named label; empty if the metric has no such label.
    pub fn values(&self, label: &str) -> Vec<&'static str> {
        let found = self.labels.iter().find(|known| known.name == label);
        found.into_iter().flat_map(|known| known.values.closed()).collect()
    }

    /// The labels of every series that is known in advance: each combination of the `known` values
    /// and, for labels without any, the closed ones. Empty if a label has neither.
    pub fn series(&self, known: &[(&str, &str)]) -> Vec<Vec<(&'static str, String)>> {
        self.labels.iter().fold(vec![Vec::new()], |series, label| {
            let of_known = known.iter().filter(|(name, _)| *name == label.name);
            let mut values: Vec<_> = of_known.map(|(_, value)| (*value).to_owned()).collect();
            if values.is_empty() {
                values.extend(label.values.closed().map(str::to_owned));
            }
            let with = |labels: Vec<_>| {
                let longer = |value: &String| {
                    let added = (label.name, value.clone());
                    labels.iter().cloned().chain([added]).collect::<Vec<_>>()
                };
                values.iter().map(longer).collect::<Vec<_>>()
            };
            series.into_iter().flat_map(with).collect()
        })
    }
}

/// The text of `docs/metrics.md`: every metric with its kind, unit, labels and meaning.
pub fn page() -> String {
    let rows = ALL.iter().map(|metric| {
        let labels: Vec<String> = metric.labels.iter().map(label_text).collect();
        let (kind, unit): (_, &str) = (metric.kind, metric.unit.into());
        let (name, help) = (metric.name, metric.help);
        format!("| `{name}` | {kind} | {unit} | {} | {help} |\n", labels.join("; "))
    });
    format!(
        "# Metrics\n\nMade from the declarations in `src/telemetry/metrics.rs`; a test compares \
         them.\nWhere to see them: `/metrics` of a node (`telemetry.port`), and the dashboards in \
         `grafana/`.\n\n| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

fn label_text(label: &Label) -> String {
    let values = match label.values {
        Values::Closed(_) => label.values.closed().map(|value| format!("`{value}`")).collect(),
        Values::Bounded(by) => vec![by.to_owned()],
    };
    format!("`{}`: {}", label.name, values.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_prefixed_and_say_kind_and_unit() {
        let mut seen = HashSet::new();
        for Metric { name, kind, unit, help, buckets, .. } in ALL {
            assert!(seen.insert(name), "{name} is declared twice");
            assert!(name.starts_with("sn1_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            let is_time = matches!(unit, Unit::Seconds | Unit::UnixSeconds);
            assert_eq!(name.ends_with("_seconds"), is_time, "{name}");
            assert_eq!(name.ends_with("_block_number"), *unit == Unit::BlockNumber, "{name}");
            assert_eq!(buckets.is_empty(), *kind != Kind::Histogram, "{name}");
            assert!(buckets.is_sorted(), "{name}");
            assert!(!help.is_empty(), "{name}");
        }
    }

    #[test]
    fn labels_are_distinct_and_so_are_their_values() {
        for Metric { name, labels, .. } in ALL {
            let names: HashSet<_> = labels.iter().map(|label| label.name).collect();
            assert_eq!(names.len(), labels.len(), "{name}");
            for label in *labels {
                let values: Vec<_> = label.values.closed().collect();
                let distinct: HashSet<_> = values.iter().collect();
                assert_eq!(distinct.len(), values.len(), "{name} {}", label.name);
                assert_eq!(values.is_empty(), matches!(label.values, Values::Bounded(_)), "{name}");
            }
        }
    }

    #[test]
    fn series_are_every_combination_of_what_is_known() {
        let restarts = ACTOR_RESTARTS.series(&[("actor", "Probe"), ("uid", "3")]);
        let of = |kind: &str| vec![("actor", "Probe".to_owned()), ("kind", kind.to_owned())];
        assert_eq!(restarts, [of("panic"), of("error"), of("stall")]);
        assert_eq!(ACTOR_RESTARTS.series(&[]), Vec::<Vec<_>>::new());
        assert_eq!(CHAIN_ERRORS.series(&[]), [vec![]]);
        assert_eq!(AXON_RECORDS.series(&[]).len(), 6);
    }
}
