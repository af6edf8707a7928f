//! The committer under chaos. `sn1 devchain` makes blocks of 50 ms, or slower ones on a busy
//! machine, and misbehaves. A node follows it, is killed at every failpoint around signing and at
//! random moments, and is started again. The verdict rests on the chain: weights in every window in
//! which it took any transaction, never two in a window, and at the end a journal that agrees with
//! it.
//!
//! A short run with sealed weights is part of every test run; `make chaos CHAOS=forty` runs one
//! with plain weights. `make chaos` is the long run: a thousand tempos, twenty kills and two
//! runtime upgrades, first with plain weights, then with sealed ones, about ten minutes each.
//! `SN1_CHAOS_SEED` repeats the draws of a run, `SN1_CHAOS_TEMPOS` sets the length of the long
//! runs, and `SN1_CHAOS_WINDOW` gives a slow machine more blocks for each setting.
//!
//! A window has room for the era that a death between journal and signature costs (64 blocks), for
//! a restart and for a lost connection. Blocks of 50 ms are 240 times as fast as the main
//! network's, but restarts and sockets are not, so the window here is longer than the 100 blocks
//! there.

#![expect(clippy::disallowed_methods, reason = "a test's tasks need no name")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "chaos/lives.rs"]
mod lives;
#[path = "chaos/node.rs"]
mod node;
#[allow(dead_code, reason = "shared with the tests of the dev chain, which use all of it")]
#[path = "devchain/process.rs"]
mod process;
#[path = "chaos/verdict.rs"]
mod verdict;
#[path = "chaos/witness.rs"]
mod witness;

use std::fs::File;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sn1::chain::transaction::Call;
use sn1::chain::{Chain, Netuid, PrometheusInfo, RAO_PER_TAO};
use sn1::wallet::Keypair;
use sn1_actors::chain::Failpoint;
use sn1_actors::chain::subtensor::{Deadlines, Network, Roots, Subtensor, SubtensorSettings};
use strum::VariantArray;
use tokio::sync::watch;

use lives::{Death, Lives};
use process::{DevChain, sn1};
use verdict::Verdict;
use witness::Witness;

const NETUID: Netuid = Netuid(1);
/// Blocks between two weight settings, unless `SN1_CHAOS_WINDOW` sets another number.
const WINDOW: u64 = 240;
const TEMPO: u64 = 10;
/// Epochs from commit to reveal: longer than an era, as on the main network, so that no commit that
/// is late goes stale.
const REVEAL_PERIOD: u64 = 8;
/// The rate of the chain's own random misbehaviour, per block.
const CHAOS: &str = "0.03";
/// The run ends when the last setting is this many blocks old: it is settled, and the next is not
/// due.
const CALM_AFTER: u64 = 150;
/// A weight setting is not begun within this many blocks before it is due.
const BEFORE_DUE: u64 = 40;
/// The deadline of every wait during the set-up.
const SOON: Duration = Duration::from_secs(60);

fn key(path: &str) -> Keypair {
    Keypair::from_dev_path(path).unwrap()
}

/// A window is counted in blocks, and restarts take longer on a busy machine: 50 ms for each
/// process that wants a core, up to four times as much.
fn block_time() -> Duration {
    static BLOCK_TIME: OnceLock<Duration> = OnceLock::new();
    *BLOCK_TIME.get_or_init(|| {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: f64 = load.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0);
        let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
        let block_time = Duration::from_millis(50).mul_f64((load / n_cores as f64).clamp(1.0, 4.0));
        eprintln!("blocks of {} ms at a load of {load}", block_time.as_millis());
        block_time
    })
}

/// The node's process reads it from its environment too.
fn window() -> u64 {
    let window = std::env::var("SN1_CHAOS_WINDOW").ok();
    window.map_or(WINDOW, |window| window.parse().unwrap())
}

/// The hotkey under test.
fn validator() -> Keypair {
    key("//Validator")
}

/// How the chain takes weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Sealed,
}

/// The size of a run.
struct Size {
    tempos: u64,
    deaths: Vec<Death>,
    n_upgrades: u64,
}

impl Size {
    /// Every failpoint once and two kills, in as few windows as possible: each window has at most
    /// one death that costs an era.
    fn short(dice: &mut StdRng) -> Self {
        let mut kill = || Death::Kill { after: dice.random_range(0..window() - BEFORE_DUE) };
        let deaths = vec![
            Death::At(Failpoint::BeforePersist, 1),
            Death::At(Failpoint::AfterSubmit, 1),
            Death::At(Failpoint::BeforeSettle, 1),
            kill(),
            Death::At(Failpoint::AfterPersist, 1),
            kill(),
            Death::At(Failpoint::AfterSign, 1),
        ];
        Self { tempos: 40, deaths, n_upgrades: 1 }
    }

