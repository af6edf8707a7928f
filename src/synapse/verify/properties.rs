//! Random histories of requests, compared with a reference that forgets nothing.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::synapse::headers::Terminal;
use crate::synapse::{Endpoint, SDK_VERSION};

const START: i128 = 1_800_000_000_000_000_000;
const S: i128 = 1_000_000_000;
/// Only ten, because encoding an address is slow.
static HOTKEYS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..10).map(|idx| AccountId([idx; 32]).to_ss58()).collect());

/// Everything that decides on a request except its signature, which these histories treat as valid.
#[derive(Debug, Clone, Copy)]
struct Request {
    hotkey: u8,
    uuid: u8,
    version: Option<i128>,
    nonce: i128,
    timeout_s: f64,
}

impl Request {
    /// The fields that the signature covers; a replay may change all others.
    fn signed(&self) -> (u8, u8, i128) {
        (self.hotkey, self.uuid, self.nonce)
    }

    fn head(&self) -> RequestHead {
        RequestHead {
            endpoint: Endpoint::Prompt,
            timeout: Some(self.timeout_s),
            axon: Terminal::default(),
            dendrite: Terminal {
                version: self.version,
                nonce: Some(self.nonce),
                uuid: Some(self.uuid.to_string()),
                hotkey: Some(HOTKEYS[usize::from(self.hotkey)].clone()),
                ..Terminal::default()
            },
            header_size: None,
            total_size: None,
            body_hash: None,
        }
    }
}

fn serve(verifier: &Verifier, request: &Request, now: i128) -> Result<(), VerifyError> {
    let now = u64::try_from(now).unwrap();
    let claim = verifier.check_nonce(&request.head(), "axon", now, Slack::default())?;
    verifier.record(&claim, now)
}

/// One step of a history.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The clock moves by this many nanoseconds, possibly backwards.
    Wait(i128),
    /// A request whose nonce has this distance from the clock (Unix) or from zero (monotonic).
    Ask { hotkey: u8, uuid: u8, timeout_s: f64, nonce: Nonce },
    /// A request that was served before is sent again, with other unsigned headers.
    Replay { idx: prop::sample::Index, timeout_s: f64, is_modern: bool },
}

#[derive(Debug, Clone, Copy)]
enum Nonce {
    Unix {
        offset: i128,
        is_modern: bool,
    },
    /// At this distance from the end of the request's own window.
    Edge(i128),
    Monotonic(i128),
}

impl Nonce {
    fn at(self, now: i128, timeout_s: f64) -> (i128, Option<i128>) {
        let modern = Some(i128::from(SDK_VERSION));
        match self {
            Self::Unix { offset, is_modern } => (now + offset, modern.filter(|_| is_modern)),
            Self::Edge(offset) => {
                (now - 4 * S - (timeout_s.min(60.0) * 1e9) as i128 + offset, modern)
            }
            Self::Monotonic(nonce) => (nonce, Some(711)),
        }
    }
}

fn timeouts() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.0, 0.1, 1.0, 12.0, 15.0, 59.999, 60.0, 61.0, 1e9])
}

/// Distances around every limit of the window.
fn offsets() -> impl Strategy<Value = i128> {
    let edges = vec![-64 * S, -19 * S, -16 * S, -4 * S, -S, 0, S, 5 * S, 3600 * S, -3600 * S];
    (prop::sample::select(edges), -1..=1_i128).prop_map(|(edge, by)| edge + by)
}

fn nonces() -> impl Strategy<Value = Nonce> {
    prop_oneof![
        4 => (offsets(), any::<bool>()).prop_map(|(offset, is_modern)| Nonce::Unix { offset, is_modern }),
        4 => (-8 * S..5 * S, any::<bool>()).prop_map(|(offset, is_modern)| Nonce::Unix { offset, is_modern }),
        2 => (-1..=1_i128).prop_map(Nonce::Edge),
        2 => (1..20_i128).prop_map(Nonce::Monotonic),
    ]
}

/// Histories of `n_hotkeys` hotkeys with `n_uuids` uuids each.
fn histories(
    n_hotkeys: u8,
    n_uuids: u8,
    waits: impl Strategy<Value = i128>,
) -> impl Strategy<Value = Vec<Step>> {
    let ask = (0..n_hotkeys, 0..n_uuids, timeouts(), nonces())
        .prop_map(|(hotkey, uuid, timeout_s, nonce)| Step::Ask { hotkey, uuid, timeout_s, nonce });
    let replay = (any::<prop::sample::Index>(), timeouts(), any::<bool>())
        .prop_map(|(idx, timeout_s, is_modern)| Step::Replay { idx, timeout_s, is_modern });
    let step = prop_oneof![2 => waits.prop_map(Step::Wait), 5 => ask, 4 => replay];
    prop::collection::vec(step, 1..80)
}

