//! The metrics that the code records, and the rules for expressions on them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sn1::telemetry::{ALL, Kind, Metric};

use super::Problem;
use super::promql::{self, Use};

/// The labels of a metric with their values; an empty set allows any value.
pub(crate) type Labels = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// Labels that Prometheus adds to every series.
const SCRAPE_LABELS: [&str; 2] = ["instance", "job"];
const RATES: [&str; 3] = ["rate", "irate", "increase"];
/// Functions that ask whether a series exists, whatever its value.
const EXISTENCE: [&str; 3] = ["absent", "absent_over_time", "present_over_time"];

/// How a series relates to its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A gauge.
    Level,
    /// A counter, or a histogram's sum or count.
    Total,
    /// The buckets of a histogram.
    Buckets,
    /// A histogram's bare name, which is not a series.
    Whole,
}

/// The declared metrics and their labels.
pub(crate) struct Catalogue {
    kinds: HashMap<&'static str, Kind>,
    labels: HashMap<&'static str, Labels>,
}

impl Catalogue {
    /// What [`ALL`] declares.
    pub(crate) fn of_the_code() -> Self {
        let kinds = ALL.iter().map(|metric| (metric.name, metric.kind)).collect();
        let labels = |metric: &Metric| {
            metric
                .labels
                .iter()
                .map(|label| (label.name, label.values.closed().collect()))
                .collect()
        };
        Self { kinds, labels: ALL.iter().map(|metric| (metric.name, labels(metric))).collect() }
    }

    /// The labels of a metric.
    pub(crate) fn labels_of(&self, metric: &str) -> Option<&Labels> {
        self.labels.get(metric)
    }

    /// The metric a series belongs to, and its part in it.
    pub(crate) fn find(&self, series: &str) -> Option<(&'static str, Part)> {
        if let Some((name, kind)) = self.kinds.get_key_value(series) {
            let part = match kind {
                Kind::Gauge => Part::Level,
                Kind::Counter => Part::Total,
                Kind::Histogram => Part::Whole,
            };
            return Some((name, part));
        }
        let suffixes = [("_bucket", Part::Buckets), ("_sum", Part::Total), ("_count", Part::Total)];
        suffixes.into_iter().find_map(|(suffix, part)| {
            let (name, kind) = self.kinds.get_key_value(series.strip_suffix(suffix)?)?;
            (*kind == Kind::Histogram).then_some((*name, part))
        })
    }

    fn has_label(&self, metric: &str, part: Part, label: &str) -> bool {
        SCRAPE_LABELS.contains(&label)
            || (label == "le" && part == Part::Buckets)
            || self.labels_of(metric).is_some_and(|labels| labels.contains_key(label))
    }

    /// Everything that is wrong with a PromQL expression.
    pub(crate) fn expr_problems(&self, text: &str) -> Vec<Problem> {
        if text.trim().is_empty() {
            return vec!["no expression".to_owned()];
        }
        let expr = promql::read(text, "sn1_");
        let mut problems: Vec<Problem> =
            expr.uses.iter().flat_map(|known| self.use_problems(known)).collect();
        if expr.has_without {
            problems.push("`without` hides what is kept; say it with `by`".to_owned());
        }
        for label in &expr.matched_on {
            let is_known = SCRAPE_LABELS.contains(&label.as_str())
                || expr.uses.iter().any(|known| self.use_has(known, label));
            if !is_known {
                problems.push(format!("no series of it has the matched label: no label `{label}`"));
            }
        }
        problems
    }

    fn use_has(&self, known: &Use, label: &str) -> bool {
        self.find(&known.series).is_some_and(|(metric, part)| self.has_label(metric, part, label))
    }

    fn use_problems(&self, known: &Use) -> Vec<Problem> {
        let series = &known.series;
        if series.is_empty() {
            return vec!["a selector without a name cannot be checked".to_owned()];
        }
        let Some((metric, part)) = self.find(series) else {
            return vec![format!("{series} is not registered")];
        };
        let mut problems = Vec::new();
        problems.extend(misuse(known, part).map(|misuse| format!("{series} is {misuse}")));
        let named = known.matchers.iter().map(|(label, _, _)| label).chain(&known.groupings);
        let unknown = named.filter(|label| !self.has_label(metric, part, label));
        problems.extend(unknown.map(|label| format!("{series} has no label `{label}`")));
        problems.extend(self.value_problems(metric, known));
        problems
    }

    /// Values that a matcher asks for and a closed label never has.
    fn value_problems(&self, metric: &str, known: &Use) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (label, operator, value) in &known.matchers {
            let values = self.labels_of(metric).and_then(|labels| labels.get(label.as_str()));
            let Some(values) = values.filter(|values| !values.is_empty()) else { continue };
            let asked: Vec<&str> = match operator.as_str() {
                "=" | "!=" => vec![value],
                _ => value.split('|').collect(),
            };
            // Patterns and variables are not checked.
            let is_plain = |value: &str| value.chars().all(|c| c.is_alphanumeric() || c == '_');
            let wrong = asked.into_iter().filter(|value| is_plain(value) && !value.is_empty());
            let wrong = wrong.filter(|value| !values.contains(value));
            problems.extend(
                wrong.map(|value| {
                    format!("label `{label}` of {metric} never has the value `{value}`")
                }),
            );
        }
        problems
    }

    /// Labels that a legend shows although no series of the result can have them.
    pub(crate) fn legend_problems(&self, text: &str, legend: &str) -> Vec<Problem> {
        let expr = promql::read(text, "sn1_");
        let shown = legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
        shown
            .map(str::trim)
            .filter(|label| {
                let shows = |known: &Use| !known.is_aggregated() || known.is_grouped_by(label);
                !expr.uses.iter().any(|known| self.use_has(known, label) && shows(known))
            })
            .map(|label| format!("the legend shows `{label}`, which the result does not have"))
            .collect()
    }
}

/// What is wrong with the call around a series.
fn misuse(known: &Use, part: Part) -> Option<&'static str> {
    let innermost = known.calls.last().map_or("", String::as_str);
    let is_rate = RATES.contains(&innermost);
    if EXISTENCE.contains(&innermost) {
        return None;
    }
    let drops_le = known.is_aggregated() && !known.is_grouped_by("le");
    match part {
        Part::Whole => Some("a histogram, asked for without _bucket, _sum or _count"),
        Part::Level if is_rate => Some("a gauge inside rate; use delta or deriv"),
        Part::Total | Part::Buckets if !is_rate => Some("a counter outside rate or increase"),
        Part::Buckets if drops_le => Some("summed in a way that drops `le`"),
        _ => None,
    }
}
