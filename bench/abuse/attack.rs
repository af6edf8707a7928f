//! The attackers: all on one thread, each attack from its own range of loopback addresses, so that
//! the limits that one attack runs into do not hide another.

use std::future::Future;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use crate::Fallible;
use crate::callers::Caller;
use crate::tally::Tally;
use crate::{flood, replay, slow};

/// Registered hotkeys that the attackers own.
pub(crate) const HOSTILE_HOTKEYS: usize = 8;
/// How long an attempt waits for the server.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// The pause between two attempts from one source, so that a refusal does not make it spin.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// The rates and sizes of the attacks.
#[derive(clap::Args, Clone)]
pub(crate) struct Intensity {
    /// How long the attack lasts, in seconds.
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u64,
    /// Wrong signatures per second, in the honest validator's name.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) bad_signatures: u32,
    /// Addresses that the wrong signatures come from, with one connection each.
    #[arg(long, default_value_t = 500)]
    pub(crate) addresses: u32,
    /// Replays per second of one request that was served.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) replays: u32,
    /// Connections that send one header a second and never end the head.
    #[arg(long, default_value_t = 100)]
    pub(crate) slow_heads: u32,
    /// Connections that send a signed head, then one byte of the body per second.
    #[arg(long, default_value_t = 100)]
    pub(crate) slow_bodies: u32,
    /// Connections that send bodies of 100 MB, one after the other.
    #[arg(long, default_value_t = 8)]
    pub(crate) huge_bodies: u32,
    /// Connections that send heads without end, one after the other.
    #[arg(long, default_value_t = 8)]
    pub(crate) header_floods: u32,
    /// Connections that do nothing: half of them never send, half never read their stream.
    #[arg(long, default_value_t = 500)]
    pub(crate) idle: u32,
    /// Requests per second without a hotkey or a signature, each on a connection of its own.
    #[arg(long, default_value_t = 0)]
    pub(crate) unsigned: u32,
    /// Connections that send such requests as fast as they are answered.
    #[arg(long, default_value_t = 0)]
    pub(crate) load: u32,
    /// All attackers come from the honest validator's own address.
    #[arg(long)]
    pub(crate) shared: bool,
}

impl Intensity {
    /// The attack of neighbours, who share the honest validator's address: few forgeries, unsigned
    /// requests, a place for each of 64 readers who do not read, and as much load as is answered.
    pub(crate) fn of_neighbours(seconds: u64) -> Self {
        Self {
            seconds,
            bad_signatures: 4,
            addresses: 1,
            replays: 0,
            slow_heads: 0,
            slow_bodies: 0,
            huge_bodies: 0,
            header_floods: 0,
            idle: 128,
            unsigned: 90,
            load: 32,
            shared: true,
        }
    }
}

/// An attack on a server.
#[derive(clap::Args)]
pub(crate) struct Attack {
    /// The address of the server.
    #[arg(long)]
    to: SocketAddr,
    #[command(flatten)]
    intensity: Intensity,
}

/// What all attackers share.
pub(crate) struct Field {
    /// The server that they attack.
    pub(crate) to: SocketAddr,
    /// When they stop.
    pub(crate) until: Instant,
    /// The counts of what they sent and received.
    pub(crate) tally: Tally,
    /// Whether all come from the honest validator's address.
    pub(crate) is_shared: bool,
}

impl Field {
    /// Whether the attack goes on.
    pub(crate) fn is_on(&self) -> bool {
        Instant::now() < self.until
    }

    /// The `number`th address of a range, which has 62,500 addresses; or the one that is shared.
    pub(crate) fn address(&self, range: u8, number: u32) -> Ipv4Addr {
        let (third, fourth) = ((number / 250) % 250, number % 250);
        match self.is_shared {
            true => Ipv4Addr::LOCALHOST,
            false => Ipv4Addr::new(127, range, third as u8, fourth as u8 + 2),
        }
    }

    /// A caller with a registered hotkey of the attackers.
    pub(crate) fn hostile(&self, number: u32) -> Fallible<Caller> {
        Caller::new(&format!("hostile//{}", number as usize % HOSTILE_HOTKEYS), self.to)
    }
}

/// Attacks until the time is over, then prints the counts as JSON.
pub(crate) fn run(attack: Attack) -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let until = Instant::now() + Duration::from_secs(attack.intensity.seconds);
    let is_shared = attack.intensity.shared;
    let field = Rc::new(Field { to: attack.to, until, tally: Tally::default(), is_shared });
    let attackers = LocalSet::new();
    runtime.block_on(attackers.run_until(start(&field, &attack.intensity)))?;
    // Drops what still waits for the server.
    drop(attackers);
    let field = Rc::into_inner(field).ok_or("an attacker is left over")?;
    let counts = serde_json::to_string(&field.tally.into_counts())?;
    Ok(writeln!(std::io::stdout(), "{counts}")?)
}

async fn start(field: &Rc<Field>, intensity: &Intensity) -> Fallible<()> {
    let captured = match intensity.replays {
        0 => [].into(),
        _ => replay::capture(field).await?,
    };
    each(intensity.addresses, |n| {
        replay::bad_signatures(Rc::clone(field), n, intensity.addresses, intensity.bad_signatures)
    });
    each(replay::REPLAYERS, |n| {
        replay::replays(Rc::clone(field), n, captured.clone(), intensity.replays)
    });
    if intensity.replays > 0 {
        each(1, |_| replay::races(Rc::clone(field)));
    }
    each(intensity.slow_heads, |n| slow::heads(Rc::clone(field), n));
    each(intensity.slow_bodies, |n| slow::bodies(Rc::clone(field), n));
    each(intensity.huge_bodies, |n| flood::bodies(Rc::clone(field), n));
    each(intensity.header_floods, |n| flood::headers(Rc::clone(field), n));
    each(intensity.idle / 2, |n| slow::silence(Rc::clone(field), n));
    each(intensity.idle.div_ceil(2), |n| slow::unread_streams(Rc::clone(field), n));
    each(intensity.unsigned.min(90), |n| flood::unsigned(Rc::clone(field), n, intensity.unsigned));
    each(intensity.load, |n| flood::load(Rc::clone(field), n));
    tokio::time::sleep_until(field.until.into()).await;
    Ok(())
}

/// Starts `count` attackers; prints an error of one that cannot even be prepared.
fn each<F>(count: u32, attacker: impl Fn(u32) -> F)
where
    F: Future<Output = Fallible<()>> + 'static,
{
    for number in 0..count {
        let attacker = attacker(number);
        tokio::task::spawn_local(async move {
            if let Err(error) = attacker.await {
                let _ = writeln!(std::io::stderr(), "an attacker failed to start: {error}");
            }
        });
    }
}
