//! The saved form of a node: its configuration, the newest block with its state, the hashes of the
//! last blocks, and the pool.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::block::{Block, Header};
use super::history::{Hashes, History};
use super::runtime::{Runtime, Spec};
use super::{DevNode, NodeConfig, Upgrade, Waiting};
use crate::devchain::DevChain;

/// The saved form for writing, which borrows.
#[derive(Serialize)]
struct Written<'a> {
    config: &'a NodeConfig,
    chain: &'a DevChain,
    hashes: &'a Hashes,
    upgrades: Vec<(u64, Spec)>,
    planned: Option<Spec>,
    waiting: &'a [Waiting],
    newest: WrittenBlock<'a>,
}

#[derive(Serialize)]
struct WrittenBlock<'a> {
    header: &'a Header,
    #[serde(with = "super::hex_lists")]
    extrinsics: &'a [Vec<u8>],
    events: String,
    n_events: u32,
    now_ms: u64,
    upgraded_to: u32,
}

/// The saved form for reading, which owns.
#[derive(Deserialize)]
struct Saved {
    config: NodeConfig,
    chain: DevChain,
    hashes: Hashes,
    upgrades: Vec<(u64, Spec)>,
    planned: Option<Spec>,
    waiting: Vec<Waiting>,
    newest: SavedBlock,
}

#[derive(Deserialize)]
struct SavedBlock {
    header: Header,
    #[serde(with = "super::hex_lists")]
    extrinsics: Vec<Vec<u8>>,
    #[serde(with = "crate::devchain::hex_bytes")]
    events: Vec<u8>,
    n_events: u32,
    now_ms: u64,
    upgraded_to: u32,
}

impl Serialize for DevNode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let block = self.history.newest();
        let upgrades = self.upgrades.iter();
        let written = Written {
            config: &self.config,
            chain: &self.chain,
            hashes: &self.hashes,
            upgrades: upgrades
                .map(|upgrade| (upgrade.first_block, upgrade.runtime.spec()))
                .collect(),
            planned: self.planned,
            waiting: &self.waiting,
            newest: WrittenBlock {
                header: &block.header,
                extrinsics: &block.extrinsics,
                events: hex::encode(&block.events),
                n_events: block.n_events,
                now_ms: block.now_ms,
                upgraded_to: block.upgraded_to,
            },
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DevNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Saved::deserialize(deserializer)?;
        let upgrades: Vec<Upgrade> = saved.upgrades.into_iter().map(upgrade).collect();
        let newest = upgrades.last().ok_or_else(|| serde::de::Error::custom("no runtime"))?;
        let chain = Arc::new(saved.chain);
        let block = saved.newest.into_block(&newest.runtime, &chain);
        Ok(Self {
            config: saved.config,
            chain,
            hashes: saved.hashes,
            history: History::new(block),
            upgrades,
            planned: saved.planned,
            waiting: saved.waiting,
        })
    }
}

fn upgrade((first_block, spec): (u64, Spec)) -> Upgrade {
    Upgrade { first_block, runtime: Arc::new(Runtime::new(spec)) }
}

impl SavedBlock {
    fn into_block(self, runtime: &Arc<Runtime>, chain: &Arc<DevChain>) -> Block {
        Block {
            hash: self.header.hash(),
            header: self.header,
            extrinsics: self.extrinsics,
            events: self.events,
            n_events: self.n_events,
            now_ms: self.now_ms,
            upgraded_to: self.upgraded_to,
            runtime: Arc::clone(runtime),
            chain: Arc::clone(chain),
        }
    }
}
