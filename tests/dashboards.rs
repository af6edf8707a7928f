//! Checks dashboards and alerts: they may ask only for what the node records.
//!
//! A small scanner reads every PromQL expression under `grafana/` (names, matchers, groupings and
//! the call around each series; not the full grammar) and compares it with the metrics, labels and
//! values that [`sn1::telemetry::ALL`] declares. Alert rules are found by a scan of lines, which
//! saves a YAML library: it knows the block form of the rule files, in which `expr:` is followed by
//! one line or by lines with a deeper indent.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sn1::telemetry::page;

#[path = "dashboards/catalogue.rs"]
mod catalogue;
#[path = "support/programs.rs"]
mod programs;
#[path = "dashboards/promql.rs"]
mod promql;

use catalogue::Catalogue;
use programs::program;

/// One thing that is wrong, and where it was found.
type Problem = String;

fn root(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// All files below a folder whose names end in `.extension`.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Unknown names with our prefix, anywhere in a text: expressions, variables, descriptions,
/// comments.
fn unknown_names(text: &str, catalogue: &Catalogue) -> Vec<Problem> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours: BTreeSet<&str> = words.filter(|word| word.starts_with("sn1_")).collect();
    let unknown = ours.into_iter().filter(|word| catalogue.find(word).is_none());
    unknown.map(|word| format!("{word} is named, but no code records it")).collect()
}

fn str_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list_at<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A dashboard's panels, including those in collapsed rows.
fn panels(holder: &Value) -> Vec<&Value> {
    list_at(holder, "panels")
        .iter()
        .flat_map(|panel| std::iter::once(panel).chain(panels(panel)))
        .collect()
}

fn dashboard_problems(text: &str, catalogue: &Catalogue) -> Vec<Problem> {
    let dashboard: Value = match serde_json::from_str(text) {
        Ok(dashboard) => dashboard,
        Err(error) => return vec![format!("no JSON: {error}")],
    };
    let mut problems = unknown_names(text, catalogue);
    let (mut titles, mut ids) = (HashSet::new(), HashSet::new());
    for panel in panels(&dashboard) {
        let title = str_at(panel, "/title");
        if title.trim().is_empty() || !titles.insert(title) {
            problems.push(format!("panel `{title}`: the title is empty or used twice"));
        }
        if !ids.insert(panel.get("id").and_then(Value::as_u64)) {
            problems.push(format!("panel `{title}`: the id is missing or used twice"));
        }
        if str_at(panel, "/type") != "row" {
            let found = panel_problems(panel, catalogue).into_iter();
            problems.extend(found.map(|problem| format!("panel `{title}`: {problem}")));
        }
    }
    problems
}

fn panel_problems(panel: &Value, catalogue: &Catalogue) -> Vec<Problem> {
    let mut problems = Vec::new();
    if str_at(panel, "/description").trim().is_empty() {
        problems.push("no description says what it shows and what to do".to_owned());
    }
    if str_at(panel, "/fieldConfig/defaults/unit").is_empty() {
        problems.push("no unit".to_owned());
    }
    let targets = list_at(panel, "targets");
    if targets.is_empty() {
        problems.push("no target".to_owned());
    }
    for target in targets {
        let expr = str_at(target, "/expr");
        problems.extend(catalogue.expr_problems(expr));
        problems.extend(catalogue.legend_problems(expr, str_at(target, "/legendFormat")));
    }
    problems
}

/// One alerting or recording rule, as the line scan sees it.
struct Rule<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn rules(text: &str) -> Vec<Rule<'_>> {
    let mut rules: Vec<Rule<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let item = line.trim_start();
        let name = item.strip_prefix("- alert:").or_else(|| item.strip_prefix("- record:"));
        match (name, rules.last_mut()) {
            (Some(name), _) => rules.push(Rule { name: name.trim(), lines: Vec::new() }),
            // The head of the next group ends a rule's lines; it is not checked.
            (None, Some(rule)) => rule.lines.push(line),
            (None, None) => {}
        }
    }
    rules
}

