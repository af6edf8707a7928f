//! Why the chain says no, by the runtime's own names (docs/spec/chain.md#errors).
//!
//! A node's pool answers with a code and, for the runtime's own checks, a number; a transaction
//! that is in a block fails with a pallet and the name of its error. Both come here to be told
//! apart. Nothing is read from a text, but for the few fixed phrases of code 1010, for which the
//! node gives no number.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// What a refusal asks of whoever sent the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalClass {
    /// The chain's own pacing: some blocks later the same thing is taken.
    Wait,
    /// What was planned does not hold any more: read the chain again, plan and sign anew.
    Replan,
    /// Trying again is in vain until an operator, or the subnet, changes something.
    Stop,
    /// The node has it already: follow what becomes of it.
    AlreadyKnown,
    /// The node's or the block's want of room: try again after a while.
    Later,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $(@ $pallet:ident)?: $class:ident, $words:literal;)*) => {
        /// Why the pool did not take a transaction, or the runtime did not carry it out.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, thiserror::Error)]
        pub enum Refusal {
            $($(#[$doc])* #[error($words)] $name,)*
            /// Something that this node has no answer to.
            #[error("the runtime's reason is `{name}`, which this node does not know: look for a newer version")]
            Unknown {
                /// `Pallet.Error`, or the pool's code and data.
                name: String,
            },
        }

        impl Refusal {
            /// The runtime's name of the error, `Unknown` for one that is not known; a stable label
            /// for metrics and reports.
            pub fn label(&self) -> &'static str {
                self.into()
            }

            /// What it asks of the sender.
            pub fn class(&self) -> RefusalClass {
                match self {
                    $(Self::$name => RefusalClass::$class,)*
                    Self::Unknown { .. } => RefusalClass::Later,
                }
            }

            /// The pallet whose error of this name ([`Refusal::label`]) it is; `None` for what only
            /// the pool says.
            pub fn pallet(&self) -> Option<&'static str> {
                match self {
                    $(Self::$name => refusals!(@pallet $($pallet)?),)*
                    Self::Unknown { .. } => None,
                }
            }

            /// A module error: the names of the pallet and of its error, from the metadata.
            pub fn from_module(pallet: &str, name: &str) -> Self {
                match (pallet, name) {
                    $($((stringify!($pallet), stringify!($name)) => Self::$name,)?)*
                    _ => Self::Unknown { name: format!("{pallet}.{name}") },
                }
            }
        }

        #[cfg(test)]
        const ALL: &[Refusal] = &[$(Refusal::$name),*];
    };
    (@pallet) => { None };
    (@pallet $pallet:ident) => { Some(stringify!($pallet)) };
}

