//! Accounts and slots: the state that blocks change. Each kind of change has a file of its own;
//! this file holds what they share, and the node's view of the state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chain::{AxonInfo, Head, Hyperparameters, Metagraph, Netuid, Neuron, Refusal, Uid};
use crate::wallet::AccountId;

mod commits;
mod hash_commits;
mod payout;
mod registration;
mod schedule;
mod serving;
mod settings;
mod transfers;
mod weight_setting;

pub(super) use commits::{CommitRequest, SealedCommit};
pub(super) use hash_commits::HashCommit;
pub use payout::EpochReport;
pub(super) use schedule::EpochCounters;
pub(super) use serving::PrometheusInfo;
pub use transfers::EXISTENTIAL_DEPOSIT;
pub(super) use weight_setting::WeightRequest;

use super::GenesisConfig;
use super::beacon::Beacon;
use super::rules::ChainRules;

/// One slot of the subnet and its neuron.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) hotkey: AccountId,
    pub(super) registered_at: u64,
    pub(super) last_update: u64,
    pub(super) active: bool,
    pub(super) validator_permit: bool,
    pub(super) axon: AxonInfo,
    pub(super) prometheus: PrometheusInfo,
    pub(super) incentive: u16,
    pub(super) dividends: u16,
    pub(super) consensus: u16,
    pub(super) validator_trust: u16,
    pub(super) emission: u64,
    /// The stored weights in order of uid, scaled by the chain.
    pub(super) weights: Vec<(Uid, u16)>,
    pub(super) bonds: Vec<(Uid, u16)>,
}

impl Slot {
    /// The slot of a new neuron. It counts as updated in `block`, so its first weights wait for the
    /// rate limit.
    fn new(hotkey: AccountId, block: u64) -> Self {
        Self {
            hotkey,
            registered_at: block,
            last_update: block,
            active: true,
            validator_permit: false,
            axon: AxonInfo::default(),
            prometheus: PrometheusInfo::default(),
            incentive: 0,
            dividends: 0,
            consensus: 0,
            validator_trust: 0,
            emission: 0,
            weights: Vec::new(),
            bonds: Vec::new(),
        }
    }
}

/// The state that blocks change, and the settings that apply to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) netuid: Netuid,
    pub(super) hyperparameters: Hyperparameters,
    pub(super) rules: ChainRules,
    pub(super) owner_hotkey: Option<AccountId>,
    /// The account that may change settings by transaction.
    pub(super) sudo: Option<AccountId>,
    pub(super) emission_per_epoch: u64,
    pub(super) allow_loopback_axons: bool,
    /// Time of the newest block, in Unix milliseconds.
    pub(super) now_ms: u64,
    pub(super) beacon: Beacon,
    /// Spendable balance of each account, in rao.
    pub(super) balances: BTreeMap<AccountId, u64>,
    /// Transactions of each account that were carried out.
    pub(super) nonces: BTreeMap<AccountId, u32>,
    /// The coldkey of each hotkey; kept if the hotkey loses its slot.
    pub(super) owners: BTreeMap<AccountId, AccountId>,
    /// Stake of each hotkey, in rao; kept if the hotkey loses its slot.
    pub(super) stakes: BTreeMap<AccountId, u64>,
    /// Rao issued so far, by genesis and emission.
    pub(super) issued: u64,
    /// Rao destroyed by registrations so far.
    pub(super) burned: u64,
    /// Rao paid as fees so far.
    pub(super) fees: u64,
    /// Number of the block of the last epoch; 0 before the first one.
    pub(super) last_epoch: u64,
    pub(super) epochs: EpochCounters,
    /// Sealed weights by the index of the epoch in which they were committed.
    pub(super) commits: BTreeMap<u64, Vec<SealedCommit>>,
    /// Hashes of weights that wait to be revealed, by hotkey, the oldest first.
    #[serde(default)]
    pub(super) hash_commits: BTreeMap<AccountId, Vec<HashCommit>>,
    /// The slots of the subnet, by uid.
    pub(super) slots: Vec<Slot>,
}