impl Rule<'_> {
    /// The value of a key, with the lines of deeper indent that continue it.
    fn value(&self, key: &str) -> Option<String> {
        let is_key = |line: &&str| line.trim_start().starts_with(&format!("{key}:"));
        let at = self.lines.iter().position(is_key)?;
        let depth = indent(self.lines[at]);
        let first = self.lines[at].trim().strip_prefix(key)?.strip_prefix(':')?.trim();
        let first = first.trim_start_matches(['|', '>', '-', '+']).trim_matches(['"', '\'']);
        let rest = self.lines[at + 1..].iter().take_while(|line| indent(line) > depth);
        let lines: Vec<&str> = std::iter::once(first).chain(rest.map(|line| line.trim())).collect();
        Some(lines.join("\n").trim().to_owned()).filter(|value| !value.is_empty())
    }
}

fn rule_file_problems(text: &str, catalogue: &Catalogue) -> Vec<Problem> {
    let mut problems = unknown_names(text, catalogue);
    let mut names = HashSet::new();
    let rules = rules(text);
    let is_expr = |line: &&str| line.trim_start_matches([' ', '-']).starts_with("expr:");
    if rules.is_empty() || text.lines().filter(is_expr).count() != rules.len() {
        problems.push("no rule was found, or one does not begin with its name".to_owned());
    }
    for rule in rules {
        let name = rule.name;
        if !names.insert(name) {
            problems.push(format!("rule `{name}`: the name is used twice"));
        }
        match rule.value("expr") {
            Some(expr) => problems.extend(
                catalogue
                    .expr_problems(&expr)
                    .iter()
                    .map(|known| format!("rule `{name}`: {known}")),
            ),
            None => problems.push(format!("rule `{name}`: no expr")),
        }
        let missing = ["severity", "summary", "description"].into_iter();
        let missing = missing.filter(|key| rule.value(key).is_none());
        problems.extend(missing.map(|key| format!("rule `{name}`: no {key}")));
    }
    problems
}

