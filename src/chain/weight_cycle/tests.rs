//! The cycle driven against a [`model::ModelChain`] that fails in every way it can, and killed at
//! every point where a process can die.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::chain::SealedIntent;
use crate::wallet::{AccountId, blake2b_256};
use model::{Call, LAG, MORTALITY, ModelChain, Transaction};

mod model;

const EPOCH_LENGTH: u64 = 40;
const WINDOW: u64 = EPOCH_LENGTH + 1;
/// Blocks without any fault after which weights are set at the latest.
const CALM: u64 = MORTALITY + LAG + MAX_PAUSE + MAX_RECHECK + 4;

/// How often things go wrong, of 1, and what may.
#[derive(Debug, Clone, Copy)]
struct Faults {
    rate: f64,
    /// Permit, version key and commit-reveal change, too.
    rules_change: bool,
}

fn settings() -> PlanSettings {
    let hotkey = AccountId([5; 32]);
    PlanSettings { hotkey, epoch_length: EPOCH_LENGTH, version_key: 3, is_disabled: false }
}

/// A setting that was sent and is followed.
struct Follow {
    id: CommitId,
    last_block: u64,
}

/// Chain, journal, and a node that lives and dies between them.
struct World {
    chain: ModelChain,
    journal: Vec<CommitRecord>,
    cycle: WeightCycle,
    follow: Option<Follow>,
    faults: Faults,
    rng: ChaCha8Rng,
    /// Last block in which anything went wrong.
    troubled: u64,
    n_crashes: u32,
    n_missed: usize,
    /// Blocks were taken back.
    has_rewound: bool,
}

/// The process died here.
struct Died;

impl World {
    fn new(seed: u64, commit_reveal: bool, faults: Faults) -> Self {
        Self {
            chain: ModelChain::new(commit_reveal),
            journal: Vec::new(),
            cycle: WeightCycle::new(settings(), &[]),
            follow: None,
            faults,
            rng: ChaCha8Rng::seed_from_u64(seed),
            troubled: 0,
            n_crashes: 0,
            n_missed: 0,
            has_rewound: false,
        }
    }

    /// Whether something goes wrong here.
    fn fails(&mut self, share: f64) -> bool {
        let fails = self.rng.random_bool(self.faults.rate * share);
        if fails {
            self.troubled = self.chain.head();
        }
        fails
    }

    fn failpoint(&mut self) -> Result<(), Died> {
        if self.fails(0.3) { Err(Died) } else { Ok(()) }
    }

    fn run(&mut self, n_blocks: u64) {
        for _ in 0..n_blocks {
            self.shake();
            let depth = if self.fails(0.3) { self.rng.random_range(1..=LAG) } else { 0 };
            self.has_rewound |= depth > 0;
            self.chain.produce(depth, &mut self.rng);
            if self.live().is_err() {
                self.n_crashes += 1;
                self.follow = None;
                self.cycle = WeightCycle::new(settings(), &self.journal);
            }
            self.n_missed += self.cycle.take_missed().len();
            self.check_promptness();
        }
    }

    /// What happens to the chain without our doing.
    fn shake(&mut self) {
        if self.fails(0.1) {
            self.chain.forget_one(&mut self.rng);
        }
        if self.fails(0.1) {
            let mortality = self.chain.next_transaction();
            self.chain.pool.push(Transaction { mortality, call: Call::Other });
        }
        if self.faults.rules_change {
            let rules = &mut self.chain.rules;
            let draw = self.rng.random_range(0..400);
            match draw {
                0..4 => rules.has_permit = !rules.has_permit,
                4..8 => rules.version_key = 7 - rules.version_key,
                8..10 => rules.commit_reveal = !rules.commit_reveal,
                10..14 => rules.beacon_works = !rules.beacon_works,
                _ => {}
            }
            let is_allowed = rules.has_permit && rules.version_key == 3;
            if draw < 10 || !is_allowed {
                self.troubled = self.chain.head();
            }
        }
    }

    /// One block of a node's life.
    fn live(&mut self) -> Result<(), Died> {
        self.failpoint()?;
        self.follow_on()?;
        for _ in 0..4 {
            if self.follow.is_some() || !self.cycle.wants_look(self.chain.head()) {
                break;
            }
            self.look()?;
        }
        Ok(())
    }

