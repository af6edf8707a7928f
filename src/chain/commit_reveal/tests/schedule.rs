//! Reveal rounds: the recorded ones, the edges, and a model that walks block by block.

use super::*;

impl From<StateVector> for EpochState {
    fn from(state: StateVector) -> Self {
        Self {
            last_epoch_block: state.last_epoch_block,
            pending_epoch_at: state.pending_epoch_at,
            subnet_epoch_index: state.subnet_epoch_index,
            tempo: state.tempo,
            blocks_since_last_step: state.blocks_since_last_step,
            head: state.current_block,
        }
    }
}

const STATE: EpochState = EpochState {
    last_epoch_block: 10,
    pending_epoch_at: 0,
    subnet_epoch_index: 5,
    tempo: u16::MAX,
    blocks_since_last_step: 0,
    head: 1_000,
};

fn stateful(state: EpochState, period: u64) -> Result<u64, ScheduleError> {
    EpochSchedule::Stateful(state).first_reveal_block(period)
}

#[test]
fn stateful_schedules_give_the_recorded_rounds() {
    let Vectors { drand, reveal_round_stateful: vectors, .. } = vectors();
    assert!(!vectors.is_empty());
    for vector in vectors {
        let schedule = EpochSchedule::Stateful(vector.state.into());
        let plan = plan_reveal(
            &schedule,
            vector.reveal_period_epochs,
            &drand.parameters(),
            vector.now,
            vector.block_time,
        );
        let expected =
            RevealPlan { first_block: vector.first_reveal_block, round: vector.reveal_round };
        assert_eq!(plan, Ok(expected), "{schedule:?}");
    }
}

#[test]
fn modular_schedules_give_the_recorded_rounds() {
    let Vectors { drand, reveal_round_before_stateful: vectors, .. } = vectors();
    assert!(!vectors.is_empty());
    for ModularVector { tempo, current_block, netuid, reveal_period_epochs, .. } in &vectors {
        let epochs = ModularEpochs { netuid: *netuid, tempo: *tempo, head: *current_block };
        let first =
            EpochSchedule::Modular(epochs).first_reveal_block(*reveal_period_epochs).unwrap();
        let own = epochs.epoch_at(*current_block).unwrap();
        assert_eq!(epochs.epoch_at(first), Some(own + reveal_period_epochs));
        assert_eq!(epochs.epoch_at(first - 1), Some(own + reveal_period_epochs - 1));
    }
    for vector in vectors {
        let epochs = ModularEpochs {
            netuid: vector.netuid,
            tempo: vector.tempo,
            head: vector.current_block,
        };
        let plan = plan_reveal(
            &EpochSchedule::Modular(epochs),
            vector.reveal_period_epochs,
            &drand.parameters(),
            vector.now,
            vector.block_time,
        );
        let expected =
            RevealPlan { first_block: vector.first_reveal_block, round: vector.reveal_round };
        assert_eq!(plan, Ok(expected), "{epochs:?}");
    }
}

/// Made with bittensor-drand 2.0.0: blocks after the head at which the reveal epoch begins.
#[test]
fn a_long_silence_runs_an_epoch_as_the_reference_counts_it() {
    let silent = |since, period| {
        let state = EpochState { blocks_since_last_step: since, ..STATE };
        stateful(state, period).map(|block| block - state.head)
    };
    let recorded = [
        (0, [50_402, 100_803, 151_204, 201_605]),
        (50_398, [4, 50_405, 100_806, 151_207]),
        (50_399, [3, 50_404, 100_805, 151_206]),
        (50_400, [2, 50_403, 100_804, 151_205]),
        (50_401, [50_403, 100_804, 151_205, 201_606]),
        (60_000, [50_403, 100_804, 151_205, 201_606]),
    ];
    for (since, blocks) in recorded {
        for (period, block) in (1..).zip(blocks) {
            assert_eq!(silent(since, period), Ok(block), "since {since}, period {period}");
        }
    }
}

/// Made with bittensor-drand 2.0.0, like the ones above.
#[test]
fn a_pending_epoch_runs_once() {
    let pending = |at, since, period| {
        let state = EpochState { pending_epoch_at: at, blocks_since_last_step: since, ..STATE };
        stateful(EpochState { last_epoch_block: 1_000, ..state }, period)
            .map(|block| block - state.head)
    };
    assert_eq!(pending(1_001, 0, 1), Ok(50_403));
    assert_eq!(pending(1_002, 0, 1), Ok(2));
    assert_eq!(pending(1_002, 0, 2), Ok(50_404));
    assert_eq!(pending(1_002, 50_400, 2), Ok(50_403));
}

