//! What the node can be ordered to do wrong: the words for it on the command line, and the random
//! draws of the chaos mode. Other modules carry it out.

use std::str::FromStr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sn1::devchain::rpc::RpcError;
use strum::{EnumString, VariantArray, VariantNames};

use super::words::WordError;

/// Why the pool refuses a transaction, in a real node's words (docs/spec/chain.md#pool-errors).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolRefusal {
    /// Code 1010: the nonce was used, or the era is over.
    Outdated,
    /// Code 1010: another runtime, another genesis, or no signature.
    BadSignature,
    /// Code 1010: the signer cannot pay the fee.
    Payment,
    /// Code 1010: too large for a block.
    ExhaustsResources,
    /// Code 1010: the custom error of this number, from a check of the runtime.
    Custom(u8),
    /// Code 1012: the transaction is banned for a while.
    Banned,
    /// Code 1013: the pool has this transaction already.
    AlreadyImported,
    /// Code 1014: another one with this nonce has at least the same priority.
    LowPriority,
    /// Code 1016: the pool is full.
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
/// The custom errors that transactions with weights and axon records meet.
const CUSTOM_CODES: [u8; 6] = [1, 6, 10, 12, 15, 19];

impl PoolRefusal {
    /// The JSON-RPC error object. `transaction` is the hash, where it is known.
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

    /// The refusal with this error code, and the number of its custom error if it has one.
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
    type Err = WordError;

    /// Parses `outdated`, `custom:6`, or a code such as `1014`.
    fn from_str(text: &str) -> Result<Self, WordError> {
        if let Some((_, refusal)) = REFUSALS.iter().find(|(name, _)| *name == text) {
            return Ok(*refusal);
        }
        let custom = text.strip_prefix("custom:").and_then(|number| number.parse().ok());
        let coded = text.parse().ok().and_then(|code| Self::of_code(code, None));
        custom.map(Self::Custom).or(coded).ok_or_else(|| {
            let others = ["custom:6", "1010", "1012", "1013", "1014", "1016"];
            let names: Vec<_> = REFUSALS.iter().map(|(name, _)| *name).chain(others).collect();
            WordError::unknown("refusal", text, &names)
        })
    }
}

/// In which order final heads are announced once finality is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalityOrder {
    /// All of them in order, as a real node does.
    InOrder,
    /// All of them, the newest first.
    Reversed,
}

/// A status that ends the watch of a transaction instead of its real fate, which stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, VariantArray, VariantNames)]
#[strum(serialize_all = "kebab-case", parse_err_ty = WordError, parse_err_fn = unknown_status)]
pub enum WatchEnd {
    /// It was pushed out of a full pool.
    Dropped,
    /// It is no longer valid.
    Invalid,
    /// Another transaction with the same nonce replaced it.
    Usurped,
    /// Its block was not final in time.
    FinalityTimeout,
}

fn unknown_status(text: &str) -> WordError {
    WordError::unknown("status", text, <WatchEnd as VariantNames>::VARIANTS)
}

/// One thing to do wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Misbehaviour {
    /// Cut every connection at once.
    Drop,
    /// Cut new connections before the handshake, for this long.
    Shut(Duration),
    /// Neither read nor answer, for this long.
    Stall(Duration),
    /// Never read or answer again on the connections that are open now, like half-open sockets.
    Deafen,
    /// Wait up to this long before each answer; zero ends it.
    Slow(Duration),
    /// Refuse this many of the next transactions, for this reason.
    Refuse(PoolRefusal, u32),
    /// Announce no final block for this many blocks, then all of them in this order.
    HoldFinality(u64, FinalityOrder),
    /// Report to this many of the next included transactions that their block was retracted, then
    /// included again.
    Retract(u32),
    /// End this many of the next watches with this status; their transactions stay in the pool.
    EndWatches(WatchEnd, u32),
    /// Upgrade the runtime with the next block, to the named generation.
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
    type Err = WordError;

    /// Parses `drop`, `stall=5s`, `refuse=1014x3`, `hold-finality=5`, `upgrade=stateful`; see
    /// [`WORDS`].
    fn from_str(text: &str) -> Result<Self, WordError> {
        let (word, value) = match text.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (text, None),
        };
        let needed = || value.ok_or_else(|| WordError::NoValue(word.to_owned()));
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
            _ => Err(WordError::unknown("misbehaviour", text, &WORDS)),
        }
    }
}

fn duration(text: &str) -> Result<Duration, WordError> {
    let (digits, unit_ms) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => (digits, 1.0),
        (None, Some(digits)) => (digits, 1000.0),
        (None, None) => (text, 1.0),
    };
    let ms = digits.parse::<f64>().ok().filter(|ms| (0.0..1e9).contains(ms));
    let ms = ms.ok_or_else(|| WordError::Duration(text.to_owned()))?;
    Ok(Duration::from_secs_f64(ms * unit_ms / 1000.0))
}

fn count<T: FromStr>(text: &str) -> Result<T, WordError> {
    text.parse().map_err(|_| WordError::Number(text.to_owned()))
}

/// Splits `namex3` into the name and 3.
fn repeated(text: &str) -> Result<(&str, u32), WordError> {
    match text.rsplit_once('x') {
        Some((name, times)) if times.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok((name, count(times)?))
        }
        _ => Ok((text, 1)),
    }
}

/// An order to misbehave before a certain block.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The block before which it is carried out.
    pub block: u64,
    /// What to do wrong.
    pub what: Misbehaviour,
}

impl FromStr for Planned {
    type Err = WordError;

    /// Parses `drop@100`.
    fn from_str(text: &str) -> Result<Self, WordError> {
        let (what, block) = text
            .rsplit_once('@')
            .ok_or_else(|| WordError::form(text, "WHAT@BLOCK, such as drop@100"))?;
        Ok(Self { block: count(block)?, what: what.parse()? })
    }
}

/// Draws random misbehaviour, block by block. Each draw depends only on the seed and the block
/// number, so a restart changes nothing.
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

    /// Answers are delayed by at most a quarter of a block time: with a whole one, no client that
    /// asks more than once per block could keep up with the chain.
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
            ("stall", "stall=VALUE"),
            ("stall=soon", "500ms"),
            ("refuse=outdatet", "`outdated`"),
            ("end-watch=gone", "usurped"),
        ];
        for (text, part) in table {
            let error = text.parse::<Misbehaviour>().unwrap_err().to_string();
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
