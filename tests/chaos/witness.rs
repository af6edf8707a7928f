//! What the chain did, read from outside: every block's events, over a control connection that no
//! misbehaviour affects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use sn1::chain::decode::{Read, Runtime, Value};

use super::process::Socket;
use super::{NETUID, validator};

/// Weights in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) block: u64,
    /// The hash of the commit, when the weights are sealed.
    pub(crate) hash: Option<[u8; 32]>,
}

/// Reads the chain block by block.
pub(crate) struct Witness {
    socket: Socket,
    /// The runtimes, by spec version.
    runtimes: BTreeMap<u32, Runtime>,
    /// The runtime that makes the next block.
    in_force: u32,
    /// The newest block that was read.
    pub(crate) head: u64,
    /// The weight settings, oldest first.
    pub(crate) settings: Vec<Setting>,
    /// Blocks with a transaction of the probe.
    pub(crate) accepted: BTreeSet<u64>,
    /// Blocks in which the validator's sealed weights were revealed.
    pub(crate) reveals: Vec<u64>,
    pub(crate) n_upgrades: u32,
    /// The maximum number of open connections, and the current one.
    pub(crate) most_connections: u64,
    pub(crate) connections: u64,
}

fn hex(answer: &Json) -> Vec<u8> {
    hex::decode(answer.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

impl Witness {
    /// Reads from the newest block on.
    pub(crate) async fn new(mut socket: Socket) -> Self {
        let head = socket.ask("dev_status", json!([])).await["best"]["number"].as_u64().unwrap();
        let mut witness = Self {
            socket,
            runtimes: BTreeMap::new(),
            in_force: 0,
            head,
            settings: Vec::new(),
            accepted: BTreeSet::new(),
            reveals: Vec::new(),
            n_upgrades: 0,
            most_connections: 0,
            connections: 0,
        };
        let hash = witness.hash(head).await;
        witness.in_force = witness.runtime_at(&hash).await;
        witness
    }

    /// Orders misbehaviour, in the words of the command line.
    pub(crate) async fn order(&mut self, what: &str) {
        self.socket.ask("dev_do", json!([what])).await;
    }

    /// Reads the blocks that came since the last call.
    pub(crate) async fn catch_up(&mut self) {
        let status = self.socket.ask("dev_status", json!([])).await;
        self.connections = status["connections"].as_u64().unwrap();
        self.most_connections = self.most_connections.max(self.connections);
        while self.head < status["best"]["number"].as_u64().unwrap() {
            self.read(self.head + 1).await;
            self.head += 1;
        }
    }

    async fn hash(&mut self, block: u64) -> Json {
        self.socket.ask("chain_getBlockHash", json!([block])).await
    }

    /// The version of the runtime at a block, once it is known.
    async fn runtime_at(&mut self, hash: &Json) -> u32 {
        let version = self.socket.ask("state_getRuntimeVersion", json!([hash])).await;
        let spec = u32::try_from(version["specVersion"].as_u64().unwrap()).unwrap();
        if !self.runtimes.contains_key(&spec) {
            let metadata = hex(&self.socket.ask("state_getMetadata", json!([hash])).await);
            self.runtimes.insert(spec, Runtime::new(spec, &metadata).unwrap());
        }
        spec
    }

    async fn read(&mut self, block: u64) {
        let hash = self.hash(block).await;
        // The parent's runtime made the block and wrote its events.
        let made_by = self.in_force;
        let Read::Storage { key } = self.runtimes[&made_by].events().unwrap() else {
            panic!("events are storage")
        };
        let key = format!("0x{}", hex::encode(key));
        let stored = self.socket.ask("state_getStorage", json!([key, hash])).await;
        let stored = stored.is_string().then(|| hex(&stored));
        let runtime = self.runtimes.remove(&made_by).unwrap();
        let events = runtime.decode_storage("System", "Events", stored.as_deref()).unwrap();
        for record in events.as_ref().map_or(&[][..], |events| events.list("events").unwrap()) {
            self.take(block, record);
        }
        drop(events);
        self.runtimes.insert(made_by, runtime);
        self.in_force = self.runtime_at(&hash).await;
        self.n_upgrades += u32::from(self.in_force != made_by);
    }

    fn take(&mut self, block: u64, record: &Value<'_>) {
        let Some(Value::Case("SubtensorModule", event)) = record.field("event") else { return };
        let Value::Case(name, fields) = &**event else { return };
        let Value::List(fields) = &**fields else { return };
        let is_ours = |field: &Value<'_>| field.account(name).unwrap() == validator().account_id();
        let index = |field: &Value<'_>| field.number::<u16>(name).unwrap() == NETUID.0;
        match (*name, &fields[..]) {
            // No other hotkey sets weights here.
            ("WeightsSet", [netuid, _]) if index(netuid) => {
                self.settings.push(Setting { block, hash: None });
            }
            ("TimelockedWeightsCommitted", [hotkey, _, Value::Bytes(hash), _])
                if is_ours(hotkey) =>
            {
                let hash = Some(hash[..].try_into().unwrap());
                self.settings.push(Setting { block, hash });
            }
            ("TimelockedWeightsRevealed", [_, hotkey]) if is_ours(hotkey) => {
                self.reveals.push(block);
            }
            ("PrometheusServed", _) => {
                self.accepted.insert(block);
            }
            _ => {}
        }
    }

    /// The block of the last setting; `start` before the first.
    pub(crate) fn last_setting(&self, start: u64) -> u64 {
        self.settings.last().map_or(start, |setting| setting.block)
    }
}
