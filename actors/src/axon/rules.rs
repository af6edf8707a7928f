//! Which callers an axon serves, and how much each may use.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use sn1::chain::{RAO_PER_TAO, Uid};
use sn1::synapse::limits::Rate;
use sn1::synapse::pipeline::RefusalKind;
use sn1::synapse::verify::{MonotonicNonces, VerifierConfig, VerifyPolicy};
use sn1::wallet::AccountId;

use crate::feeds::MetagraphFeed;
pub use crate::settings::{AxonLimits, AxonRules, Verify};

impl AxonLimits {
    pub(super) fn address_rate(&self) -> Rate {
        Rate { per_second: self.address_requests_per_second, burst: self.address_burst }
    }

    pub(super) fn strangers_rate(&self) -> Rate {
        Rate { per_second: self.strangers_requests_per_second, burst: self.strangers_burst }
    }

    pub(super) fn hotkey_rate(&self) -> Rate {
        Rate { per_second: self.hotkey_requests_per_second, burst: self.hotkey_burst }
    }
}

impl AxonRules {
    /// The verifier's part of these rules. `started_unix_ns` is the time from which this axon
    /// remembers nonces.
    pub(super) fn verifier(&self, limits: &AxonLimits, started_unix_ns: u64) -> VerifierConfig {
        VerifierConfig {
            policy: match self.verify {
                Verify::Strict => VerifyPolicy::Strict,
                Verify::Lenient => VerifyPolicy::Lenient,
            },
            monotonic: match self.refuse_monotonic_nonces {
                true => MonotonicNonces::Refuse,
                false => MonotonicNonces::Accept,
            },
            n_max_pairs: limits.max_nonce_pairs,
            started_unix_ns: Some(started_unix_ns),
            ..VerifierConfig::default()
        }
    }

    /// Refuses a hotkey that these rules exclude, given its entry in the roster.
    fn check(&self, hotkey: &AccountId, known: Option<&Known>) -> Result<(), RefusalKind> {
        let refused = |reason: &str| Err(RefusalKind::Blacklisted(reason.to_owned()));
        if self.deny.contains(hotkey) {
            return refused("Hotkey is denied");
        }
        if self.allow.contains(hotkey) {
            return Ok(());
        }
        match known {
            None => refused("Unrecognized hotkey"),
            Some(known) if self.require_permit && !known.validator_permit => {
                refused("Validator permit required")
            }
            Some(known) if known.stake < self.min_stake.as_f64() => refused("Stake is too low"),
            Some(_) => Ok(()),
        }
    }
}

/// The caller as a miner sees it. [`super::Miner::blacklist`] gets it before the signature is
/// checked, when nothing is proven; [`super::Miner::priority`] gets it afterwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caller {
    /// The hotkey that the request names.
    pub hotkey: AccountId,
    /// Its uid; `None` when it is not registered in the subnet.
    pub uid: Option<Uid>,
    /// Its stake in TAO; 0 for a hotkey that is only on the allow list.
    pub stake: f64,
    /// Whether it holds a validator permit.
    pub validator_permit: bool,
    /// The address and port of the TCP peer.
    pub peer: SocketAddr,
}

/// A hotkey's entry in the roster.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Known {
    uid: Option<Uid>,
    stake: f64,
    validator_permit: bool,
}

/// The hotkeys that an axon knows.
#[derive(Debug, Clone)]
pub enum Roster {
    /// The neurons of the newest metagraph.
    Metagraph(MetagraphFeed),
    /// These hotkeys with their stakes in TAO, all with a permit.
    Fixed(Arc<HashMap<AccountId, f64>>),
}

impl Roster {
    fn known(&self, hotkey: &AccountId) -> Option<Known> {
        match self {
            Self::Metagraph(feed) => {
                let metagraph = feed.borrow();
                let neuron = metagraph.as_ref()?.neuron_of(hotkey)?;
                Some(Known {
                    uid: Some(neuron.uid),
                    stake: neuron.stake as f64 / RAO_PER_TAO as f64,
                    validator_permit: neuron.validator_permit,
                })
            }
            Self::Fixed(callers) => callers.get(hotkey).map(|stake| Known {
                uid: None,
                stake: *stake,
                validator_permit: true,
            }),
        }
    }

    /// The caller, if the rules allow it.
    pub(super) fn caller(
        &self,
        hotkey: AccountId,
        peer: SocketAddr,
        rules: &AxonRules,
    ) -> Result<Caller, RefusalKind> {
        let known = self.known(&hotkey);
        rules.check(&hotkey, known.as_ref())?;
        let Known { uid, stake, validator_permit } = known.unwrap_or_default();
        Ok(Caller { hotkey, uid, stake, validator_permit, peer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Tao;

    fn id(number: u8) -> AccountId {
        AccountId([number; 32])
    }

    #[test]
    fn lists_beat_the_metagraph_and_denial_beats_permission() {
        let rules = AxonRules {
            require_permit: true,
            min_stake: Tao::whole(10),
            allow: vec![id(1), id(2)],
            deny: vec![id(2), id(3)],
            ..AxonRules::default()
        };
        let known = |stake, validator_permit| Some(Known { uid: None, stake, validator_permit });
        let table = [
            (1, None, None),
            (2, known(99.0, true), Some("Hotkey is denied")),
            (3, known(99.0, true), Some("Hotkey is denied")),
            (4, None, Some("Unrecognized hotkey")),
            (4, known(99.0, false), Some("Validator permit required")),
            (4, known(9.0, true), Some("Stake is too low")),
            (4, known(10.0, true), None),
        ];
        for (number, known, reason) in table {
            let refused = reason.map(|reason| RefusalKind::Blacklisted(reason.to_owned()));
            assert_eq!(rules.check(&id(number), known.as_ref()).err(), refused, "{number}");
        }
    }
}