    fn follow_on(&mut self) -> Result<(), Died> {
        let Some(Follow { id, last_block }) = self.follow else { return Ok(()) };
        let refused = |refusal| ChainError::Refused { attempted: "weights", refusal };
        let answer = match self.chain.followed(id) {
            Some(outcome) => outcome.map_err(refused),
            None if self.fails(0.3) => Err(unreachable()),
            None if last_block <= self.chain.finalized() => Err(unreachable()),
            None => return Ok(()),
        };
        self.follow = None;
        self.answer(answer)
    }

    fn answer(&mut self, answer: Result<Included, ChainError>) -> Result<(), Died> {
        let head = self.chain.head();
        match self.cycle.answered(answer, head) {
            Some(finding) => self.write(&finding),
            None => Ok(()),
        }
    }

    /// Puts a finding into the journal.
    fn write(&mut self, finding: &Finding) -> Result<(), Died> {
        self.failpoint()?; // before_settle
        match finding {
            Finding::Settled(record, outcome) => {
                let entry = self.journal.iter_mut().find(|entry| entry.id == record.id).unwrap();
                assert_eq!(entry.outcome, None, "settled twice");
                entry.outcome = Some(outcome.clone());
            }
            Finding::Reveal(record, outcome) => {
                let entry = self.journal.iter_mut().find(|entry| entry.id == record.id).unwrap();
                assert_eq!(entry.reveal, None, "settled twice");
                entry.reveal = Some(*outcome);
            }
        }
        self.cycle.found(finding);
        Ok(())
    }

    fn look(&mut self) -> Result<(), Died> {
        self.cycle.looking(self.chain.head());
        if self.fails(1.0) {
            self.cycle.chain_unreachable();
            return Ok(());
        }
        let (finalized, mut head) = (self.chain.finalized(), self.chain.head());
        if self.fails(0.3) {
            head = head.saturating_sub(self.rng.random_range(0..12)); // A node that lags.
        }
        let view = self.chain.view(finalized, head);
        for finding in self.cycle.findings(&view) {
            self.write(&finding)?;
        }
        let scores: [f32; 3] = self.rng.random();
        let scores = if self.fails(0.2) { Err(WaitReason::NoScores) } else { Ok(&scores[..]) };
        match self.cycle.plan(&view, scores, 12.0 * head as f64) {
            Plan::Set(planned) => self.set(&planned),
            Plan::Wait { .. } | Plan::Stop { .. } => Ok(()),
        }
    }

    fn set(&mut self, planned: &PlannedSetting) -> Result<(), Died> {
        assert!(self.journal.iter().all(|entry| entry.outcome.is_some()), "two open settings");
        if self.fails(0.3) {
            self.cycle.chain_unreachable(); // No nonce.
            return Ok(());
        }
        let mortality = self.chain.next_transaction();
        let id = CommitId(self.journal.len() as i64 + 1);
        let intent = intent_of(planned, id, mortality);
        self.failpoint()?; // before_persist
        let record = CommitRecord { id, intent: intent.clone(), outcome: None, reveal: None };
        self.journal.push(record);
        self.cycle.persisted(id, intent.clone());
        self.failpoint()?; // after_persist
        self.failpoint()?; // after_sign
        let answer = self.submit(id, &intent);
        self.failpoint()?; // after_submit
        match answer {
            Ok(()) => {
                self.follow = Some(Follow { id, last_block: mortality.last_block });
                Ok(())
            }
            Err(error) => self.answer(Err(error)),
        }
    }

    fn submit(&mut self, id: CommitId, intent: &CommitIntent) -> Result<(), ChainError> {
        let refused = |refusal| ChainError::Refused { attempted: "weights", refusal };
        if self.fails(1.0) {
            return Err(unreachable());
        }
        if self.fails(1.0) {
            return Err(refused(self.any_refusal()));
        }
        let (weights, version_key) = (intent.weights.clone(), intent.version_key);
        let call = match intent.sealed {
            None => Call::Plain(id, weights, version_key),
            Some(SealedIntent { round, hash, .. }) => Call::Sealed(id, weights, round, hash),
        };
        let transaction = Transaction { mortality: intent.mortality, call };
        self.chain.submit(transaction).map_err(refused)?;
        // The answer may get lost.
        if self.fails(1.0) { Err(unreachable()) } else { Ok(()) }
    }