fn rising_waits() -> impl Strategy<Value = i128> {
    prop::sample::select(vec![
        0,
        1,
        S,
        4 * S,
        5 * S,
        59 * S,
        60 * S,
        64 * S - 1,
        64 * S,
        64 * S + 1,
        69 * S,
        70 * S,
    ])
}

fn any_waits() -> impl Strategy<Value = i128> {
    prop_oneof![rising_waits(), (-200 * S..200 * S)]
}

/// Plays a history: gives each request with its time and whether it is a replay.
struct Player {
    now: i128,
    served: Vec<Request>,
}

impl Player {
    fn new() -> Self {
        Self { now: START, served: Vec::new() }
    }

    /// Moves the clock, or returns the next request.
    fn next(&mut self, step: Step) -> Option<Request> {
        match step {
            Step::Wait(ns) => {
                self.now += ns;
                None
            }
            Step::Ask { hotkey, uuid, timeout_s, nonce } => {
                let (nonce, version) = nonce.at(self.now, timeout_s);
                Some(Request { hotkey, uuid, version, nonce, timeout_s })
            }
            Step::Replay { idx, timeout_s, is_modern } => {
                let old = self.served.get(idx.index(self.served.len().max(1)))?;
                let version = Some(i128::from(SDK_VERSION)).filter(|_| is_modern);
                Some(Request { timeout_s, version, ..*old })
            }
        }
    }
}

/// The rules without bounded memory: a window for each request, and a last nonce of each pair.
#[derive(Default)]
struct Reference {
    last: HashMap<(u8, u8), i128>,
}

impl Reference {
    fn serve(&mut self, request: &Request, now: i128) -> &'static str {
        let Request { nonce, .. } = *request;
        let is_unix = request.version.is_some_and(|n| n >= 7_002_000) || nonce >= 10_i128.pow(18);
        let window_ns = 4 * S + (request.timeout_s.min(60.0) * 1e9) as i128;
        if is_unix && now - nonce >= window_ns {
            return "stale_nonce";
        }
        if is_unix && nonce - now > 5 * S {
            return "future_nonce";
        }
        match self.last.insert((request.hotkey, request.uuid), nonce) {
            Some(last) if nonce <= last => {
                self.last.insert((request.hotkey, request.uuid), last);
                "replayed_nonce"
            }
            _ => "ok",
        }
    }
}

fn label(outcome: Result<(), VerifyError>) -> &'static str {
    outcome.map_or_else(|error| error.label(), |()| "ok")
}

fn small(n_max_pairs: usize, n_max_pairs_per_account: usize) -> VerifierConfig {
    VerifierConfig { n_max_pairs, n_max_pairs_per_account, ..VerifierConfig::default() }
}

proptest! {
    /// With room for all pairs, bounded memory and expiry change no answer, to the nanosecond. The
    /// waits of a history add up to hours, so no monotonic nonce expires.
    #[test]
    fn verdicts_are_those_of_the_reference(history in histories(3, 4, rising_waits())) {
        let verifier = Verifier::new(VerifierConfig::default());
        let (mut reference, mut player) = (Reference::default(), Player::new());
        for step in history {
            let Some(mut request) = player.next(step) else { continue };
            // The reference does not model a pair that uses two clocks in turn.
            request.uuid = request.uuid & 7 | if request.nonce < START / 2 { 8 } else { 0 };
            let expected = reference.serve(&request, player.now);
            prop_assert_eq!(label(serve(&verifier, &request, player.now)), expected, "{:?}", request);
            if expected == "ok" {
                player.served.push(request);
            }
        }
    }

    /// Holds for any size of memory, any number of hotkeys and uuids, and any change of the clock.
    #[test]
    fn nothing_is_served_twice(
        history in histories(6, 12, any_waits()),
        n_pairs in 1..12_usize,
        n_pairs_per_account in 1..5_usize,
    ) {
        let verifier = Verifier::new(small(n_pairs, n_pairs_per_account));
        let (mut player, mut seen) = (Player::new(), HashSet::new());
        for step in history {
            let Some(request) = player.next(step) else { continue };
            if serve(&verifier, &request, player.now).is_ok() {
                prop_assert!(seen.insert(request.signed()), "{:?} is served again", request);
                player.served.push(request);
            }
            prop_assert!(verifier.n_pairs() <= 2 * n_pairs.max(2));
        }
    }

    /// Holds across a restart too, if the start is set past what may have been ahead.
    #[test]
    fn no_unix_nonce_is_served_twice_across_a_restart(
        before in histories(2, 3, rising_waits()),
        after in histories(2, 3, rising_waits()),
    ) {
        let (mut player, mut seen) = (Player::new(), HashSet::new());
        let mut verifier = Verifier::new(VerifierConfig::default());
        for (life, history) in [before, after].into_iter().enumerate() {
            if life == 1 {
                let started = u64::try_from(player.now).unwrap() + MAX_AHEAD_NS;
                let started_unix_ns = Some(started);
                verifier = Verifier::new(VerifierConfig { started_unix_ns, ..VerifierConfig::default() });
            }
            for step in history {
                let Some(request) = player.next(step) else { continue };
                if serve(&verifier, &request, player.now).is_ok() {
                    let is_new = seen.insert(request.signed());
                    prop_assert!(is_new || request.nonce < 100, "{:?} is served again", request);
                    player.served.push(request);
                }
            }
        }
    }

    /// A caller with fresh nonces is served each time, while others fill their share of the memory
    /// with whatever they like.
    #[test]
    fn honest_callers_are_served_whatever_others_do(history in histories(3, 40, rising_waits())) {
        let verifier = Verifier::new(small(3 * 4 + 1, 4));
        let mut player = Player::new();
        for (turn, step) in (0..).zip(history) {
            if let Some(request) = player.next(step)
                && serve(&verifier, &request, player.now).is_ok()
            {
                player.served.push(request);
            }
            // A nonce is the time of the request, and no two are equal.
            player.now += 1;
            let honest = Request {
                hotkey: 9,
                uuid: turn / 50,
                version: Some(i128::from(SDK_VERSION)),
                nonce: player.now,
                timeout_s: 12.0,
            };
            prop_assert_eq!(serve(&verifier, &honest, player.now), Ok(()));
        }
    }
}

