//! The graph of imports, and the circles in it.

use std::collections::{BTreeMap, BTreeSet};

/// The names, each with the names that it imports.
#[derive(Debug, Default)]
pub(crate) struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    pub(crate) fn node(&mut self, name: &str) {
        self.0.entry(name.to_owned()).or_default();
    }

    pub(crate) fn arrow(&mut self, from: &str, to: &str) {
        self.node(to);
        self.0.entry(from.to_owned()).or_default().insert(to.to_owned());
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn arrows(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(from, to)| to.iter().map(move |to| (from.as_str(), to.as_str())))
    }

    /// All names that can be reached over at least one import.
    fn reached_from<'a>(&'a self, start: &str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = self.0[start].iter().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            if reached.insert(name) {
                open.extend(self.0[name].iter().map(String::as_str));
            }
        }
        reached
    }
}

/// The largest sets of names that all reach each other, sorted.
pub(crate) fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.nodes().map(|name| (name, graph.reached_from(name))).collect();
    let mut found = BTreeSet::new();
    for (name, others) in &reached {
        let circle: Vec<String> = others
            .iter()
            .filter(|other| reached[**other].contains(name))
            .map(|other| (*other).to_owned())
            .collect();
        if !circle.is_empty() {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}