refusals! {
    /// The nonce was used already, or the mortal era is over.
    Outdated: Replan, "transaction is outdated: its nonce was used already or its time is over; sign it anew";
    /// The nonce lies ahead of the account's next one.
    FutureNonce: Replan, "transaction's nonce lies in the future; ask the chain for the next one";
    /// The signature does not belong to the signer, or the runtime changed under it.
    BadSignature: Replan, "transaction has a bad signature; read the runtime again and sign anew";
    /// The block that the era counts from is not known to the runtime any more.
    AncientBirthBlock: Replan, "transaction's era counts from a block that is too old; sign it anew";
    /// The payer cannot pay the fee.
    CannotPayFees: Stop, "the signer cannot pay the transaction's fee";
    /// The transaction does not fit what is left of a block.
    ExhaustsBlock: Later, "the transaction does not fit into the block; try again in another one";
    /// The runtime takes no such call from a signer.
    UnexpectedCall: Stop, "the runtime does not take this call";
    /// The pool refused the same bytes a moment ago and will not look at them again yet.
    Banned: Later, "the node has banned this transaction for now; try again later";
    /// The pool has exactly these bytes: they are as good as sent.
    AlreadyImported: AlreadyKnown, "the node has this very transaction already";
    /// Another transaction with that nonce waits, and none can push it out.
    PriorityTooLow: Later, "another transaction with this nonce waits in the pool; wait until it lands or its time is over";
    /// The pool has no room.
    PoolFull: Later, "the node's pool is full; try again later";
    /// The coldkey is about to be swapped.
    ColdkeySwapPending: Stop, "the coldkey is about to be swapped and may do nothing else";
    /// The coldkey's swap is disputed.
    ColdkeySwapDisputed: Stop, "the coldkey's swap is disputed, and it may do nothing else";
    /// The stake is too small: to be moved, or to set weights with.
    StakeAmountTooLow: Stop, "the stake is too low";
    /// The payer cannot pay.
    BalanceTooLow: Stop, "the coldkey cannot pay: its balance is too low";
    /// Weights came before the rate limit had passed, in the pool's words.
    RateLimitExceeded: Wait, "it came too fast: wait for the rate limit to pass";
    /// The hotkey holds no uid on the subnet, in the pool's words.
    UidNotFound: Stop, "the hotkey holds no uid on the subnet";
    /// The pool of the subnet holds too little to trade with.
    InsufficientLiquidity: Stop, "the subnet's pool holds too little to trade with";
    /// The price would move beyond the signer's limit.
    SlippageTooHigh: Stop, "the price would move beyond the limit";
    /// The subnet's owner has switched transfers of stake off.
    TransferDisallowed: Stop, "the subnet does not allow its stake to be transferred";
    /// Nothing can be moved within the signer's price limit.
    ZeroMaxAmount: Stop, "the price limit lets nothing be moved";
    /// The link to an EVM key came before the rate limit had passed.
    EvmKeyAssociateRateLimitExceeded: Wait, "the EVM key came too fast: wait for the rate limit to pass";
    /// The proxy's real account is none.
    InvalidRealAccount: Stop, "the account that the proxy speaks for is not a valid one";
    /// A shielded transaction cannot be read.
    FailedShieldedTxParsing: Replan, "the shielded transaction cannot be read: sign it anew";
    /// A shielded transaction is sealed for another key than the block's.
    InvalidShieldedTxPubKeyHash: Replan, "the shielded transaction is sealed for another key: sign it anew";
    /// The runtime's number for anything else.
    BadRequest: Stop, "the runtime takes the transaction for a bad request";
    /// A hash commit is revealed in the wrong epoch.
    CommitBlockNotInRevealRange: Stop, "the commit cannot be revealed in this epoch";
    /// Lists that belong together differ in length.
    InputLengthsUnequal @ SubtensorModule: Stop, "lists that belong together differ in length";
    /// No such subnet.
    SubnetNotExists @ SubtensorModule: Stop, "the subnet does not exist";
    /// The subnet has no such mechanism.
    MechanismDoesNotExist @ SubtensorModule: Stop, "the subnet has no such mechanism";
    /// Nobody ever registered the hotkey.
    HotKeyAccountNotExists @ SubtensorModule: Stop, "the hotkey is not known to the chain";
    /// The hotkey holds no uid on the subnet.
    HotKeyNotRegisteredInSubNet @ SubtensorModule: Stop, "the hotkey is not registered on the subnet";
    /// The hotkey holds no uid where it wants to serve.
    HotKeyNotRegisteredInNetwork @ SubtensorModule: Stop, "the hotkey is not registered on the network";
    /// The hotkey holds a uid on the subnet already.
    HotKeyAlreadyRegisteredInSubNet @ SubtensorModule: Stop, "the hotkey is registered on the subnet already";
    /// The hotkey belongs to another coldkey.
    NonAssociatedColdKey @ SubtensorModule: Stop, "the hotkey belongs to another coldkey";
    /// The subnet is full and every neuron is immune.
    NoNeuronIdAvailable @ SubtensorModule: Stop, "the subnet is full and every neuron on it is still immune";
    /// The block has taken all registrations it may.
    TooManyRegistrationsThisBlock @ SubtensorModule: Wait, "the block has taken all registrations that it may: wait for the next one";
    /// The interval has taken all registrations it may.
    TooManyRegistrationsThisInterval @ SubtensorModule: Wait, "too many registrations in this interval: wait for the next one";
    /// The subnet takes no registrations.
    SubNetRegistrationDisabled @ SubtensorModule: Stop, "the subnet takes no registrations";
    /// The coldkey's balance does not cover the stake or the burn.
    NotEnoughBalanceToStake @ SubtensorModule: Stop, "the coldkey's balance is too low";
    /// More stake is taken out than there is.
    NotEnoughStakeToWithdraw @ SubtensorModule: Stop, "there is less stake than is taken out";
    /// The amount is below the least that is moved.
    AmountTooLow @ SubtensorModule: Stop, "the amount is below the least that the chain moves";
    /// Weights came before the rate limit had passed.
    SettingWeightsTooFast @ SubtensorModule: Wait, "weights came too fast: wait for the rate limit to pass";
    /// A commit came before the rate limit had passed.
    CommittingWeightsTooFast @ SubtensorModule: Wait, "the weights' commit came too fast: wait for the rate limit to pass";
    /// The hotkey has no validator permit.
    NeuronNoValidatorPermit @ SubtensorModule: Stop, "the hotkey has no validator permit";
    /// Stake is below the threshold for weights.
    NotEnoughStakeToSetWeights @ SubtensorModule: Stop, "not enough stake to set weights";
    /// The version key is older than the subnet demands.
    IncorrectWeightVersionKey @ SubtensorModule: Stop, "the weights' version key is older than the subnet demands: update the node";
    /// The commit is of another commit-reveal version than the chain's.
    IncorrectCommitRevealVersion @ SubtensorModule: Replan, "the commit-reveal version is not the chain's: read it again";
    /// The subnet ranks by null consensus, whose weights are of another kind.
    NullConsensusRequiresU32Weights @ SubtensorModule: Stop, "the subnet is one of null consensus: it takes u32 scores by set_weights_v2 only, which this node does not send";
    /// The delegate's take is below the least.
    DelegateTakeTooLow @ SubtensorModule: Stop, "the delegate's take is too low";
    /// The delegate's take is above the most.
    DelegateTakeTooHigh @ SubtensorModule: Stop, "the delegate's take is too high";
    /// Fewer weights than the subnet demands.
    WeightVecLengthIsLow @ SubtensorModule: Replan, "the weight vector is too short";
    /// As many uids as weights are needed.
    WeightVecNotEqualSize @ SubtensorModule: Stop, "the weight vector's uids and values differ in length";
    /// A uid is named twice.
    DuplicateUids @ SubtensorModule: Stop, "the weight vector names a uid twice";
    /// A uid is not on the subnet.
    UidVecContainInvalidOne @ SubtensorModule: Replan, "the weight vector names a uid that is not on the subnet";
    /// More weights than neurons.
    UidsLengthExceedUidsInSubNet @ SubtensorModule: Replan, "the weight vector is longer than the subnet";
    /// One weight is larger than the subnet allows.
    MaxWeightExceeded @ SubtensorModule: Replan, "one weight is larger than the subnet allows";
    /// Subnet 0 takes no weights.
    CanNotSetRootNetworkWeights @ SubtensorModule: Stop, "the root subnet takes no weights";
    /// Weights must be committed first.
    CommitRevealEnabled @ SubtensorModule: Replan, "the subnet takes committed weights only";
    /// The subnet takes no commits.
    CommitRevealDisabled @ SubtensorModule: Replan, "the subnet takes plain weights only";
    /// Ten commits of the hotkey wait to be revealed.
    TooManyUnrevealedCommits @ SubtensorModule: Replan, "ten commits of the hotkey wait to be revealed: wait for one to be";
    /// The beacon's round is past already.
    InvalidRevealRound @ SubtensorModule: Replan, "the reveal round is past already: seal the weights anew";
    /// Nothing was committed that could be revealed.
    NoWeightsCommitFound @ SubtensorModule: Stop, "there is no commit to reveal";
    /// The axon record came before the rate limit had passed.
    ServingRateLimitExceeded @ SubtensorModule: Wait, "the axon record came too fast: wait for the serving rate limit to pass";
    /// The committed weights may not be revealed yet.
    RevealTooEarly @ SubtensorModule: Wait, "the committed weights cannot be revealed yet: wait for their epoch";
    /// The committed weights may not be revealed any more.
    ExpiredWeightCommit @ SubtensorModule: Stop, "the committed weights were not revealed in their epoch";
    /// What is revealed is not what was committed.
    InvalidRevealCommitHashNotMatch @ SubtensorModule: Stop, "the revealed weights are not those that were committed";
    /// More epochs to a reveal than the runtime allows.
    RevealPeriodTooLarge @ SubtensorModule: Stop, "the reveal period is out of bounds";
    /// An epoch was asked for already.
    EpochTriggerAlreadyPending @ SubtensorModule: Later, "an epoch was asked for already and has not run yet";
    /// Epochs out of turn would miss the reveals of commits.
    DynamicTempoBlockedByCommitReveal @ SubtensorModule: Stop, "no epoch out of turn while weights are committed first";
    /// A tempo that a subnet owner may not set.
    TempoOutOfBounds @ SubtensorModule: Stop, "the tempo is out of bounds";
    /// The price of a registration is above what the sender would pay.
    RegistrationPriceLimitExceeded @ SubtensorModule: Stop, "the price of the registration is above the limit";
    /// The address type is neither 4 nor 6.
    InvalidIpType @ SubtensorModule: Stop, "the axon's address type is neither 4 nor 6";
    /// The address cannot be served.
    InvalidIpAddress @ SubtensorModule: Stop, "the axon's address cannot be served";
    /// The port is 0.
    InvalidPort @ SubtensorModule: Stop, "the axon's port is 0";
    /// The runtime does not let anybody make this call.
    CallFiltered @ System: Stop, "the runtime does not let anybody make this call";
    /// The balance does not cover the transfer.
    InsufficientBalance @ Balances: Stop, "the balance does not cover the transfer";
    /// The receiver would hold too little to exist.
    ExistentialDeposit @ Balances: Stop, "the receiver would hold too little to exist";
    /// Only the sudo account may do that.
    RequireSudo @ Sudo: Stop, "only the sudo account may do that";
}

