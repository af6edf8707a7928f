//! Maps each call to its implementation, for the pool's check and for a block.

use parity_scale_codec::Encode;

use super::call::{Call, Transaction};
use super::fees::fee;
use super::report::{Applied, Event};
use super::state::{CommitRequest, PrometheusInfo, State, WeightRequest, ensure};
use crate::chain::{Hash, Refusal};
use crate::wallet::{AccountId, blake2b_256};

/// Most bytes of a sealed transaction.
const MAX_SEALED: usize = 8_192;

impl State {
    /// What a real node's pool checks for the block that would carry the transaction: the fee, then
    /// the runtime's own check, whose reasons have the pool's names.
    pub(super) fn check_for_pool(
        &self,
        block: u64,
        transaction: &Transaction,
    ) -> Result<(), Refusal> {
        let Transaction { signer, call, length, .. } = transaction;
        ensure(fee(call, *length) <= self.balance(signer), Refusal::CannotPayFees)?;
        let checked = match call {
            Call::ServeAxon { netuid, axon } => {
                self.check_serve_axon(block, signer, *netuid, axon).map(|_| ())
            }
            &Call::ServePrometheus { netuid, version, ip, port, ip_type }
                if self.rules.pool_checks_pace =>
            {
                let record = PrometheusInfo { block, version, ip, port, ip_type };
                self.check_serve_prometheus(signer, netuid, &record).map(|_| ())
            }
            Call::SetWeights { .. } | Call::RevealWeights { .. } => {
                self.check_weight_call_for_pool(block, signer, call)
            }
            Call::CommitTimelocked { netuid, mecid, commit, reveal_round, version } => {
                let request = CommitRequest {
                    hotkey: signer,
                    netuid: *netuid,
                    mecid: *mecid,
                    commit,
                    round: *reveal_round,
                    version: *version,
                };
                self.check_commit_for_pool(block, request)
            }
            Call::SubmitEncrypted { ciphertext } => {
                ensure(ciphertext.len() <= MAX_SEALED, Refusal::UnexpectedCall)
            }
            Call::CommitHash { netuid, .. } => self.check_weights_stake(*netuid, signer),
            Call::AddStake { hotkey, netuid, amount } if !self.rules.pool_checks_pace => {
                self.check_add_stake(signer, *netuid, hotkey, *amount)
            }
            Call::RemoveStake { hotkey, netuid, amount } if !self.rules.pool_checks_pace => {
                self.check_remove_stake(signer, *netuid, hotkey, *amount)
            }
            Call::AddStake { .. }
            | Call::RemoveStake { .. }
            | Call::RemoveAllStake { .. }
            | Call::ServePrometheus { .. }
            | Call::BurnedRegister { .. }
            | Call::RegisterLimit { .. }
            | Call::Transfer { .. }
            | Call::SetHyperparameter(_)
            | Call::SetTempo { .. }
            | Call::TriggerEpoch { .. }
            | Call::Remark
            | Call::Unsupported { .. } => Ok(()),
        };
        checked.map_err(in_words_of_the_pool)
    }

    fn check_weight_call_for_pool(
        &self,
        block: u64,
        hotkey: &AccountId,
        call: &Call,
    ) -> Result<(), Refusal> {
        match call {
            Call::SetWeights { netuid, mecid, uids, values, version_key } => {
                let (netuid, mecid, version_key) = (*netuid, *mecid, *version_key);
                let request = WeightRequest { hotkey, netuid, mecid, uids, values, version_key };
                self.check_weights_for_pool(block, request)
            }
            Call::RevealWeights { netuid, mecid, uids, values, salt, version_key } => {
                let (netuid, mecid, version_key) = (*netuid, *mecid, *version_key);
                let request = WeightRequest { hotkey, netuid, mecid, uids, values, version_key };
                self.check_reveal_for_pool(block, request, salt)
            }
            _ => Ok(()),
        }
    }

