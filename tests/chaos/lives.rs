//! The lives of the node: how each ends, and which resources it uses.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sn1_actors::chain::Failpoint;
use tempfile::TempDir;

use super::node;
use super::witness::{Setting, Witness};

/// Blocks between two samples of a process's resources.
const SAMPLE_EVERY: u64 = 50;
/// A life is sampled once it is this many blocks old: by then it has read and sent something.
const GROWN_UP: u64 = 60;
const ABORTED: i32 = 6;
/// An ordered stop waits until what was signed is final.
const END_WITHIN: Duration = Duration::from_secs(60);

/// How a life ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Death {
    /// By itself, when it reaches this failpoint for the n-th time.
    At(Failpoint, u64),
    /// By `kill -9`, this many blocks after the first setting that follows the previous death, so
    /// that no window has two deaths that both cost an era.
    Kill { after: u64 },
}

/// The resources that a process uses.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Held {
    pub(crate) rss_kib: u64,
    pub(crate) files: u64,
    pub(crate) threads: u64,
}

impl Held {
    fn of(id: u32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        let files = std::fs::read_dir(format!("/proc/{id}/fd")).ok()?.count() as u64;
        Some(Self { rss_kib: number("VmRSS:")?, files, threads: number("Threads:")? })
    }
}

/// The first sample, the last one, and the maximum of each resource.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) first: Held,
    pub(crate) last: Held,
    pub(crate) most: Held,
    pub(crate) n_looks: u64,
}

impl Span {
    fn add(&mut self, held: Held) {
        if self.n_looks == 0 {
            self.first = held;
        }
        self.last = held;
        self.n_looks += 1;
        let most = &mut self.most;
        most.rss_kib = most.rss_kib.max(held.rss_kib);
        most.files = most.files.max(held.files);
        most.threads = most.threads.max(held.threads);
    }
}

/// The result of all lives.
#[derive(Clone)]
pub(crate) struct Ended {
    pub(crate) folder: Rc<TempDir>,
    pub(crate) n_kills: u32,
    pub(crate) points: BTreeMap<&'static str, u32>,
    /// The samples of the last life.
    pub(crate) node: Span,
    pub(crate) chain: Span,
}

pub(crate) struct Lives {
    chain: String,
    child: Child,
    deaths: VecDeque<Death>,
    born_at: u64,
    /// The block of the last death that may have cost an era.
    died_at: u64,
    sampled_at: u64,
    ended: Ended,
}

impl Lives {
    pub(crate) fn begin(chain: &str, folder: TempDir, deaths: Vec<Death>) -> Self {
        let deaths = VecDeque::from(deaths);
        Self {
            child: bear(chain, folder.path(), deaths.front()),
            chain: chain.to_owned(),
            deaths,
            born_at: 0,
            died_at: 0,
            sampled_at: 0,
            ended: Ended {
                folder: Rc::new(folder),
                n_kills: 0,
                points: BTreeMap::new(),
                node: Span::default(),
                chain: Span::default(),
            },
        }
    }

    /// Whether no further death is planned.
    pub(crate) fn are_over(&self) -> bool {
        self.deaths.is_empty()
    }

    /// Whether this life ends at a failpoint.
    pub(crate) fn is_armed(&self) -> bool {
        matches!(self.deaths.front(), Some(Death::At(..)))
    }

    /// Ends the life when it is time, and starts the next one at once.
    pub(crate) fn step(&mut self, head: u64, settings: &[Setting], chain_id: u32) {
        if self.born_at == 0 {
            self.born_at = head;
        }
        if let Some(status) = self.child.try_wait().unwrap() {
            let Some(Death::At(point, _)) = self.deaths.front().copied() else {
                panic!("the node ended by itself, {status}");
            };
            assert_eq!(status.signal(), Some(ABORTED), "{status}");
            *self.ended.points.entry(point.name()).or_default() += 1;
            self.live_again(head);
            // These two leave no transaction with an unknown outcome.
            if !matches!(point, Failpoint::BeforePersist | Failpoint::BeforeSettle) {
                self.died_at = head;
            }
        }
        if let Some(Death::Kill { after }) = self.deaths.front() {
            let since = settings.iter().find(|setting| setting.block > self.died_at);
            if since.is_some_and(|setting| setting.block + after <= head) {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                self.ended.n_kills += 1;
                self.live_again(head);
                self.died_at = head;
            }
        }
        self.sample(head, chain_id);
    }

    fn live_again(&mut self, head: u64) {
        self.deaths.pop_front();
        self.born_at = head;
        self.ended.node = Span::default();
        self.child = bear(&self.chain, self.ended.folder.path(), self.deaths.front());
    }

    fn sample(&mut self, head: u64, chain_id: u32) {
        if head < self.sampled_at + SAMPLE_EVERY {
            return;
        }
        self.sampled_at = head;
        if self.born_at + GROWN_UP <= head
            && let Some(held) = Held::of(self.child.id())
        {
            self.ended.node.add(held);
        }
        // The chain keeps the last 320 states; until then it grows.
        if head >= 400 {
            self.ended.chain.add(Held::of(chain_id).unwrap());
        }
    }

    /// Stops the node with SIGINT.
    pub(crate) fn end(&mut self) -> Ended {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let deadline = Instant::now() + END_WITHIN;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "no end within {END_WITHIN:?}");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(status.success(), "{status}");
        self.ended.clone()
    }

    /// The log of all lives.
    fn log(&self) -> String {
        std::fs::read_to_string(node::log_file(self.ended.folder.path())).unwrap_or_default()
    }

    pub(crate) fn shown(&self, witness: &Witness) -> String {
        format!(
            "block {}, settings {:?}, deaths to come {:?}",
            witness.head, witness.settings, self.deaths
        )
    }
}

impl Drop for Lives {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// Starts a life, armed with its failpoint if it ends at one.
fn bear(chain: &str, folder: &Path, death: Option<&Death>) -> Child {
    let failpoint = match death {
        Some(Death::At(point, count)) => Some(format!("{}:{count}", point.name())),
        _ => None,
    };
    node::start(chain, folder, failpoint.as_deref())
}