#[test]
fn schedules_that_lead_nowhere_are_errors() {
    let none = EpochState { tempo: 0, ..STATE };
    assert_eq!(stateful(none, 1), Err(ScheduleError::NoTempo));
    assert!(!none.runs_at(u64::MAX));
    let modular = |epochs| EpochSchedule::Modular(epochs).first_reveal_block(1);
    let epochs = ModularEpochs { netuid: Netuid(1), tempo: 0, head: 5 };
    assert_eq!(modular(epochs), Err(ScheduleError::NoTempo));
    let epochs = ModularEpochs { tempo: 360, head: u64::MAX, ..epochs };
    assert_eq!(modular(epochs), Err(ScheduleError::OutOfRange));
    for period in [0, 101, u64::MAX] {
        assert_eq!(stateful(STATE, period), Err(ScheduleError::Period(period)));
    }
    let last = EpochState { head: u64::MAX, ..STATE };
    assert_eq!(stateful(last, 1), Err(ScheduleError::OutOfRange));
    let index = EpochState { subnet_epoch_index: u64::MAX, ..STATE };
    assert_eq!(stateful(index, 1), Err(ScheduleError::OutOfRange));
}

/// An epoch of one block that silence forces is stepped over, and nothing after it fits.
#[test]
fn a_search_ends_at_the_limit() {
    let state =
        EpochState { last_epoch_block: 1_001, tempo: 1, blocks_since_last_step: 50_400, ..STATE };
    assert_eq!(stateful(state, 1), Err(ScheduleError::NotReached(100_800)));
    assert_eq!(first_reveal_by_walking(state, 1), None);
}

#[test]
fn unusable_clocks_are_errors_and_rounds_begin_at_one() {
    let beacon = vectors().drand.parameters();
    let schedule = EpochSchedule::Stateful(EpochState { tempo: 50, ..STATE });
    let plan = |now, block_time| plan_reveal(&schedule, 1, &beacon, now, block_time);
    for (now, block_time) in [(f64::NAN, 12.0), (f64::INFINITY, 12.0), (0.0, 0.0), (0.0, -1.0)] {
        assert!(matches!(plan(now, block_time), Err(ScheduleError::Clock { .. })));
    }
    assert_eq!(plan(0.0, 12.0).map(|plan| plan.round), Ok(1));
    let genesis = beacon.genesis() as f64;
    assert_eq!([genesis, genesis + 5.9, genesis + 6.0].map(|at| beacon.round_at(at)), [1, 1, 2]);
}

/// The rule as it is written down, one block at a time.
fn first_reveal_by_walking(state: EpochState, period: u64) -> Option<u64> {
    let (mut last, mut pending) = (state.last_epoch_block, state.pending_epoch_at);
    let (mut index, mut since) = (state.subnet_epoch_index, state.blocks_since_last_step);
    let tempo = u64::from(state.tempo);
    let run = |block: u64, last: u64, pending: u64, since: u64| {
        (pending > 0 && block >= pending) || since > 50_400 || block >= last + tempo
    };
    let target = index + u64::from(run(state.head + 1, last, pending, since)) + period;
    for block in state.head + 1..=state.head + (period + 1) * 50_400 {
        if index + u64::from(run(block, last, pending, since)) == target {
            return Some(block);
        }
        since += 1;
        if run(block, last, pending, since) {
            (last, pending, since, index) = (block, 0, 0, index + 1);
        }
    }
    None
}

proptest! {
    #[test]
    fn leaps_end_where_steps_do(
        tempo in prop_oneof![1u16..5, 300u16..400, 50_398u16..50_404, 1u16..],
        head in 70_000u64..9_000_000,
        last in prop_oneof![-3i64..3, -400i64..0, -70_000i64..70_000],
        pending in prop_oneof![Just(None), (-3i64..4).prop_map(Some), (0i64..60_000).prop_map(Some)],
        since in prop_oneof![0u64..3, 50_397u64..50_404, 0u64..60_000],
        index in 0u64..1_000,
        period in 1u64..4,
    ) {
        let at = |offset: i64| head.checked_add_signed(offset).unwrap();
        let state = EpochState {
            last_epoch_block: at(last),
            pending_epoch_at: pending.map_or(0, at),
            subnet_epoch_index: index,
            tempo,
            blocks_since_last_step: since,
            head,
        };
        let walked = first_reveal_by_walking(state, period);
        prop_assert_eq!(stateful(state, period).ok(), walked);
    }

    #[test]
    fn any_state_is_answered(
        numbers: [u64; 5], tempo: u16, netuid: u16, period in 0u64..110, now: f64, block_time: f64
    ) {
        let [last_epoch_block, pending_epoch_at, subnet_epoch_index, blocks_since_last_step, head] =
            numbers;
        let state = EpochState {
            last_epoch_block,
            pending_epoch_at,
            subnet_epoch_index,
            tempo,
            blocks_since_last_step,
            head,
        };
        let epochs = ModularEpochs { netuid: Netuid(netuid), tempo, head };
        let key = vectors_key();
        for schedule in [EpochSchedule::Stateful(state), EpochSchedule::Modular(epochs)] {
            if let Ok(plan) = plan_reveal(&schedule, period, key, now, block_time) {
                prop_assert!(plan.first_block > head && plan.round > 0);
            }
        }
    }
}

fn vectors_key() -> &'static BeaconParameters {
    static KEY: std::sync::OnceLock<BeaconParameters> = std::sync::OnceLock::new();
    KEY.get_or_init(|| vectors().drand.parameters())
}
