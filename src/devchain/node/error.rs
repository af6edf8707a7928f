//! The node's errors, with a real node's codes and messages.

use crate::chain::{Hash, Refusal};

/// A JSON-RPC error object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code}){}", data.as_deref().map(|data| format!(": {data}")).unwrap_or_default())]
pub struct NodeError {
    /// Error code of substrate's RPC.
    pub code: i64,
    /// One line on what went wrong.
    pub message: String,
    /// Details, if there are any.
    pub data: Option<String>,
}

/// Code of "Invalid Transaction" errors.
const INVALID: i64 = 1010;
/// Code of errors from below the RPC layer.
const CLIENT: i64 = 4003;

impl NodeError {
    fn new(code: i64, message: impl Into<String>, data: Option<String>) -> Self {
        Self { code, message: message.into(), data }
    }

    /// The block is known, but its state is no longer kept.
    pub(super) fn state_discarded(hash: Hash) -> Self {
        let message = format!("Client error: UnknownBlock: State already discarded for {hash}");
        Self::new(CLIENT, message, None)
    }

    /// The block is unknown.
    pub(super) fn unknown_block(hash: Hash) -> Self {
        let message = "Client error: UnknownBlock: Header was not found in the database: ";
        Self::new(CLIENT, format!("{message}{hash}"), None)
    }

    /// The runtime has no function with this name.
    pub(super) fn no_function(name: &str) -> Self {
        let reason = format!("Exported method {name} is not found");
        Self::new(CLIENT, format!("Client error: Execution failed: Other: {reason}"), None)
    }

    /// The runtime has the function, but this node does not answer it, or not with these arguments.
    pub(super) fn trap(name: &str, reason: &str) -> Self {
        let reason = format!("Execution aborted due to trap: {name}: {reason}");
        Self::new(CLIENT, format!("Client error: Execution failed: {reason}"), None)
    }

    /// An error that can only come from a bug in this program.
    pub(super) fn internal(reason: impl Into<String>) -> Self {
        Self::new(-32603, "Internal error", Some(reason.into()))
    }

    /// The bytes do not decode as a transaction of the runtime.
    pub(super) fn undecodable(reason: &str) -> Self {
        let reason = format!("Runtime error: Execution failed: {reason}");
        let data = format!("RuntimeApi({reason:?})");
        Self::new(1002, format!("Verification Error: {reason}"), Some(data))
    }

    fn invalid(data: impl Into<String>) -> Self {
        Self::new(INVALID, "Invalid Transaction", Some(data.into()))
    }

    fn custom(number: u8) -> Self {
        Self::invalid(format!("Custom error: {number}"))
    }

    /// The error of a refusal by the pool (docs/spec/chain.md#pool-errors).
    pub(super) fn from_refusal(refusal: &Refusal, hash: Hash) -> Self {
        match refusal {
            Refusal::Outdated => Self::invalid("Transaction is outdated"),
            Refusal::FutureNonce => Self::invalid("Transaction will be valid in the future"),
            Refusal::BadSignature => Self::invalid("Transaction has a bad signature"),
            Refusal::AncientBirthBlock => Self::invalid("Transaction has an ancient birth block"),
            Refusal::CannotPayFees => {
                Self::invalid("Inability to pay some fees (e.g. account balance too low)")
            }
            Refusal::ExhaustsBlock => Self::invalid("Transaction would exhaust the block limits"),
            Refusal::UnexpectedCall => Self::invalid("Transaction call is not expected"),
            Refusal::Banned => Self::new(1012, "Transaction is temporarily banned", None),
            Refusal::AlreadyImported => {
                Self::new(1013, "Transaction Already Imported", Some(format!("{hash:?}")))
            }
            Refusal::PriorityTooLow => Self::new(
                1014,
                "Priority is too low: (1 vs 1)",
                Some(
                    "The transaction has too low priority to replace another transaction already \
                     in the pool."
                        .to_owned(),
                ),
            ),
            Refusal::PoolFull => Self::new(
                1016,
                "Immediately Dropped",
                Some("The transaction couldn't enter the pool because of the limit".to_owned()),
            ),
            other => Self::custom(custom_number(other)),
        }
    }
}

/// The number of a check that the runtime itself makes for the pool.
fn custom_number(refusal: &Refusal) -> u8 {
    match refusal {
        Refusal::ColdkeySwapPending => 0,
        Refusal::StakeAmountTooLow
        | Refusal::NotEnoughStakeToSetWeights
        | Refusal::AmountTooLow => 1,
        Refusal::BalanceTooLow | Refusal::NotEnoughBalanceToStake => 2,
        Refusal::SubnetNotExists => 3,
        Refusal::HotKeyAccountNotExists => 4,
        Refusal::NotEnoughStakeToWithdraw => 5,
        Refusal::RateLimitExceeded
        | Refusal::SettingWeightsTooFast
        | Refusal::CommittingWeightsTooFast => 6,
        Refusal::HotKeyNotRegisteredInNetwork => 10,
        Refusal::InvalidIpAddress => 11,
        Refusal::ServingRateLimitExceeded => 12,
        Refusal::InvalidPort => 13,
        Refusal::InvalidRevealRound => 15,
        Refusal::NoWeightsCommitFound => 16,
        Refusal::RevealTooEarly | Refusal::CommitBlockNotInRevealRange => 17,
        Refusal::InputLengthsUnequal => 18,
        Refusal::UidNotFound | Refusal::HotKeyNotRegisteredInSubNet => 19,
        Refusal::ColdkeySwapDisputed => 21,
        Refusal::NonAssociatedColdKey => 25,
        _ => 255,
    }
}
