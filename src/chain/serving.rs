//! When a record of where a neuron serves is published (docs/spec/chain.md#serving): only when the
//! chain shows another one, and not more often than the chain allows.

use super::{AxonInfo, Metagraph, PrometheusInfo, PrometheusRecord};
use crate::wallet::AccountId;

/// What is due for one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serving {
    /// The chain shows it.
    Shown,
    /// The chain shows another one, and would refuse a change before this block.
    Wait {
        /// The first block that may carry it.
        until_block: u64,
    },
    /// The chain shows another one.
    Publish,
    /// Who holds no slot publishes nothing.
    NotRegistered,
}

/// What is due for the axon of `hotkey`, which serves at `wanted`.
pub fn axon_due(known: &Metagraph, hotkey: &AccountId, wanted: &AxonInfo) -> Serving {
    match known.neuron_of(hotkey) {
        None => Serving::NotRegistered,
        Some(own) if own.axon.is_same_endpoint(wanted) => Serving::Shown,
        Some(own) => paced(known, own.axon.block),
    }
}

/// What is due for the metrics of `hotkey`, of which the chain shows `shown`.
pub fn prometheus_due(
    known: &Metagraph,
    hotkey: &AccountId,
    shown: Option<&PrometheusRecord>,
    wanted: &PrometheusInfo,
) -> Serving {
    match shown {
        _ if known.neuron_of(hotkey).is_none() => Serving::NotRegistered,
        Some(shown) if shown.info.is_same_endpoint(wanted) => Serving::Shown,
        Some(shown) => paced(known, shown.block),
        None => Serving::Publish,
    }
}

/// A record that was published in block `last`, 0 for never.
fn paced(known: &Metagraph, last: u64) -> Serving {
    let until_block = last.saturating_add(known.hyperparameters.serving_rate_limit);
    // It lands in the next block at the earliest.
    match last == 0 || until_block <= known.head.number + 1 {
        true => Serving::Publish,
        false => Serving::Wait { until_block },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Hash, Head, Hyperparameters, Netuid, Neuron, Uid};

    const HOTKEY: AccountId = AccountId([1; 32]);

    /// A subnet at block 100 whose only neuron shows this axon.
    fn known(axon: AxonInfo) -> Metagraph {
        let neuron = Neuron {
            uid: Uid(0),
            hotkey: HOTKEY,
            coldkey: HOTKEY,
            stake: 0,
            validator_permit: false,
            active: true,
            axon,
            last_update: 0,
            registered_at: 0,
            incentive: 0,
            dividends: 0,
            consensus: 0,
            validator_trust: 0,
            emission: 0,
        };
        let hyperparameters = Hyperparameters::default();
        Metagraph {
            netuid: Netuid(1),
            head: Head { number: 100, hash: Hash([0; 32]) },
            hyperparameters,
            neurons: vec![neuron],
            collateral: Vec::new(),
        }
    }

    #[test]
    fn a_record_is_sent_when_it_differs_and_the_pace_allows_it() {
        let wanted = AxonInfo::for_address("203.0.113.9:8091".parse().unwrap(), 1);
        let other = AxonInfo { port: 8092, ..wanted };
        let cases = [
            (AxonInfo { block: 99, ..wanted }, Serving::Shown),
            (AxonInfo { block: 51, ..other }, Serving::Publish),
            (AxonInfo { block: 52, ..other }, Serving::Wait { until_block: 102 }),
            (AxonInfo::default(), Serving::Publish),
        ];
        for (shown, expected) in cases {
            assert_eq!(axon_due(&known(shown), &HOTKEY, &wanted), expected, "{shown:?}");
            let info = |axon: AxonInfo| PrometheusInfo {
                version: axon.version,
                ip: axon.ip,
                port: axon.port,
                ip_type: axon.ip_type,
            };
            let record = PrometheusRecord { block: shown.block, info: info(shown) };
            let due = prometheus_due(&known(shown), &HOTKEY, Some(&record), &info(wanted));
            assert_eq!(due, expected, "{shown:?}");
        }
        let nobody = AccountId([2; 32]);
        let known = known(wanted);
        assert_eq!(axon_due(&known, &nobody, &wanted), Serving::NotRegistered);
        let info = PrometheusInfo::for_address("203.0.113.9:9100".parse().unwrap(), 1);
        assert_eq!(prometheus_due(&known, &HOTKEY, None, &info), Serving::Publish);
        assert_eq!(prometheus_due(&known, &nobody, None, &info), Serving::NotRegistered);
    }
}