    fn any_refusal(&mut self) -> Refusal {
        let refusals = [
            Refusal::Outdated,
            Refusal::BadSignature,
            Refusal::PriorityTooLow,
            Refusal::PoolFull,
            Refusal::RateLimitExceeded,
            Refusal::NeuronNoValidatorPermit,
            Refusal::Unknown { name: "custom error 255".to_owned() },
        ];
        refusals[self.rng.random_range(0..refusals.len())].clone()
    }

    /// After so many calm blocks there is no excuse.
    fn check_promptness(&self) {
        let landings = &self.chain.last().landings;
        let due_at = landings.last().map_or(0, |(block, _)| block + WINDOW);
        let late = self.chain.head().saturating_sub(due_at.max(self.troubled));
        assert!(late <= CALM, "no weights {late} blocks after all was well, {:?}", self.cycle);
    }

    /// Whether the chain opened or dropped what the journal does not tell yet.
    fn has_untold(&self) -> bool {
        let is_told = |id: &CommitId| {
            self.journal.iter().any(|entry| entry.id == *id && entry.reveal.is_some())
        };
        !self.chain.last().reveals.iter().all(|(id, _)| is_told(id))
    }

    /// Ends all trouble, lets everything settle, and compares journal and chain.
    fn finish(mut self) -> Ended {
        self.faults = Faults { rate: 0.0, rules_change: false };
        self.chain.rules.beacon_works = true;
        self.chain.rules.has_permit = true;
        self.chain.rules.version_key = 3;
        self.troubled = self.chain.head();
        self.run(3 * WINDOW);
        let limit = self.chain.head() + WINDOW;
        while self.cycle.has_open() || self.has_untold() {
            assert!(self.chain.head() < limit, "unsettled: {:?}", self.cycle);
            self.run(1);
        }
        let last = self.chain.last();
        for pair in last.landings.windows(2) {
            // Where blocks are taken back, one may carry a setting that much earlier than planned.
            let slack = if self.has_rewound { LAG } else { 0 };
            assert!(pair[1].0 - pair[0].0 + slack >= WINDOW, "twice in a window: {pair:?}");
        }
        let journal: Vec<_> =
            self.journal.iter().filter_map(|entry| Some((entry.landed()?, entry.id))).collect();
        let longest = journal.len().max(last.landings.len());
        let differs = (0..longest).find(|i| journal.get(*i) != last.landings.get(*i));
        let shown = differs.map(|i| (journal.get(i), last.landings.get(i)));
        let entry = shown.and_then(|(_, landed)| {
            self.journal.iter().find(|entry| Some(entry.id) == landed.map(|landed| landed.1))
        });
        assert_eq!(shown, None, "journal and chain disagree: {entry:?}");
        for entry in &self.journal {
            let opened = last.reveals.iter().find(|(id, _)| *id == entry.id).map(|(_, open)| *open);
            match entry.reveal {
                Some(RevealOutcome::Revealed) => assert_eq!(opened, Some(true), "{entry:?}"),
                Some(RevealOutcome::NotRevealed) => assert_eq!(opened, Some(false), "{entry:?}"),
                Some(RevealOutcome::Superseded) => assert!(opened.is_some(), "{entry:?}"),
                None => assert_eq!(opened, None, "{entry:?}"),
            }
        }
        Ended {
            landings: last.landings.iter().map(|(block, _)| *block).collect(),
            attempts: self.journal.iter().map(|entry| entry.intent.planned_block).collect(),
            n_crashes: self.n_crashes,
            n_missed: self.n_missed,
            outcomes: self.journal.iter().filter_map(|entry| entry.outcome.clone()).collect(),
            reveals: self.journal.iter().filter_map(|entry| entry.reveal).collect(),
        }
    }
}

/// How a world ended.
struct Ended {
    landings: Vec<u64>,
    /// Planned blocks of all settings, those that never landed too.
    attempts: Vec<u64>,
    n_crashes: u32,
    n_missed: usize,
    outcomes: Vec<CommitOutcome>,
    reveals: Vec<RevealOutcome>,
}

