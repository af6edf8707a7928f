//! The page `/metagraph`: the subnet as this node last saw it, for tools on the same machine.
//!
//! Amounts are in TAO and shares are fractions of 1, both as JSON numbers; the axon is `ip:port`,
//! or null for a neuron that does not serve.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use sn1::chain::{Collateral, Hash, Metagraph, Netuid, Neuron, Uid};
use sn1::wallet::AccountId;

use super::Pages;
use crate::feeds::{HeadFeed, MetagraphFeed, SeenHead};

const RAO_IN_TAO: f64 = 1e9;

/// The feeds that the page is made from.
#[derive(Clone)]
pub struct SubnetFeeds {
    /// The newest metagraph.
    pub metagraph: MetagraphFeed,
    /// The newest blocks.
    pub heads: HeadFeed,
    /// On a local net, whose keys are public anyway: the development key that may ask its miners.
    /// `None` on a real network.
    pub development_key: Option<Arc<str>>,
}

/// The content of the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubnetPage {
    /// The subnet's number.
    pub netuid: Netuid,
    /// The block at which all of this was read.
    pub block: u64,
    /// The hash of that block.
    pub block_hash: Hash,
    /// How many blocks the node has seen since.
    pub blocks_behind: u64,
    /// Seconds since the node saw its newest block; null before the first.
    pub age_s: Option<f64>,
    /// On a local net, the path of a development key that its miners answer; null elsewhere.
    pub development_key: Option<String>,
    /// Every slot, by uid and without gaps.
    pub neurons: Vec<NeuronEntry>,
}

/// One slot on the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeuronEntry {
    /// The uid of the slot.
    pub uid: Uid,
    /// The key that serves and signs.
    pub hotkey: AccountId,
    /// The key that owns the hotkey.
    pub coldkey: AccountId,
    /// Where it serves, as `ip:port`; null when it does not.
    pub axon: Option<std::net::SocketAddr>,
    /// Stake in TAO.
    pub stake: f64,
    /// Whether it holds a validator permit.
    pub validator_permit: bool,
    /// Whether it was active in the last epoch.
    pub active: bool,
    /// Its share of the miners' reward, a fraction of 1.
    pub incentive: f64,
    /// Its share of the validators' reward, a fraction of 1.
    pub dividends: f64,
    /// Its consensus weight, a fraction of 1.
    pub consensus: f64,
    /// Its validator trust, a fraction of 1.
    pub validator_trust: f64,
    /// Its emission in the last epoch, in TAO.
    pub emission: f64,
    /// The block of its last weights; before those, of its registration.
    pub last_update: u64,
    /// The block of its registration.
    pub registered_at: u64,
    /// What of its registration's price is locked; absent where the runtime knows no collateral.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collateral: Option<Collateral>,
}

impl SubnetPage {
    /// The page for one snapshot.
    pub fn new(
        metagraph: &Metagraph,
        newest: Option<SeenHead>,
        development_key: Option<&str>,
    ) -> Self {
        let block = metagraph.head.number;
        let entry = |neuron: &Neuron| NeuronEntry {
            collateral: metagraph.collateral.get(usize::from(neuron.uid.0)).copied(),
            ..NeuronEntry::from(neuron)
        };
        Self {
            netuid: metagraph.netuid,
            block,
            block_hash: metagraph.head.hash,
            blocks_behind: newest.map_or(0, |seen| seen.head.number.saturating_sub(block)),
            age_s: newest.map(|seen| seen.at.elapsed().as_secs_f64()),
            development_key: development_key.map(str::to_owned),
            neurons: metagraph.neurons.iter().map(entry).collect(),
        }
    }

    /// The neuron in slot `uid`; `None` when the subnet has no such slot.
    pub fn neuron(&self, uid: Uid) -> Option<&NeuronEntry> {
        self.neurons.iter().find(|neuron| neuron.uid == uid)
    }
}

impl From<&Neuron> for NeuronEntry {
    fn from(neuron: &Neuron) -> Self {
        let share = |value: u16| f64::from(value) / f64::from(u16::MAX);
        let tao = |rao: u64| rao as f64 / RAO_IN_TAO;
        Self {
            uid: neuron.uid,
            hotkey: neuron.hotkey,
            coldkey: neuron.coldkey,
            axon: neuron.axon.socket_address(),
            stake: tao(neuron.stake),
            validator_permit: neuron.validator_permit,
            active: neuron.active,
            incentive: share(neuron.incentive),
            dividends: share(neuron.dividends),
            consensus: share(neuron.consensus),
            validator_trust: share(neuron.validator_trust),
            emission: tao(neuron.emission),
            last_update: neuron.last_update,
            registered_at: neuron.registered_at,
            collateral: None,
        }
    }
}

/// Answers 503 until there is a metagraph.
pub(super) async fn subnet_page(pages: web::Data<Pages>) -> HttpResponse {
    let feeds = &pages.subnet;
    let Some(metagraph) = feeds.metagraph.borrow().clone() else {
        return HttpResponse::ServiceUnavailable().body("no metagraph yet\n");
    };
    let newest = *feeds.heads.borrow();
    HttpResponse::Ok().json(SubnetPage::new(&metagraph, newest, feeds.development_key.as_deref()))
}
