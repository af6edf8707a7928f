//! The moving average of rewards by uid (docs/spec/mechanism.md#scores).
//!
//! The arithmetic is 32-bit, operation by operation, so that scores equal other validators' bit for
//! bit. A new hotkey on an old uid starts from zero.

/// The parameters of the moving average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Averaging {
    /// Weight of the new rewards, in 0..1.
    pub alpha: f64,
    /// Amount that every score loses in each step, asked or not (docs/spec/mechanism.md#quirk-35).
    pub decay: f64,
}

impl Default for Averaging {
    fn default() -> Self {
        Self { alpha: 0.1, decay: 0.001 }
    }
}

/// Whether the list of axons (addresses and hotkeys) equals that of the last resync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axons {
    /// The list is the same: known hotkeys stay as they are.
    Unchanged,
    /// The list differs, or there was no resync yet.
    Changed,
}

/// Why rewards cannot enter the scores, which then stay unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    /// A uid lies beyond the known ones.
    #[error("scored uid {uid}, but only {size} are known; resync with the metagraph first")]
    UnknownUid {
        /// The unknown uid.
        uid: u16,
        /// Number of known uids.
        size: usize,
    },
    /// The lists of rewards and of uids differ in length.
    #[error("read {rewards} rewards for {uids} uids; give one for each uid")]
    Count {
        /// Number of uids.
        uids: usize,
        /// Number of rewards.
        rewards: usize,
    },
}

/// The score and the hotkey of every uid. `H` is any type of hotkey.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores<H> {
    values: Vec<f32>,
    hotkeys: Vec<H>,
}

impl<H: Clone + Eq> Scores<H> {
    /// Scores of zero for these hotkeys, in order of uid.
    pub fn new(hotkeys: Vec<H>) -> Self {
        Self { values: vec![0.0; hotkeys.len()], hotkeys }
    }

    /// Saved scores. A list shorter than the hotkeys is filled with zeros, a longer one is cut.
    pub fn restore(mut values: Vec<f32>, hotkeys: Vec<H>) -> Self {
        values.resize(hotkeys.len(), 0.0);
        Self { values, hotkeys }
    }

    /// The scores, in order of uid.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The hotkeys that the scores belong to, in order of uid.
    pub fn hotkeys(&self) -> &[H] {
        &self.hotkeys
    }

    /// Adds the rewards of one step: the average moves for the uids that were asked, and every uid
    /// loses the decay, down to 0.
    ///
    /// If any reward is NaN, it counts as 0, and infinite ones count as the largest finite number.
    /// Without a NaN, infinite rewards are used unchanged.
    ///
    /// # Errors
    ///
    /// A uid beyond the known ones, or lists of different lengths; nothing changes then.
    pub fn update(
        &mut self,
        uids: &[u16],
        rewards: &[f32],
        averaging: Averaging,
    ) -> Result<(), ScoreError> {
        self.check(uids, rewards)?;
        let rewards = without_nan(rewards);
        let mut step = self.values.clone();
        for (&uid, &reward) in uids.iter().zip(&rewards) {
            step[usize::from(uid)] = reward;
        }
        let alpha = averaging.alpha as f32;
        let rest = (1.0 - averaging.alpha) as f32;
        let decay = averaging.decay as f32;
        for (score, new) in self.values.iter_mut().zip(step) {
            let moved = alpha * new + rest * *score - decay;
            // `max` would hide a score that is NaN.
            *score = if moved < 0.0 { 0.0 } else { moved };
        }
        Ok(())
    }

    /// Follows the metagraph: scores of changed hotkeys become 0, and the list takes the
    /// metagraph's size, larger or smaller (docs/spec/mechanism.md#quirk-34). With
    /// [`Axons::Unchanged`] only the size is compared.
    pub fn resync(&mut self, hotkeys: &[H], axons: Axons) {
        if axons == Axons::Unchanged && hotkeys.len() == self.hotkeys.len() {
            return;
        }
        let known = self.values.iter_mut().zip(&self.hotkeys).zip(hotkeys);
        for ((score, old), new) in known {
            if old != new {
                *score = 0.0;
            }
        }
        self.values.resize(hotkeys.len(), 0.0);
        self.hotkeys = hotkeys.to_vec();
    }

    fn check(&self, uids: &[u16], rewards: &[f32]) -> Result<(), ScoreError> {
        if uids.len() != rewards.len() {
            return Err(ScoreError::Count { uids: uids.len(), rewards: rewards.len() });
        }
        let size = self.values.len();
        match uids.iter().find(|&&uid| usize::from(uid) >= size) {
            Some(&uid) => Err(ScoreError::UnknownUid { uid, size }),
            None => Ok(()),
        }
    }
}