    /// Twenty kills at random moments, every second one followed by a death at a failpoint: in the
    /// same window only if the first cannot have cost an era.
    fn long(dice: &mut StdRng) -> Self {
        let mut points = Failpoint::VARIANTS.iter().copied().cycle();
        let deaths = (0..20).flat_map(|number| {
            let after = dice.random_range(0..window() + 20);
            let count = if after < window() - BEFORE_DUE { 1 } else { 2 };
            let point = (number % 2 == 0).then(|| points.next().unwrap());
            let death = point.map(|point| Death::At(point, count));
            [Some(Death::Kill { after }), death].into_iter().flatten()
        });
        let tempos = std::env::var("SN1_CHAOS_TEMPOS").ok();
        let tempos = tempos.map_or(1_000, |tempos| tempos.parse().unwrap());
        Self { tempos, deaths: deaths.collect(), n_upgrades: 2 }
    }

    fn n_blocks(&self) -> u64 {
        self.tempos * (TEMPO + 1)
    }
}

fn seed() -> u64 {
    let seed = std::env::var("SN1_CHAOS_SEED").ok();
    let seed =
        seed.map_or_else(|| rand::rng().random_range(0..1_000_000), |it| it.parse().unwrap());
    eprintln!("SN1_CHAOS_SEED={seed}");
    seed
}

fn start_chain(mode: Mode, seed: u64, log: File) -> DevChain {
    let [window, tempo, period] = [window(), TEMPO, REVEAL_PERIOD].map(|number| number.to_string());
    let seed = seed.to_string();
    let commit_reveal = if mode == Mode::Sealed { "on" } else { "off" };
    let block_time = format!("{}ms", block_time().as_millis());
    let rules = ["--block-time", &block_time, "--tempo", &tempo, "--weights-rate-limit", &window];
    let more = ["--serving-rate-limit", "0", "--commit-reveal", commit_reveal, "--burn", "1"];
    let chaos = ["devchain", "--port", "0", "--faults", "--chaos", CHAOS, "--seed", &seed];
    let rounds = ["--reveal-period", &period];
    let mut command = sn1(&chaos);
    DevChain::adopt(command.args(rules).args(more).args(rounds).stderr(log).spawn().unwrap())
}

/// A client whose connections no misbehaviour affects.
fn undisturbed(chain: &DevChain) -> Subtensor {
    let network: Network = format!("{}/control", chain.url()).parse().unwrap();
    let deadlines = Deadlines {
        look_every: Duration::from_millis(50),
        quiet_watch: Duration::from_millis(500),
        longest_pause: Duration::from_millis(100),
        ..Deadlines::default()
    };
    Subtensor::new(SubtensorSettings { network, deadlines, roots: Roots::default() })
}

/// Sends a call that the chain may refuse on order, until `is_done`.
async fn insist(client: &Subtensor, call: Call<'_>, is_done: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is_done().await {
        assert!(Instant::now() < deadline, "not within {SOON:?}: {call:?}");
        // A refusal on order proves nothing; only the wanted state counts.
        let _ = client.carry_out_next("the set-up", &key("//Alice"), call).await;
    }
}

/// A validator with stake and permit, and three others.
async fn prepare(client: &Subtensor) {
    for name in ["//Validator", "//Probe", "//MinerA", "//MinerB"] {
        let hotkey = key(name).account_id();
        let call = Call::BurnedRegister { netuid: NETUID, hotkey };
        let is_there =
            async || client.metagraph(NETUID).await.unwrap().neuron_of(&hotkey).is_some();
        insist(client, call, is_there).await;
    }
    let me = validator().account_id();
    let call = Call::AddStake { netuid: NETUID, hotkey: me, amount: 1_000 * RAO_PER_TAO };
    let terms = async || client.weight_terms(NETUID, &me).await.unwrap();
    insist(client, call, async || terms().await.stake > 0).await;
    let deadline = Instant::now() + SOON;
    while !terms().await.has_permit {
        assert!(Instant::now() < deadline, "no permit within {SOON:?}");
    }
}

/// Shows whether the chain takes transactions: moves the record of another neuron again and again.
async fn probe(client: Subtensor, mut may_send: watch::Receiver<bool>) {
    let hotkey = key("//Probe");
    for port in (1024..=u16::MAX).cycle() {
        if may_send.wait_for(|may| *may).await.is_err() {
            return;
        }
        let address = SocketAddr::from(([203, 0, 113, 7], port));
        let record = PrometheusInfo::for_address(address, 1);
        // A transaction that is refused on order is in no block, and only the blocks are counted.
        let _ = Chain::serve_prometheus(&client, &hotkey, NETUID, record).await;
    }
}

