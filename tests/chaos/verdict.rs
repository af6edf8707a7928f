//! What a run must satisfy, and its figures.

use std::collections::BTreeMap;
use std::fmt;

use sn1::chain::{CommitRecord, RevealOutcome, StoredWeights};
use sn1::store::Store;

use super::lives::{Ended, Span};
use super::witness::{Setting, Witness};
use super::{Mode, TEMPO, node, window};

/// The connections of node, witness and probe; one that was just cut may still be counted, and the
/// chain notices a half-open one only when its client hangs up.
const MAX_CONNECTIONS: u64 = 8;
/// How much a process may use beyond one and a half times its first sample.
const MORE_KIB: u64 = 32 * 1024;
const MORE_FILES: u64 = 8;
const MORE_THREADS: u64 = 4;

/// The figures of a run that passed.
pub(crate) struct Verdict {
    n_blocks: u64,
    n_settings: usize,
    n_windows: u64,
    n_missed: u64,
    n_accepted: usize,
    n_kills: u32,
    points: BTreeMap<&'static str, u32>,
    n_disconnects: usize,
    n_upgrades: u32,
    outcomes: BTreeMap<&'static str, u32>,
    n_reveals: usize,
    connections: u64,
    most_connections: u64,
    node: Span,
    chain: Span,
}

impl Verdict {
    /// Asserts everything that a run must satisfy.
    pub(crate) fn of(
        mode: Mode,
        start: u64,
        witness: &Witness,
        ended: &Ended,
        stored: StoredWeights,
    ) -> Self {
        let log = std::fs::read_to_string(node::log_file(ended.folder.path())).unwrap();
        let journal = Store::open(&node::state_file(ended.folder.path())).unwrap();
        let records = journal.commits().unwrap();
        let (n_windows, n_missed) = windows(start, witness);
        check_journal(&witness.settings, &records);
        check_stored(mode, &records, stored);
        check_flat("node", &ended.node);
        check_flat("chain", &ended.chain);
        assert!(witness.most_connections <= MAX_CONNECTIONS, "{}", witness.most_connections);
        let mut outcomes = BTreeMap::new();
        for record in &records {
            let label = record.outcome.as_ref().map_or("open", |outcome| outcome.label());
            *outcomes.entry(label).or_default() += 1;
        }
        Self {
            n_blocks: witness.head - start,
            n_settings: witness.settings.len(),
            n_windows,
            n_missed,
            n_accepted: witness.accepted.len(),
            n_kills: ended.n_kills,
            points: ended.points.clone(),
            n_disconnects: log.matches("lost the chain's node").count(),
            n_upgrades: witness.n_upgrades,
            outcomes,
            n_reveals: witness.reveals.len(),
            connections: witness.connections,
            most_connections: witness.most_connections,
            node: ended.node,
            chain: ended.chain,
        }
    }
}

/// The number of windows, and of those without weights. A window opens when a setting is [`window`]
/// blocks old. It may pass without weights only if the chain took no transaction in it.
fn windows(start: u64, witness: &Witness) -> (u64, u64) {
    let (mut n_windows, mut n_missed) = (0, 0);
    let blocks: Vec<u64> = witness.settings.iter().map(|setting| setting.block).collect();
    let last = blocks.last().copied().unwrap();
    for (before, block) in std::iter::once(&start).chain(&blocks).zip(&blocks) {
        // The first one counts from the registration, some blocks before the start.
        let is_first = before == &start;
        assert!(is_first || before + window() <= *block, "twice in a window: {blocks:?}");
        let n_passed = (block - before).saturating_sub(window()) / window();
        n_windows += n_passed + 1;
        for number in 1..=n_passed {
            let over = before + number * window()..before + (number + 1) * window();
            let taken = witness.accepted.range(over.clone()).next();
            assert_eq!(taken, None, "no weights in the window {over:?}: {blocks:?}");
            n_missed += 1;
        }
    }
    assert!(witness.head < last + 2 * window(), "no weights since {last}: {}", witness.head);
    (n_windows, n_missed)
}

/// The journal and the chain agree block by block, and no entry is open.
fn check_journal(settings: &[Setting], records: &[CommitRecord]) {
    let journalled: Vec<Setting> = records
        .iter()
        .filter_map(|record| {
            let hash = record.intent.sealed.map(|sealed| sealed.hash);
            record.landed().map(|block| Setting { block, hash })
        })
        .collect();
    assert_eq!(journalled, settings, "journal and chain disagree");
    for record in records {
        let label = record.outcome.as_ref().map(|outcome| outcome.label());
        assert!(matches!(label, Some("landed" | "refused" | "lost")), "{record:?}");
        assert_ne!(record.reveal, Some(RevealOutcome::NotRevealed), "{record:?}");
    }
}

/// The chain holds the weights that the journal says were set, or revealed, last.
fn check_stored(mode: Mode, records: &[CommitRecord], stored: StoredWeights) {
    let counts = |record: &&CommitRecord| match mode {
        Mode::Plain => record.landed().is_some(),
        Mode::Sealed => record.reveal == Some(RevealOutcome::Revealed),
    };
    let last = records.iter().rfind(counts).unwrap();
    assert_eq!(stored, last.intent.weights.entries(), "{last:?}");
}

fn check_flat(who: &str, span: &Span) {
    let Span { first, most, n_looks, .. } = span;
    assert!(*n_looks > 1, "{who} was not looked at: {span:?}");
    assert!(most.rss_kib <= first.rss_kib + first.rss_kib / 2 + MORE_KIB, "{who}: {span:?}");
    assert!(most.files <= first.files + MORE_FILES, "{who}: {span:?}");
    assert!(most.threads <= first.threads + MORE_THREADS, "{who}: {span:?}");
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kib: u64| kib as f64 / 1024.0;
        let Self { first, last, most, .. } = self;
        write!(
            f,
            "memory {:.1} -> {:.1} (most {:.1}) MiB, files {} -> {} (most {}), threads {} -> {}",
            mib(first.rss_kib),
            mib(last.rss_kib),
            mib(most.rss_kib),
            first.files,
            last.files,
            most.files,
            first.threads,
            last.threads
        )
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} blocks, {} tempos, {} windows, {} settings, {} missed, 0 twice, {} reveals",
            self.n_blocks,
            self.n_blocks / (TEMPO + 1),
            self.n_windows,
            self.n_settings,
            self.n_missed,
            self.n_reveals
        )?;
        writeln!(
            f,
            "  {} kills, failpoints {:?}, {} connections lost, {} upgrades, journal {:?}, \
             {} transactions of the probe",
            self.n_kills,
            self.points,
            self.n_disconnects,
            self.n_upgrades,
            self.outcomes,
            self.n_accepted
        )?;
        writeln!(f, "  connections {} (most {})", self.connections, self.most_connections)?;
        writeln!(f, "  node in its last life: {}", self.node)?;
        write!(f, "  chain: {}", self.chain)
    }
}