fn assert_clean(paths: &[PathBuf], check: impl Fn(&str, &Catalogue) -> Vec<Problem>) {
    let catalogue = Catalogue::of_the_code();
    assert!(!paths.is_empty(), "no file was found to check");
    let problems: Vec<String> = paths
        .iter()
        .flat_map(|path| {
            let found = check(&text_of(path), &catalogue).into_iter();
            found.map(|problem| format!("{}: {problem}", path.display())).collect::<Vec<_>>()
        })
        .collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn dashboards_ask_for_what_the_node_records() {
    assert_clean(&files(&root("grafana"), "json"), dashboard_problems);
}

#[test]
fn alerts_ask_for_what_the_node_records() {
    assert_clean(&files(&root("grafana/alerts"), "yml"), rule_file_problems);
}

#[test]
fn prometheus_is_given_every_rule_file() {
    let config = text_of(&root("config/prometheus.yml"));
    for path in files(&root("grafana/alerts"), "yml") {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let entry = format!("- ../grafana/alerts/{}", name.unwrap_or_default());
        assert!(config.lines().any(|line| line.trim() == entry), "no `{entry}` in rule_files");
    }
}

#[test]
fn prometheus_takes_its_configuration_and_the_rules() {
    let Some(promtool) = program("promtool", "prometheus") else { return };
    let config = root("config/prometheus.yml");
    let output = Command::new(promtool).args(["check", "config"]).arg(config).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run promtool: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn the_page_of_metrics_is_that_of_the_declarations() {
    let path = root("docs/metrics.md");
    if std::env::var_os("SN1_UPDATE").is_some() {
        fs::write(&path, page()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    assert!(
        text_of(&path) == page(),
        "docs/metrics.md is not what src/telemetry/metrics.rs declares: run `make generate`"
    );
}

#[test]
fn the_catalogue_knows_labels_and_their_values() {
    let catalogue = Catalogue::of_the_code();
    let kinds = catalogue.labels_of("sn1_actor_restarts_total").unwrap();
    let closed = BTreeSet::from(["error", "panic", "stall"]);
    assert_eq!(*kinds, BTreeMap::from([("actor", BTreeSet::new()), ("kind", closed)]));
}

#[test]
fn the_checker_tells_good_expressions_from_bad_ones() {
    let catalogue = Catalogue::of_the_code();
    let good = [
        "sn1_chain_block_number - sn1_weights_last_block_number > 500",
        "sum by (kind) (rate(sn1_actor_restarts_total{actor=\"sn1_x\"}[5m])) / 2",
        "sum(rate(sn1_actor_restarts_total[$__rate_interval])) by (kind) # sn1_comment",
        "histogram_quantile(0.5, sum by (le) (rate(sn1_conversation_reward_bucket[5m])))",
        "rate(sn1_conversation_reward_sum[5m]) / rate(sn1_conversation_reward_count[5m])",
        "sn1_actor_up{actor=~\"$actor\", instance=\"a\"} and on (instance) up{job=\"sn1\"}",
        "absent(sn1_conversation_turns_total)",
        "sum by (instance) (increase(sn1_actor_restarts_total{kind=~\"panic|stall\"}[1h:1m]))",
    ];
    for expr in good {
        assert_eq!(catalogue.expr_problems(expr), Vec::<Problem>::new(), "{expr}");
    }
    let bad = [
        ("", "no expression"),
        ("rate(sn1_typo_total[5m])", "not registered"),
        ("sn1_chain_block_number_count", "not registered"),
        ("rate(sn1_actor_restarts_total_sum[5m])", "not registered"),
        ("sn1_conversation_reward", "without _bucket, _sum or _count"),
        ("sum(sn1_actor_restarts_total)", "a counter outside rate"),
        ("rate(sum(sn1_actor_restarts_total)[5m:])", "a counter outside rate"),
        ("sn1_conversation_reward_sum", "a counter outside rate"),
        ("rate(sn1_actor_up[5m])", "a gauge inside rate"),
        ("sn1_actor_up{hotkey=\"5F\"}", "no label `hotkey`"),
        ("sum by (task) (rate(sn1_actor_restarts_total[5m]))", "no label `task`"),
        ("sum(rate(sn1_actor_restarts_total[5m])) by (task)", "no label `task`"),
        ("sn1_actor_up and on (task) sn1_chain_block_number", "no label `task`"),
        ("rate(sn1_actor_restarts_total{kind=\"crash\"}[5m])", "never has the value `crash`"),
        ("rate(sn1_actor_restarts_total{kind=~\"panic|oom\"}[5m])", "never has the value `oom`"),
        ("histogram_quantile(0.5, sum(rate(sn1_conversation_reward_bucket[5m])))", "drops `le`"),
        ("sum without (actor) (sn1_actor_up)", "say it with `by`"),
        ("{__name__=~\"sn1_.*\"}", "without a name"),
    ];
    for (expr, expected) in bad {
        let problems = catalogue.expr_problems(expr);
        assert!(problems.iter().any(|known| known.contains(expected)), "{expr}: {problems:?}");
    }
}

#[test]
fn the_checker_sees_through_panels_and_rules() {
    let catalogue = Catalogue::of_the_code();
    let target = |expr: &str| serde_json::json!([{"expr": expr, "legendFormat": "{{hotkey}}"}]);
    let dashboard = serde_json::json!({"panels": [
        {"id": 1, "type": "row", "title": "a", "panels": [
            {"id": 2, "type": "stat", "title": "b", "targets": target("sn1_nowhere")}]},
        {"id": 2, "type": "stat", "title": "b", "description": "d", "targets": []},
    ]});
    let problems = dashboard_problems(&dashboard.to_string(), &catalogue).join("\n");
    let expected =
        ["sn1_nowhere is named", "not registered", "no description", "no unit", "no target"];
    for part in expected.into_iter().chain(["title is empty or used twice", "id is missing"]) {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    let legend = catalogue.legend_problems("sn1_actor_up", "{{actor}} {{hotkey}}");
    assert_eq!(legend, ["the legend shows `hotkey`, which the result does not have"]);
    assert_eq!(catalogue.legend_problems("sum(sn1_actor_up)", "{{actor}}").len(), 1);

    let file = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      sn1_actor_up\n      \
                == sn1_gone\n    for: 1m\n  - alert: A\n    # expr: 1\n    labels:\n";
    let problems = rule_file_problems(file, &catalogue).join("\n");
    for part in ["sn1_gone is named", "`A`: sn1_gone", "used twice", "no expr", "no severity"] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    for file in ["groups: []", "- alert: A\n  expr: 1\n- expr: 1\n  alert: B\n"] {
        let problems = rule_file_problems(file, &catalogue).join("\n");
        assert!(problems.contains("no rule was found, or one"), "{problems}");
    }
}