/// Orders misbehaviour that lasts longer than the chain's own, and refusals at the moment when
/// weights are due.
struct Orders {
    dice: StdRng,
    next: u64,
    refused_after: u64,
}

impl Orders {
    const WORDS: [&str; 8] = [
        "drop",
        "stall=600ms",
        "shut=500ms",
        "deafen",
        "hold-finality=8",
        "reverse-finality=5",
        "retract",
        "end-watch=dropped",
    ];
    const REFUSALS: [&str; 8] = [
        "outdated",
        "bad-signature",
        "banned",
        "already-imported",
        "low-priority",
        "pool-full",
        "custom:6",
        "custom:1",
    ];

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.dice.random_range(0..from.len())]
    }

    /// Gives no refusals to a life that is about to end.
    async fn give(&mut self, witness: &mut Witness, last_setting: u64, may_refuse: bool) {
        if self.next <= witness.head {
            self.next = witness.head + self.dice.random_range(40..120);
            let what = self.pick(&Self::WORDS);
            witness.order(what).await;
        }
        if last_setting + window() - 2 <= witness.head && self.refused_after < last_setting {
            self.refused_after = last_setting;
            let times = self.dice.random_range(0..=2);
            if times > 0 && may_refuse {
                let refusal = self.pick(&Self::REFUSALS);
                witness.order(&format!("refuse={refusal}x{times}")).await;
            }
        }
    }
}

/// The whole run, up to the node's ordered stop.
async fn run(mode: Mode, size: Size, mut dice: StdRng, seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let chain = start_chain(mode, seed, node::log(folder.path()));
    let client = undisturbed(&chain);
    prepare(&client).await;
    let mut witness = Witness::new(chain.connect("/control").await).await;
    let start = witness.head;
    let (pace, may_send) = watch::channel(true);
    let probing = tokio::spawn(probe(client.clone(), may_send));
    let (n_blocks, n_upgrades) = (size.n_blocks(), size.n_upgrades);
    let end = start + n_blocks;
    let upgrade_every = n_blocks / (n_upgrades + 1);
    let mut lives = Lives::begin(chain.url(), folder, size.deaths);
    let mut orders = Orders { dice: StdRng::from_rng(&mut dice), next: start, refused_after: 0 };
    let mut n_ordered = 0;
    let began = Instant::now();
    let limit = block_time() * u32::try_from(n_blocks).unwrap() * 3 + 2 * SOON;
    loop {
        witness.catch_up().await;
        let last = witness.last_setting(start);
        let since = witness.head - last;
        // Refusals ordered for the node must not hit the probe.
        pace.send_replace(!(window() - 10..window() + 40).contains(&since));
        orders.give(&mut witness, last, !lives.is_armed()).await;
        if n_ordered < n_upgrades && start + (n_ordered + 1) * upgrade_every <= witness.head {
            n_ordered += 1;
            witness.order("upgrade=stateful").await;
        }
        lives.step(witness.head, &witness.settings, chain.id());
        if end <= witness.head
            && lives.are_over()
            && (CALM_AFTER..window() - BEFORE_DUE).contains(&since)
        {
            break;
        }
        assert!(began.elapsed() < limit, "not within {limit:?}: {}", lives.shown(&witness));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ended = lives.end();
    probing.abort();
    witness.catch_up().await;
    let stored = client.weights(NETUID, sn1::chain::Uid(0)).await.unwrap();
    let verdict = Verdict::of(mode, start, &witness, &ended, stored);
    eprintln!("{mode:?}: {verdict}");
    assert_eq!(u64::from(witness.n_upgrades), n_upgrades);
}

async fn short(mode: Mode) {
    let seed = seed();
    let mut dice = StdRng::seed_from_u64(seed);
    run(mode, Size::short(&mut dice), dice, seed).await;
}

async fn long(mode: Mode) {
    let seed = seed();
    let mut dice = StdRng::seed_from_u64(seed);
    run(mode, Size::long(&mut dice), dice, seed).await;
}

#[tokio::test]
#[ignore = "the sealed ones do all that these do: make chaos CHAOS=forty"]
async fn forty_tempos_of_plain_weights() {
    short(Mode::Plain).await;
}

#[tokio::test]
async fn forty_tempos_of_sealed_weights() {
    short(Mode::Sealed).await;
}

#[tokio::test]
#[ignore = "takes ten minutes: make chaos"]
async fn a_thousand_tempos_of_plain_weights() {
    long(Mode::Plain).await;
}

#[tokio::test]
#[ignore = "takes ten minutes: make chaos"]
async fn a_thousand_tempos_of_sealed_weights() {
    long(Mode::Sealed).await;
}

#[test]
#[ignore = "the process that the others start"]
fn a_node_for_the_others() {
    node::run_if_asked();
}
