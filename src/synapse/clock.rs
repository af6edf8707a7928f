//! How far this machine's clock is off, by what others' clocks say: the times in the chain's blocks,
//! and the nonces of verified callers (docs/spec/wire.md#nonce-window).
//!
//! A block is never seen before it was made, and a nonce never before it was signed. So a block or
//! a caller from the future says that our clock is behind, at least by so much. What is late may have
//! been long on its way; only what is always later than ways are long says that our clock is ahead.
//! A single caller may be the one whose clock is wrong, so callers count from three hotkeys on, by
//! their median. The window for nonces is widened by what is found, and by no more than
//! [`MAX_SLACK_NS`]: nonces still rise for each pair, so that a wide window serves nothing twice.

use std::collections::{HashMap, VecDeque};

use crate::wallet::AccountId;

/// Most by which the window is widened in either direction: 60 s.
pub const MAX_SLACK_NS: i64 = 60 * SECOND;
/// A difference is told from here on: half of what the window allows ahead leaves room for ways.
const TOLD_BEHIND_NS: i64 = 3 * SECOND;
/// Blocks and requests that come later than this were made by another clock, not sent slowly.
const LONGEST_WAY_NS: i64 = 8 * SECOND;
/// Blocks that are remembered; after so many, a clock that was put right counts as right.
const N_BLOCKS: usize = 5;
/// Blocks that must agree before our clock counts as ahead.
const LEAST_LATE_BLOCKS: usize = 3;
/// Hotkeys that must have called before they count.
const LEAST_CALLERS: usize = 3;
/// Hotkeys that are remembered.
const MAX_CALLERS: usize = 256;
/// How long what somebody said counts, in nanoseconds of our clock: ten minutes.
const COUNTS_FOR_NS: u64 = 600_000_000_000;
const SECOND: i64 = 1_000_000_000;

/// By how much the window for nonces is widened, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slack {
    /// For nonces from the future: our clock is behind.
    pub ahead_ns: i64,
    /// For old nonces: our clock is ahead.
    pub age_ns: i64,
    /// How much later this process began than it noted, by a right clock. It is never earlier: late
    /// blocks may be a node's fault, and a nonce from before the start may have been served then.
    pub start_ns: i64,
}

impl Slack {
    /// As wide as the window gets: to learn from a caller, never to serve it.
    pub const MOST: Self = Self { ahead_ns: MAX_SLACK_NS, age_ns: MAX_SLACK_NS, start_ns: 0 };
}

/// How much later than made, by our clock, something came; and when.
#[derive(Debug, Clone, Copy)]
struct Came {
    late_ns: i64,
    at_ns: u64,
}

impl Came {
    fn of(made_ns: u64, seen_ns: u64) -> Self {
        let late_ns = i128::from(seen_ns) - i128::from(made_ns);
        let late_ns = late_ns.clamp(i64::MIN.into(), i64::MAX.into());
        Self { late_ns: i64::try_from(late_ns).unwrap_or_default(), at_ns: seen_ns }
    }

    /// Whether it counts at a time; what came in the future was seen before our clock was set back.
    fn counts(&self, now_ns: u64) -> bool {
        self.at_ns <= now_ns && now_ns - self.at_ns < COUNTS_FOR_NS
    }
}

/// What others' clocks have said lately.
#[derive(Debug, Default)]
pub struct ClockEvidence {
    blocks: VecDeque<Came>,
    callers: HashMap<AccountId, Came>,
}

impl ClockEvidence {
    /// A block that says when it was made was first seen. Both in Unix nanoseconds.
    pub fn block(&mut self, made_ns: u64, seen_ns: u64) {
        self.blocks.push_back(Came::of(made_ns, seen_ns));
        if self.blocks.len() > N_BLOCKS {
            self.blocks.pop_front();
        }
    }

    /// A request with a valid signature of a hotkey that is served, whose nonce is Unix time.
    pub fn caller(&mut self, hotkey: AccountId, nonce_ns: u64, seen_ns: u64) {
        if self.callers.len() >= MAX_CALLERS && !self.callers.contains_key(&hotkey) {
            let first = self.callers.iter().min_by_key(|(_, came)| came.at_ns);
            if let Some(first) = first.map(|(hotkey, _)| *hotkey) {
                self.callers.remove(&first);
            }
        }
        self.callers.insert(hotkey, Came::of(nonce_ns, seen_ns));
    }

    /// By how much our clock is ahead of the others', in nanoseconds, negative when it is behind.
    /// 0 while nothing says that it is wrong; `None` while nobody has said anything.
    pub fn offset_ns(&self, now_ns: u64) -> Option<i64> {
        // Blocks come from many clocks that agree; callers are asked where there are none.
        let told = self.by_blocks(now_ns).or_else(|| self.by_callers(now_ns))?;
        let is_wrong = told <= -TOLD_BEHIND_NS || told > LONGEST_WAY_NS;
        Some(if is_wrong { told } else { 0 })
    }