/// The rewards unchanged; if any is NaN, it and the infinite ones are replaced.
fn without_nan(rewards: &[f32]) -> Vec<f32> {
    if !rewards.iter().any(|reward| reward.is_nan()) {
        return rewards.to_vec();
    }
    let replace = |&reward: &f32| match reward {
        nan if nan.is_nan() => 0.0,
        number => number.clamp(f32::MIN, f32::MAX),
    };
    rewards.iter().map(replace).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_lines;

    /// A number, or one of the texts `NaN`, `Infinity` and `-Infinity`.
    fn number(value: &Value) -> f32 {
        match value.as_str() {
            Some(text) => text.parse().unwrap(),
            None => value.as_f64().unwrap() as f32,
        }
    }

    fn numbers(list: &[Value]) -> Vec<f32> {
        list.iter().map(number).collect()
    }

    /// The bits of each score; `None` for every NaN.
    fn bits(scores: &[f32]) -> Vec<Option<u32>> {
        let scores = scores.iter();
        scores.map(|score| (!score.is_nan()).then(|| score.to_bits())).collect()
    }

    #[derive(Deserialize)]
    struct UpdateCase {
        id: String,
        tags: Vec<String>,
        input: UpdateInput,
        output: UpdateOutput,
    }

    #[derive(Deserialize)]
    struct UpdateInput {
        scores: Vec<Value>,
        alpha: f64,
        decay: f64,
        steps: Vec<Step>,
    }

    #[derive(Deserialize)]
    struct Step {
        uids: Vec<i64>,
        rewards: Vec<Value>,
    }

    #[derive(Deserialize)]
    struct UpdateOutput {
        scores_after: Option<Vec<Vec<Value>>>,
    }

    /// The scores after each step, or `None` if a step is refused.
    fn walk(input: &UpdateInput) -> Option<Vec<Vec<f32>>> {
        let hotkeys = (0..input.scores.len()).collect();
        let mut scores = Scores::restore(numbers(&input.scores), hotkeys);
        let averaging = Averaging { alpha: input.alpha, decay: input.decay };
        let mut after = Vec::new();
        for step in &input.steps {
            let uids = step.uids.iter().map(|&uid| u16::try_from(uid).ok());
            let uids: Vec<u16> = uids.collect::<Option<_>>()?;
            scores.update(&uids, &numbers(&step.rewards), averaging).ok()?;
            after.push(scores.values().to_vec());
        }
        Some(after)
    }

    #[test]
    fn updates_match_bit_for_bit() {
        let cases: Vec<UpdateCase> = vector_lines("validation/vectors/update_scores.jsonl");
        for case in &cases {
            let mut after = walk(&case.input);
            if case.tags.iter().any(|tag| tag == "last-step-only") {
                after = after.map(|steps| steps.into_iter().next_back().into_iter().collect());
            }
            let after = after.map(|steps| steps.iter().map(|step| bits(step)).collect());
            let expected: Option<Vec<Vec<Option<u32>>>> =
                case.output.scores_after.as_ref().map(|steps| {
                    let steps = steps.iter();
                    steps.map(|step| bits(&numbers(step))).collect()
                });
            assert_eq!(after, expected, "{}", case.id);
        }
    }

    #[derive(Deserialize)]
    struct ResyncCase {
        id: String,
        input: ResyncInput,
        output: Value,
        want: Option<Value>,
    }

    #[derive(Deserialize)]
    struct ResyncInput {
        metagraph_before: Neurons,
        metagraph_after: Neurons,
        known_hotkeys: Vec<String>,
        scores: Vec<f32>,
    }

    #[derive(Deserialize, PartialEq)]
    struct Neurons {
        hotkeys: Vec<String>,
        ips: Vec<String>,
    }

    #[derive(Deserialize)]
    struct Resynced {
        scores: Vec<f32>,
        hotkeys: Vec<String>,
    }

    #[test]
    fn resyncs_match() {
        let cases: Vec<ResyncCase> = vector_lines("validation/vectors/resync.jsonl");
        for ResyncCase { id, input, output, want } in cases {
            let wanted: Resynced = serde_json::from_value(want.unwrap_or(output)).unwrap();
            let axons = if input.metagraph_before == input.metagraph_after {
                Axons::Unchanged
            } else {
                Axons::Changed
            };
            let mut scores = Scores::restore(input.scores, input.known_hotkeys);
            scores.resync(&input.metagraph_after.hotkeys, axons);
            assert_eq!(scores.hotkeys(), wanted.hotkeys, "{id}");
            assert_eq!(bits(scores.values()), bits(&wanted.scores), "{id}");
        }
    }

    #[test]
    fn a_refused_step_changes_nothing() {
        let mut scores = Scores::restore(vec![0.5, 0.25], vec!["a", "b"]);
        let before = scores.clone();
        assert_eq!(
            scores.update(&[0, 2], &[1.0, 1.0], Averaging::default()),
            Err(ScoreError::UnknownUid { uid: 2, size: 2 })
        );
        assert!(scores.update(&[0], &[], Averaging::default()).is_err());
        assert_eq!(scores, before);
    }

    proptest! {
        #[test]
        fn scores_stay_between_0_and_1(
            start in prop::collection::vec(0.0..=1.0_f32, 4),
            steps in prop::collection::vec((0..4_u16, 0.0..=1.0_f32), 0..50),
            alpha in 0.0..=1.0_f64,
        ) {
            let mut scores = Scores::restore(start, vec![0, 1, 2, 3]);
            let averaging = Averaging { alpha, decay: 0.001 };
            for (uid, reward) in steps {
                scores.update(&[uid], &[reward], averaging).unwrap();
            }
            prop_assert!(scores.values().iter().all(|score| (0.0..=1.0).contains(score)));
        }
    }
}
