//! What the node can be told to do wrong: the words for it on the command line, and the draws of
//! the chaos mode. How it is done is known by whoever does it.

use std::str::FromStr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sn1::devchain::rpc::RpcError;
use strum::{EnumString, VariantArray, VariantNames};

use crate::settings::nearest;

/// Why a pool refuses a transaction, as a real node words it (docs/spec/chain.md#pool-errors).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolRefusal {
    /// 1010: the nonce was used, or the era is over.
    Outdated,
    /// 1010: another runtime, another genesis, or no signature at all.
    BadSignature,
    /// 1010: the signer cannot pay.
    Payment,
    /// 1010: too large for a block.
    ExhaustsResources,
    /// 1010: the runtime's own check, by its number.
    Custom(u8),
    /// 1012
    Banned,
    /// 1013
    AlreadyImported,
    /// 1014
    LowPriority,
    /// 1016
    PoolFull,
}

const REFUSALS: [(&str, PoolRefusal); 8] = [
    ("outdated", PoolRefusal::Outdated),
    ("bad-signature", PoolRefusal::BadSignature),
    ("payment", PoolRefusal::Payment),
    ("exhausts-resources", PoolRefusal::ExhaustsResources),
    ("banned", PoolRefusal::Banned),
    ("already-imported", PoolRefusal::AlreadyImported),
    ("low-priority", PoolRefusal::LowPriority),
    ("pool-full", PoolRefusal::PoolFull),
];
/// The runtime's own checks that weights and axon records meet.
const CUSTOM_CODES: [u8; 6] = [1, 6, 10, 12, 15, 19];

impl PoolRefusal {
    /// The error object. `transaction` is the hash, where it is known.
    pub(super) fn to_error(self, transaction: Option<String>) -> RpcError {
        let invalid = |data: String| (1010, "Invalid Transaction", Some(data));
        let (code, message, data) = match self {
            Self::Outdated => invalid("Transaction is outdated".into()),
            Self::BadSignature => invalid("Transaction has a bad signature".into()),
            Self::Payment => {
                invalid("Inability to pay some fees (e.g. account balance too low)".into())
            }
            Self::ExhaustsResources => invalid("Transaction would exhaust the block limits".into()),
            Self::Custom(number) => invalid(format!("Custom error: {number}")),
            Self::Banned => (1012, "Transaction is temporarily banned", None),
            Self::AlreadyImported => (1013, "Transaction Already Imported", transaction),
            Self::LowPriority => (
                1014,
                "Priority is too low: (1 vs 1)",
                Some(
                    "The transaction has too low priority to replace another transaction already \
                     in the pool."
                        .into(),
                ),
            ),
            Self::PoolFull => (
                1016,
                "Immediately Dropped",
                Some("The transaction couldn't enter the pool because of the limit".into()),
            ),
        };
        RpcError { code, message: message.to_owned(), data }
    }

    /// By the code of the error, and the number of a runtime's own check.
    pub(super) fn of_code(code: u64, custom: Option<u8>) -> Option<Self> {
        match (code, custom) {
            (1010, Some(number)) => Some(Self::Custom(number)),
            (1010, None) => Some(Self::Outdated),
            (1012, _) => Some(Self::Banned),
            (1013, _) => Some(Self::AlreadyImported),
            (1014, _) => Some(Self::LowPriority),
            (1016, _) => Some(Self::PoolFull),
            _ => None,
        }
    }
}

impl FromStr for PoolRefusal {
    type Err = String;

    /// `outdated`, `custom:6`, or a code such as `1014`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, refusal)) = REFUSALS.iter().find(|(name, _)| *name == text) {
            return Ok(*refusal);
        }
        let custom = text.strip_prefix("custom:").and_then(|number| number.parse().ok());
        let coded = text.parse().ok().and_then(|code| Self::of_code(code, None));
        custom.map(Self::Custom).or(coded).ok_or_else(|| {
            let names = REFUSALS.iter().map(|(name, _)| *name).chain(["custom:6"]);
            let all = names.clone().collect::<Vec<_>>().join(", ");
            format!(
                "`{text}` is no refusal; did you mean `{}`? There are {all}, and the codes 1010, \
                 1012, 1013, 1014, 1016",
                nearest(text, names)
            )
        })
    }
}

/// How heads come out when finality is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalityOrder {
    /// All of them, as a real node tells them.
    InOrder,
    /// All of them, the newest first.
    Reversed,
}

