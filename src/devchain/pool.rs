//! From a call to its duty: what the pool checks first, and what a block carries out.

use super::extrinsic::{Call, SignedExtrinsic};
use super::state::{State, WeightRequest};
use crate::chain::Refusal;
use crate::wallet::AccountId;

impl State {
    /// What a real node's pool looks at, as of the block that would carry the call out.
    pub(super) fn check_for_pool(
        &self,
        block: u64,
        signer: &AccountId,
        call: &Call,
    ) -> Result<(), Refusal> {
        match call {
            Call::BurnedRegister { netuid, hotkey } => {
                self.check_registration(signer, *netuid, hotkey)
            }
            Call::ServeAxon { netuid, axon } => {
                self.check_serve_axon(block, signer, *netuid, axon).map(|_| ())
            }
            Call::SetWeights { netuid, uids, values, version_key } => {
                let request = WeightRequest {
                    hotkey: signer,
                    netuid: *netuid,
                    uids,
                    values,
                    version_key: *version_key,
                };
                self.check_weights_for_pool(block, request)
            }
            Call::AddStake { hotkey, netuid, amount } => {
                self.check_add_stake(signer, *netuid, hotkey, *amount)
            }
            Call::Transfer { amount, .. } => self.check_balance(signer, *amount),
        }
    }

    /// Counts the nonce, then carries the call out whole or not at all.
    pub(super) fn carry_out(
        &mut self,
        block: u64,
        extrinsic: SignedExtrinsic,
    ) -> Result<(), Refusal> {
        let SignedExtrinsic { signer, call, .. } = extrinsic;
        let nonce = self.nonces.entry(signer).or_default();
        *nonce = nonce.saturating_add(1);
        match call {
            Call::BurnedRegister { netuid, hotkey } => {
                self.register(block, &signer, netuid, hotkey)
            }
            Call::ServeAxon { netuid, axon } => self.serve_axon(block, &signer, netuid, axon),
            Call::SetWeights { netuid, uids, values, version_key } => {
                let request = WeightRequest {
                    hotkey: &signer,
                    netuid,
                    uids: &uids,
                    values: &values,
                    version_key,
                };
                self.set_weights(block, request)
            }
            Call::AddStake { hotkey, netuid, amount } => {
                self.add_stake(&signer, netuid, hotkey, amount)
            }
            Call::Transfer { to, amount } => self.transfer(&signer, to, amount),
        }
    }
}