    /// By how much the window for nonces is widened.
    pub fn slack(&self, now_ns: u64) -> Slack {
        let told = [self.by_blocks(now_ns), self.by_callers(now_ns)];
        let told = || told.into_iter().flatten();
        let most = |ns: Option<i64>| ns.unwrap_or(0).clamp(0, MAX_SLACK_NS);
        let ahead_ns = most(told().map(i64::saturating_neg).max());
        let age_ns = most(told().filter(|late| *late > LONGEST_WAY_NS).max());
        Slack { ahead_ns, age_ns, start_ns: ahead_ns }
    }

    /// The least delay of the blocks. What is late counts only once several agree.
    fn by_blocks(&self, now_ns: u64) -> Option<i64> {
        let late =
            || self.blocks.iter().filter(|came| came.counts(now_ns)).map(|came| came.late_ns);
        let least = late().min()?;
        let is_sure = least <= LONGEST_WAY_NS || late().count() >= LEAST_LATE_BLOCKS;
        is_sure.then_some(least)
    }

    /// The median delay of the callers.
    fn by_callers(&self, now_ns: u64) -> Option<i64> {
        let counting = self.callers.values().filter(|came| came.counts(now_ns));
        let mut late: Vec<i64> = counting.map(|came| came.late_ns).collect();
        late.sort_unstable();
        let is_enough = late.len() >= LEAST_CALLERS;
        late.get(late.len() / 2).copied().filter(|_| is_enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000_000_000;

    fn seconds(number: i64) -> i64 {
        number * SECOND
    }

    fn ahead(number: i64) -> Slack {
        Slack { ahead_ns: seconds(number), start_ns: seconds(number), age_ns: 0 }
    }

    /// The time that a right clock shows when ours, which is so much ahead, shows `NOW`.
    fn right(ahead: i64) -> u64 {
        NOW.saturating_add_signed(-seconds(ahead))
    }

    #[test]
    fn a_block_from_the_future_says_that_our_clock_is_behind() {
        let mut evidence = ClockEvidence::default();
        assert_eq!((evidence.offset_ns(NOW), evidence.slack(NOW)), (None, Slack::default()));
        // Eight seconds behind; the block was two on its way.
        evidence.block(right(-6), NOW);
        assert_eq!(evidence.offset_ns(NOW), Some(seconds(-6)));
        assert_eq!(evidence.slack(NOW), ahead(6));
        // The clock is put right: a few blocks later nothing is wrong any more.
        for _ in 0..N_BLOCKS {
            evidence.block(right(2), NOW);
        }
        assert_eq!((evidence.offset_ns(NOW), evidence.slack(NOW)), (Some(0), Slack::default()));
    }

    #[test]
    fn only_blocks_that_are_all_too_late_say_that_our_clock_is_ahead() {
        let mut evidence = ClockEvidence::default();
        evidence.block(right(30), NOW);
        evidence.block(right(31), NOW);
        assert_eq!(evidence.offset_ns(NOW), None, "two may have been on their way");
        evidence.block(right(40), NOW);
        assert_eq!(evidence.offset_ns(NOW), Some(seconds(30)));
        let slack = Slack { age_ns: seconds(30), start_ns: 0, ahead_ns: 0 };
        assert_eq!(evidence.slack(NOW), slack);
        evidence.block(right(4), NOW);
        assert_eq!(evidence.offset_ns(NOW), Some(0), "one came in time");
    }

    #[test]
    fn callers_count_from_three_on_and_one_of_them_may_be_wrong() {
        let mut evidence = ClockEvidence::default();
        let caller = |number: u8| AccountId([number; 32]);
        for _ in 0..9 {
            evidence.caller(caller(1), right(-50), NOW);
        }
        evidence.caller(caller(2), right(-8), NOW);
        assert_eq!(evidence.slack(NOW), Slack::default());
        evidence.caller(caller(3), right(-9), NOW);
        assert_eq!(evidence.slack(NOW).ahead_ns, seconds(9));
        assert_eq!(evidence.offset_ns(NOW), Some(seconds(-9)));
        // Blocks have the word on what is told, callers widen the window all the same.
        evidence.block(right(1), NOW);
        assert_eq!((evidence.offset_ns(NOW), evidence.slack(NOW).ahead_ns), (Some(0), seconds(9)));
        let later = NOW + COUNTS_FOR_NS;
        assert_eq!((evidence.offset_ns(later), evidence.slack(later)), (None, Slack::default()));
    }

    #[test]
    fn a_clock_that_is_hours_off_widens_the_window_by_a_minute() {
        let mut evidence = ClockEvidence::default();
        evidence.block(right(-7200), NOW);
        assert_eq!(evidence.offset_ns(NOW), Some(seconds(-7200)));
        assert_eq!(evidence.slack(NOW), ahead(60));
        evidence.block(u64::MAX, 0);
        evidence.block(0, u64::MAX);
        assert!(evidence.slack(NOW).ahead_ns <= MAX_SLACK_NS);
    }

    #[test]
    fn the_memory_of_callers_is_bounded() {
        let mut evidence = ClockEvidence::default();
        for number in 0..2 * MAX_CALLERS as u64 {
            let mut hotkey = [0; 32];
            hotkey[..8].copy_from_slice(&number.to_le_bytes());
            evidence.caller(AccountId(hotkey), NOW, NOW + number);
        }
        assert_eq!(evidence.callers.len(), MAX_CALLERS);
    }
}