/// What a watched transaction can be told instead of its fate, which stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, VariantArray, VariantNames)]
#[strum(serialize_all = "kebab-case", parse_err_ty = String, parse_err_fn = unknown_status)]
pub enum WatchEnd {
    /// Pushed out of a full pool.
    Dropped,
    /// Not valid any more.
    Invalid,
    /// Another one of the same nonce took its place.
    Usurped,
    /// Its block was not final in time.
    FinalityTimeout,
}

fn unknown_status(text: &str) -> String {
    let all = <WatchEnd as VariantNames>::VARIANTS.join(", ");
    format!("`{text}` is no status; there are {all}")
}

/// One thing to do wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Misbehaviour {
    /// Cut every connection at once.
    Drop,
    /// Cut new connections before the handshake.
    Shut(Duration),
    /// Neither read nor answer for so long.
    Stall(Duration),
    /// Never read or answer on the connections that are open now: half-open sockets.
    Deafen,
    /// Wait up to so long before each answer; zero ends it.
    Slow(Duration),
    /// Refuse the next transactions.
    Refuse(PoolRefusal, u32),
    /// Tell of no final block for so many blocks, then of all of them.
    HoldFinality(u64, FinalityOrder),
    /// Tell the next included transactions that their block was retracted, and then of it again.
    Retract(u32),
    /// End the next watches so; their transactions stay in the pool.
    EndWatches(WatchEnd, u32),
    /// A new runtime with the next block, of the named generation.
    Upgrade(Option<String>),
}

const WORDS: [&str; 10] = [
    "drop",
    "shut=1s",
    "stall=1s",
    "deafen",
    "slow=100ms",
    "refuse=outdated",
    "hold-finality=5",
    "retract",
    "end-watch=dropped",
    "upgrade",
];

impl FromStr for Misbehaviour {
    type Err = String;

    /// `drop`, `stall=5s`, `refuse=1014x3`, `hold-finality=5`, `upgrade=stateful`; see [`WORDS`].
    fn from_str(text: &str) -> Result<Self, String> {
        let (word, value) = match text.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (text, None),
        };
        let needed = || value.ok_or_else(|| format!("`{text}` lacks a value: write `{word}=...`"));
        match word {
            "drop" => Ok(Self::Drop),
            "shut" => Ok(Self::Shut(duration(needed()?)?)),
            "stall" => Ok(Self::Stall(duration(needed()?)?)),
            "deafen" => Ok(Self::Deafen),
            "slow" => Ok(Self::Slow(duration(needed()?)?)),
            "refuse" => {
                let (name, times) = repeated(needed()?)?;
                Ok(Self::Refuse(name.parse()?, times))
            }
            "hold-finality" => Ok(Self::HoldFinality(count(needed()?)?, FinalityOrder::InOrder)),
            "reverse-finality" => {
                Ok(Self::HoldFinality(count(needed()?)?, FinalityOrder::Reversed))
            }
            "retract" => Ok(Self::Retract(value.map_or(Ok(1), count)?)),
            "end-watch" => {
                let (name, times) = repeated(needed()?)?;
                Ok(Self::EndWatches(name.parse()?, times))
            }
            "upgrade" => Ok(Self::Upgrade(value.map(str::to_owned))),
            _ => Err(format!(
                "`{text}` is nothing this node can do wrong; did you mean `{}`? There are {}",
                nearest(text, WORDS.into_iter()),
                WORDS.join(", ")
            )),
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit_ms) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => (digits, 1.0),
        (None, Some(digits)) => (digits, 1000.0),
        (None, None) => (text, 1.0),
    };
    let ms = digits.parse::<f64>().ok().filter(|ms| (0.0..1e9).contains(ms));
    let ms = ms.ok_or_else(|| format!("`{text}` is no time; write it like 500ms or 2s"))?;
    Ok(Duration::from_secs_f64(ms * unit_ms / 1000.0))
}

fn count<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

/// `namex3` is the name and 3.
fn repeated(text: &str) -> Result<(&str, u32), String> {
    match text.rsplit_once('x') {
        Some((name, times)) if times.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok((name, count(times)?))
        }
        _ => Ok((text, 1)),
    }
}

/// Something to do wrong at a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Before this block is made.
    pub block: u64,
    /// What.
    pub what: Misbehaviour,
}

impl FromStr for Planned {
    type Err = String;

    /// `drop@100`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (what, block) = text
            .rsplit_once('@')
            .ok_or_else(|| format!("`{text}` is not of the form WHAT@BLOCK, such as drop@100"))?;
        Ok(Self { block: count(block)?, what: what.parse()? })
    }
}