impl State {
    /// The state at block 0.
    pub(super) fn genesis(config: GenesisConfig) -> Self {
        let mut state = Self {
            netuid: config.netuid,
            hyperparameters: config.hyperparameters,
            rules: config.rules,
            owner_hotkey: config.owner_hotkey,
            sudo: config.sudo,
            emission_per_epoch: config.emission_per_epoch,
            allow_loopback_axons: config.allow_loopback_axons,
            now_ms: 0,
            beacon: Beacon::new(config.seed),
            balances: BTreeMap::new(),
            nonces: BTreeMap::new(),
            owners: BTreeMap::new(),
            stakes: BTreeMap::new(),
            issued: 0,
            burned: 0,
            fees: 0,
            last_epoch: 0,
            epochs: EpochCounters::default(),
            commits: BTreeMap::new(),
            hash_commits: BTreeMap::new(),
            slots: Vec::new(),
        };
        for (account, amount) in config.balances {
            state.credit(account, amount);
            state.issued = state.issued.saturating_add(amount);
        }
        state
    }

    /// The first step of every block: sets its time, the beacon's round and the price of
    /// registration.
    pub(super) fn begin_block(&mut self, block: u64, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        self.beacon.advance(&self.rules, self.now_ms);
        self.epochs.since_last_step = self.epochs.since_last_step.saturating_add(1);
        self.lower_price(block);
    }

    pub(super) fn balance(&self, account: &AccountId) -> u64 {
        self.balances.get(account).copied().unwrap_or(0)
    }

    pub(super) fn stake(&self, hotkey: &AccountId) -> u64 {
        self.stakes.get(hotkey).copied().unwrap_or(0)
    }

    pub(super) fn nonce(&self, account: &AccountId) -> u32 {
        self.nonces.get(account).copied().unwrap_or(0)
    }

    pub(super) fn uid_of(&self, hotkey: &AccountId) -> Option<Uid> {
        let position = self.slots.iter().position(|slot| slot.hotkey == *hotkey);
        position.and_then(uid_at)
    }

    pub(super) fn weights(&self, uid: Uid) -> Option<&[(Uid, u16)]> {
        self.slots.get(usize::from(uid.0)).map(|slot| slot.weights.as_slice())
    }

    pub(super) fn metagraph(&self, head: Head) -> Metagraph {
        let neurons = self.slots.iter().enumerate();
        Metagraph {
            netuid: self.netuid,
            head,
            hyperparameters: self.hyperparameters.clone(),
            neurons: neurons
                .filter_map(|(position, slot)| Some(self.neuron(uid_at(position)?, slot)))
                .collect(),
            collateral: Vec::new(),
        }
    }

    fn neuron(&self, uid: Uid, slot: &Slot) -> Neuron {
        let hotkey = slot.hotkey;
        Neuron {
            uid,
            hotkey,
            coldkey: self.owners.get(&hotkey).copied().unwrap_or(hotkey),
            stake: self.stake(&hotkey),
            validator_permit: slot.validator_permit,
            active: slot.active,
            axon: slot.axon,
            last_update: slot.last_update,
            registered_at: slot.registered_at,
            incentive: slot.incentive,
            dividends: slot.dividends,
            consensus: slot.consensus,
            validator_trust: slot.validator_trust,
            emission: slot.emission,
        }
    }

    fn ensure_subnet(&self, netuid: Netuid) -> Result<(), Refusal> {
        ensure(netuid == self.netuid, Refusal::SubnetNotExists)
    }

    /// Refuses other mechanisms than 0, the only one of the only subnet.
    fn ensure_mechanism(&self, netuid: Netuid, mecid: u8) -> Result<(), Refusal> {
        ensure(netuid == self.netuid && mecid == 0, Refusal::MechanismDoesNotExist)
    }

    /// The slot of `hotkey` on `netuid`.
    fn slot_of(&self, netuid: Netuid, hotkey: &AccountId) -> Result<Uid, Refusal> {
        let uid = self.uid_of(hotkey).filter(|_| netuid == self.netuid);
        uid.ok_or(Refusal::HotKeyNotRegisteredInSubNet)
    }

    fn slot(&self, uid: Uid) -> Option<&Slot> {
        self.slots.get(usize::from(uid.0))
    }

    fn slot_mut(&mut self, uid: Uid) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(uid.0))
    }

    fn is_owner(&self, hotkey: &AccountId) -> bool {
        self.owner_hotkey.as_ref() == Some(hotkey)
    }
}

/// Returns `refusal` as an error unless `condition` holds.
pub(super) fn ensure(condition: bool, refusal: Refusal) -> Result<(), Refusal> {
    if condition { Ok(()) } else { Err(refusal) }
}

fn uid_at(position: usize) -> Option<Uid> {
    u16::try_from(position).ok().map(Uid)
}