/// "Invalid transaction".
const INVALID: i64 = 1010;

impl Refusal {
    /// What the pool says: the error's code, the number of a runtime's own check where it tells
    /// one, and the text that comes with it.
    pub fn from_pool(code: i64, custom: Option<u8>, data: &str) -> Self {
        match (code, custom) {
            (INVALID, Some(number)) => Self::from_custom(number),
            (INVALID, None) => Self::from_phrase(data),
            (1012, _) => Self::Banned,
            (1013, _) => Self::AlreadyImported,
            (1014, _) => Self::PriorityTooLow,
            (1016, _) => Self::PoolFull,
            _ => Self::Unknown { name: format!("{code} {data}") },
        }
    }

    /// The number that the runtime's own checks give: `common/src/transaction_error.rs` of the
    /// chain.
    fn from_custom(number: u8) -> Self {
        match number {
            0 => Self::ColdkeySwapPending,
            1 => Self::StakeAmountTooLow,
            2 => Self::BalanceTooLow,
            3 => Self::SubnetNotExists,
            4 => Self::HotKeyAccountNotExists,
            5 => Self::NotEnoughStakeToWithdraw,
            6 => Self::RateLimitExceeded,
            7 => Self::InsufficientLiquidity,
            8 => Self::SlippageTooHigh,
            9 => Self::TransferDisallowed,
            10 => Self::HotKeyNotRegisteredInNetwork,
            11 => Self::InvalidIpAddress,
            12 => Self::ServingRateLimitExceeded,
            13 => Self::InvalidPort,
            14 => Self::ZeroMaxAmount,
            15 => Self::InvalidRevealRound,
            16 => Self::NoWeightsCommitFound,
            17 => Self::CommitBlockNotInRevealRange,
            18 => Self::InputLengthsUnequal,
            19 => Self::UidNotFound,
            20 => Self::EvmKeyAssociateRateLimitExceeded,
            21 => Self::ColdkeySwapDisputed,
            22 => Self::InvalidRealAccount,
            23 => Self::FailedShieldedTxParsing,
            24 => Self::InvalidShieldedTxPubKeyHash,
            25 => Self::NonAssociatedColdKey,
            26 => Self::DelegateTakeTooLow,
            27 => Self::DelegateTakeTooHigh,
            u8::MAX => Self::BadRequest,
            _ => Self::Unknown { name: format!("custom error {number}") },
        }
    }