#[test]
fn the_window_ends_at_the_nanosecond() {
    for timeout_s in [0.0, 12.0, 60.0, 1e9] {
        let oldest = START - 4 * S - (f64::min(timeout_s, 60.0) as i128) * S;
        for (nonce, expected) in [
            (oldest - 1, "stale_nonce"),
            (oldest, "stale_nonce"),
            (oldest + 1, "ok"),
            (START + 5 * S, "ok"),
            (START + 5 * S + 1, "future_nonce"),
        ] {
            for version in [Some(i128::from(SDK_VERSION)), None] {
                let request = Request { hotkey: 1, uuid: 1, version, nonce, timeout_s };
                let verifier = Verifier::new(VerifierConfig::default());
                assert_eq!(label(serve(&verifier, &request, START)), expected, "{request:?}");
            }
        }
    }
}

#[test]
fn a_pair_that_was_pushed_out_cannot_be_replayed_and_can_go_on() {
    let verifier = Verifier::new(small(100, 4));
    let ask = |uuid: u8, nonce: i128| Request {
        hotkey: 1,
        uuid,
        version: Some(i128::from(SDK_VERSION)),
        nonce,
        timeout_s: 60.0,
    };
    for uuid in 0..10 {
        serve(&verifier, &ask(uuid, START + i128::from(uuid)), START).unwrap();
    }
    assert_eq!(verifier.n_pairs(), 4);
    for uuid in 0..10 {
        let expected = if uuid < 6 { "forgotten_nonce" } else { "replayed_nonce" };
        let again = ask(uuid, START + i128::from(uuid));
        assert_eq!(label(serve(&verifier, &again, START)), expected, "{uuid}");
    }
    assert_eq!(serve(&verifier, &ask(0, START + S), START), Ok(()));
    let other = Request { hotkey: 2, ..ask(0, START - 60 * S) };
    assert_eq!(serve(&verifier, &other, START), Ok(()), "others are not held to this floor");
}

#[test]
fn nonces_from_before_the_start_are_refused_under_the_strict_policy_alone() {
    let started_unix_ns = Some(u64::try_from(START).unwrap());
    for (policy, nonce, expected) in [
        (VerifyPolicy::Strict, START - 1, "nonce_before_start"),
        (VerifyPolicy::Strict, START, "nonce_before_start"),
        (VerifyPolicy::Strict, START + 1, "ok"),
        (VerifyPolicy::Strict, 5, "ok"),
        (VerifyPolicy::Lenient, START, "ok"),
    ] {
        let version = Some(if nonce == 5 { 711 } else { i128::from(SDK_VERSION) });
        let config = VerifierConfig { policy, started_unix_ns, ..VerifierConfig::default() };
        let request = Request { hotkey: 1, uuid: 1, version, nonce, timeout_s: 12.0 };
        assert_eq!(label(serve(&Verifier::new(config), &request, START + S)), expected);
    }
}