impl Ended {
    /// Settings begun after a window was over, and before the next one that landed.
    fn late_attempts(&self, landed: u64, next: u64) -> usize {
        self.attempts.iter().filter(|block| (landed + WINDOW..next).contains(*block)).count()
    }
}

fn unreachable() -> ChainError {
    ChainError::Unreachable { attempted: "weights", reason: "gone".to_owned() }
}

/// As [`PlannedSetting::intent`], without the price of sealing.
fn intent_of(
    planned: &PlannedSetting,
    id: CommitId,
    mortality: crate::chain::Mortality,
) -> CommitIntent {
    CommitIntent {
        planned_block: planned.planned_block,
        last_update: planned.last_update,
        uid: planned.uid,
        weights: planned.weights.clone(),
        version_key: planned.version_key,
        sealed: planned.sealing.as_ref().map(|sealing| SealedIntent {
            hash: blake2b_256(&id.0.to_le_bytes()),
            round: sealing.round,
            version: sealing.terms.version,
            reveal_block: sealing.reveal_block,
        }),
        mortality,
    }
}

#[test]
fn a_calm_chain_gets_weights_at_the_first_block_of_every_window() {
    for commit_reveal in [false, true] {
        let faults = Faults { rate: 0.0, rules_change: false };
        let mut world = World::new(1, commit_reveal, faults);
        world.run(100 * WINDOW);
        let ended = world.finish();
        assert!(ended.landings.len() >= 85, "{}", ended.landings.len());
        assert_eq!((ended.n_crashes, ended.n_missed), (0, 0));
        assert!(ended.landings.windows(2).all(|pair| pair[1] - pair[0] <= WINDOW + MORTALITY));
        assert!(ended.reveals.iter().all(|reveal| *reveal != RevealOutcome::NotRevealed));
        assert_eq!(ended.reveals.is_empty(), !commit_reveal);
    }
}

#[test]
fn hundreds_of_deaths_cost_none_of_a_thousand_windows() {
    for (seed, commit_reveal) in [(2, false), (3, true)] {
        let mut world = World::new(seed, commit_reveal, Faults { rate: 0.05, rules_change: false });
        world.run(1_000 * WINDOW);
        let ended = world.finish();
        let missed = ended.landings.windows(2).filter(|pair| pair[1] - pair[0] >= 2 * WINDOW);
        for pair in missed.clone() {
            // Only where the chain lost one setting after the other.
            assert!(ended.late_attempts(pair[0], pair[1]) > 3, "{pair:?}");
        }
        assert!(ended.n_missed <= missed.count(), "{}", ended.n_missed);
        assert!(ended.n_crashes > 200, "{}", ended.n_crashes);
        for label in ["landed", "refused", "lost"] {
            assert!(ended.outcomes.iter().any(|outcome| outcome.label() == label), "{label}");
        }
    }
}

#[test]
fn what_a_fork_takes_back_is_not_told() {
    let mut world = World::new(1, true, Faults { rate: 0.0, rules_change: false });
    world.chain.rules.beacon_works = false;
    while world.chain.last().reveals.is_empty() {
        world.run(1);
    }
    world.chain.rules.beacon_works = true;
    world.chain.produce(1, &mut ChaCha8Rng::seed_from_u64(1));
    world.has_rewound = true;
    let ended = world.finish();
    assert_eq!(ended.reveals.first(), Some(&RevealOutcome::Revealed));
}

#[test]
fn rules_that_change_all_the_time_stop_and_resume_the_committer() {
    for seed in 10..16 {
        let mut world = World::new(seed, seed % 2 == 0, Faults { rate: 0.1, rules_change: true });
        world.run(200 * WINDOW);
        let ended = world.finish();
        assert!(ended.n_missed > 0, "windows without a permit are counted");
        assert!(ended.landings.len() > 20, "{}", ended.landings.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn journal_and_chain_agree_whatever_happens(
        seed: u64, commit_reveal: bool, rate in 0.0..0.6, rules_change: bool
    ) {
        let mut world = World::new(seed, commit_reveal, Faults { rate, rules_change });
        world.run(20 * WINDOW);
        world.finish();
    }
}