    /// The phrases for which code 1010 has no number. They are part of the node's interface.
    fn from_phrase(data: &str) -> Self {
        match data {
            "Transaction is outdated" => Self::Outdated,
            "Transaction will be valid in the future" => Self::FutureNonce,
            "Transaction has a bad signature" => Self::BadSignature,
            "Transaction has an ancient birth block" => Self::AncientBirthBlock,
            "Transaction would exhaust the block limits" => Self::ExhaustsBlock,
            "Transaction call is not expected" => Self::UnexpectedCall,
            _ if data.starts_with("Inability to pay some fees") => Self::CannotPayFees,
            _ => Self::Unknown { name: format!("{INVALID} {data}") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_errors_are_known_by_their_names() {
        for refusal in ALL {
            let Some(pallet) = refusal.pallet() else { continue };
            assert_eq!(Refusal::from_module(pallet, refusal.label()), *refusal);
            let elsewhere = Refusal::from_module("Elsewhere", refusal.label());
            assert_eq!(elsewhere.label(), "Unknown");
            assert!(elsewhere.to_string().contains(&format!("`Elsewhere.{}`", refusal.label())));
        }
    }

    #[test]
    fn every_number_of_the_runtimes_checks_has_a_name() {
        // docs/spec/chain.md#pool-errors: complete for spec 486.
        for number in (0..=27).chain([u8::MAX]) {
            let refusal = Refusal::from_pool(INVALID, Some(number), "");
            assert_ne!(refusal.label(), "Unknown", "{number}");
        }
        let refusal = Refusal::from_module("SubtensorModule", "NullConsensusRequiresU32Weights");
        assert!(refusal.to_string().contains("null consensus"), "{refusal}");
    }

    #[test]
    fn every_answer_of_the_pool_has_its_class() {
        use RefusalClass::{AlreadyKnown, Later, Replan, Stop, Wait};
        let table = [
            (1010, Some(6), "Custom error: 6", "RateLimitExceeded", Wait),
            (1010, Some(12), "Custom error: 12", "ServingRateLimitExceeded", Wait),
            (1010, Some(1), "Custom error: 1", "StakeAmountTooLow", Stop),
            (1010, Some(15), "Custom error: 15", "InvalidRevealRound", Replan),
            (1010, Some(19), "Custom error: 19", "UidNotFound", Stop),
            (1010, Some(7), "Custom error: 7", "InsufficientLiquidity", Stop),
            (1010, Some(23), "Custom error: 23", "FailedShieldedTxParsing", Replan),
            (1010, Some(255), "Custom error: 255", "BadRequest", Stop),
            (1010, Some(99), "Custom error: 99", "Unknown", Later),
            (1010, None, "Transaction is outdated", "Outdated", Replan),
            (1010, None, "Transaction has a bad signature", "BadSignature", Replan),
            (1010, None, "Inability to pay some fees (e.g. ...)", "CannotPayFees", Stop),
            (1012, None, "", "Banned", Later),
            (1013, None, "", "AlreadyImported", AlreadyKnown),
            (1014, None, "The transaction has too low priority", "PriorityTooLow", Later),
            (1016, None, "", "PoolFull", Later),
            (1011, None, "Could not lookup", "Unknown", Later),
        ];
        for (code, custom, data, label, class) in table {
            let refusal = Refusal::from_pool(code, custom, data);
            assert_eq!((refusal.label(), refusal.class()), (label, class), "{code} {data}");
        }
    }
}