    /// Counts the nonce and takes the fee, then carries the call out as a whole or not at all.
    /// `None` if the signer cannot pay: then no block holds the transaction.
    pub(super) fn carry_out(
        &mut self,
        block: u64,
        index: usize,
        transaction: Transaction,
    ) -> Option<Applied> {
        let Transaction { hash, signer, call, length, .. } = transaction;
        let fee = fee(&call, length);
        if fee > self.balance(&signer) {
            return None;
        }
        self.pay_fee(&signer, fee);
        let nonce = self.nonces.entry(signer).or_default();
        *nonce = nonce.saturating_add(1);
        let (outcome, events) = match self.dispatch(block, &signer, call) {
            Ok(events) => (Ok(()), events),
            Err(refusal) => (Err(refusal), Vec::new()),
        };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        Some(Applied { hash, signer, index, outcome, fee, events })
    }

    fn dispatch(
        &mut self,
        block: u64,
        signer: &AccountId,
        call: Call,
    ) -> Result<Vec<Event>, Refusal> {
        match call {
            Call::BurnedRegister { netuid, hotkey } => self.register(block, signer, netuid, hotkey),
            Call::RegisterLimit { netuid, hotkey, limit } => {
                self.register_limited(block, signer, netuid, hotkey, limit)
            }
            Call::ServeAxon { netuid, axon } => self.serve_axon(block, signer, netuid, axon),
            Call::ServePrometheus { netuid, version, ip, port, ip_type } => {
                let record = PrometheusInfo { block, version, ip, port, ip_type };
                self.serve_prometheus(signer, netuid, record)
            }
            Call::SetWeights { netuid, mecid, uids, values, version_key } => {
                let (hotkey, uids, values) = (signer, &uids, &values);
                let request = WeightRequest { hotkey, netuid, mecid, uids, values, version_key };
                self.set_weights(block, request)
            }
            Call::CommitTimelocked { netuid, mecid, commit, reveal_round, version } => {
                let (hotkey, commit, round) = (signer, &commit, reveal_round);
                let request = CommitRequest { hotkey, netuid, mecid, commit, round, version };
                self.commit_weights(block, request)
            }
            Call::CommitHash { netuid, mecid, hash } => {
                self.commit_hash(block, signer, (netuid, mecid), hash)
            }
            Call::RevealWeights { netuid, mecid, uids, values, salt, version_key } => {
                let (hotkey, uids, values) = (signer, &uids, &values);
                let request = WeightRequest { hotkey, netuid, mecid, uids, values, version_key };
                self.reveal_hash(block, request, &salt)
            }
            Call::AddStake { hotkey, netuid, amount } => {
                self.add_stake(signer, netuid, hotkey, amount)
            }
            Call::RemoveStake { hotkey, netuid, amount } => {
                self.remove_stake(signer, netuid, hotkey, amount)
            }
            Call::RemoveAllStake { hotkey, netuid } => {
                let amount = self.stake(&hotkey);
                self.remove_stake(signer, netuid.unwrap_or(self.netuid), hotkey, amount)
            }
            Call::TriggerEpoch { netuid } => self.trigger_epoch(block, signer, netuid),
            Call::SubmitEncrypted { ciphertext } => {
                let id = Hash(blake2b_256(&(signer.0, ciphertext).encode()));
                Ok(vec![Event::EncryptedSubmitted { id, account: *signer }])
            }
            Call::Transfer { to, amount, keep_alive } => {
                self.transfer(signer, to, amount, keep_alive)
            }
            Call::SetHyperparameter(change) => self.sudo(block, signer, &change),
            Call::SetTempo { netuid, tempo } => self.set_tempo(block, signer, netuid, tempo),
            Call::Remark => Ok(Vec::new()),
            Call::Unsupported { .. } => Err(Refusal::CallFiltered),
        }
    }
}

/// The pool's name for the same reason (docs/spec/chain.md#pool-errors).
fn in_words_of_the_pool(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::SettingWeightsTooFast | Refusal::CommittingWeightsTooFast => {
            Refusal::RateLimitExceeded
        }
        Refusal::NotEnoughStakeToSetWeights | Refusal::AmountTooLow => Refusal::StakeAmountTooLow,
        Refusal::HotKeyNotRegisteredInSubNet => Refusal::UidNotFound,
        Refusal::NotEnoughBalanceToStake => Refusal::BalanceTooLow,
        other => other,
    }
}