/// Draws something to do wrong, block by block. The draws follow from seed and block number, so a
/// restart changes nothing.
#[derive(Debug, Clone)]
pub(super) struct Chaos {
    pub(super) rate: f64,
    pub(super) seed: u64,
    pub(super) block_time: Duration,
}

impl Chaos {
    /// What to do wrong before `block`, if anything.
    pub(super) fn draw(&self, block: u64) -> Option<Misbehaviour> {
        let mixed = self.seed ^ block.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut dice = StdRng::seed_from_u64(mixed);
        dice.random_bool(self.rate).then(|| self.pick(&mut dice))
    }

    /// The slowest answer takes a quarter of a block. Where every answer takes a block, nobody who
    /// asks for more than one a block keeps up with the chain.
    fn pick(&self, dice: &mut StdRng) -> Misbehaviour {
        const QUARTER: u32 = 4;
        let few = dice.random_range(1..=4);
        let pause = self.block_time * few;
        match dice.random_range(0..10) {
            0 | 1 => Misbehaviour::Drop,
            2 => Misbehaviour::Shut(pause),
            3 => Misbehaviour::Stall(pause),
            4 => Misbehaviour::Deafen,
            5 => Misbehaviour::Slow(self.block_time / (QUARTER * few)),
            6 => Misbehaviour::Slow(Duration::ZERO),
            7 => Misbehaviour::HoldFinality(u64::from(few), FinalityOrder::InOrder),
            8 => Misbehaviour::EndWatches(*pick(dice, <WatchEnd as VariantArray>::VARIANTS), 1),
            _ => Misbehaviour::Refuse(refusal(dice), few),
        }
    }
}

fn pick<'a, T>(dice: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[dice.random_range(0..from.len())]
}

fn refusal(dice: &mut StdRng) -> PoolRefusal {
    match dice.random_range(0..=REFUSALS.len()) {
        0 => PoolRefusal::Custom(*pick(dice, &CUSTOM_CODES)),
        _ => pick(dice, &REFUSALS).1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_command_line_say_what_and_when() {
        let ms = Duration::from_millis;
        let table = [
            ("drop@100", Misbehaviour::Drop),
            ("stall=5s@100", Misbehaviour::Stall(ms(5000))),
            ("slow=250@100", Misbehaviour::Slow(ms(250))),
            ("refuse=1014x3@100", Misbehaviour::Refuse(PoolRefusal::LowPriority, 3)),
            ("refuse=custom:6@100", Misbehaviour::Refuse(PoolRefusal::Custom(6), 1)),
            (
                "refuse=exhausts-resources@100",
                Misbehaviour::Refuse(PoolRefusal::ExhaustsResources, 1),
            ),
            ("hold-finality=7@100", Misbehaviour::HoldFinality(7, FinalityOrder::InOrder)),
            ("end-watch=usurpedx2@100", Misbehaviour::EndWatches(WatchEnd::Usurped, 2)),
            ("upgrade=stateful@100", Misbehaviour::Upgrade(Some("stateful".into()))),
        ];
        for (text, what) in table {
            assert_eq!(text.parse(), Ok(Planned { block: 100, what }), "{text}");
        }
        for word in WORDS {
            assert!(word.parse::<Misbehaviour>().is_ok(), "{word}");
        }
    }

    #[test]
    fn a_wrong_word_names_the_nearest_one() {
        let table = [
            ("dorp", "`drop`"),
            ("stall", "stall=..."),
            ("stall=soon", "500ms"),
            ("refuse=outdatet", "`outdated`"),
            ("end-watch=gone", "usurped"),
        ];
        for (text, part) in table {
            let error = text.parse::<Misbehaviour>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!("drop".parse::<Planned>().is_err());
    }

    #[test]
    fn every_refusal_is_told_by_its_code() {
        for (name, refusal) in REFUSALS {
            assert_eq!(name.parse(), Ok(refusal));
            let error = refusal.to_error(None);
            assert!([1010, 1012, 1013, 1014, 1016].contains(&error.code), "{error:?}");
        }
        let error = PoolRefusal::Custom(15).to_error(None);
        assert_eq!((error.code, error.data.as_deref()), (1010, Some("Custom error: 15")));
    }

    #[test]
    fn chaos_follows_from_its_seed_and_keeps_its_rate() {
        let chaos = |seed| Chaos { rate: 0.25, seed, block_time: Duration::from_millis(50) };
        let draws = |seed| (0..4000).map(|block| chaos(seed).draw(block)).collect::<Vec<_>>();
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        let n_drawn = draws(1).iter().flatten().count();
        assert!((800..1200).contains(&n_drawn), "{n_drawn}");
    }
}
