//! A chain that the test nodes share: blocks with transactions and events, finality on request, and
//! a pool that does what the test says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sn1::chain::Hash;
use sn1::chain::transaction::transaction_hash;
use tokio::sync::broadcast;

use super::node::hex;

/// What a node does with the next transaction.
#[derive(Debug, Clone)]
pub(crate) enum OnSubmit {
    /// Takes it and sends notifications about it.
    Take,
    /// Takes it, and closes the connection before it answers.
    TakeAndClose,
    /// Closes the connection without taking it.
    Close,
    /// Takes it, and at once reports this status, with which the pool drops it.
    LetGo(&'static str),
    /// Refuses it with this code and these data.
    Refuse(i64, &'static str),
}

/// A notification: its kind and its content.
pub(crate) type News = (&'static str, Value);

#[derive(Default)]
struct Blocks {
    best: u64,
    finalized: u64,
    bodies: BTreeMap<u64, Vec<Vec<u8>>>,
    /// The failures of transactions: the bytes of the event, by block.
    failures: BTreeMap<u64, Vec<u8>>,
    pool: Vec<Vec<u8>>,
    submitted: Vec<Vec<u8>>,
    script: VecDeque<OnSubmit>,
    /// Blocks with a transaction of the account that the client did not send.
    others: Vec<u64>,
}

/// Clones share the same chain.
#[derive(Clone)]
pub(crate) struct Ledger {
    blocks: Arc<Mutex<Blocks>>,
    pub(crate) news: broadcast::Sender<News>,
}

/// The hash of a block.
pub(crate) fn hash_at(number: u64) -> Hash {
    let mut hash = [0xb0; 32];
    hash[24..].copy_from_slice(&number.to_be_bytes());
    Hash(hash)
}

fn number_of(hash: &Value) -> u64 {
    let text = hash.as_str().unwrap();
    u64::from_str_radix(&text[text.len() - 16..], 16).unwrap()
}

impl Ledger {
    /// A chain whose newest block is `best`, and whose last three blocks are not final.
    pub(crate) fn at(best: u64) -> Self {
        let blocks = Blocks { best, finalized: best - 3, ..Blocks::default() };
        Self { blocks: Arc::new(Mutex::new(blocks)), news: broadcast::channel(256).0 }
    }

    /// Sets what happens to the next transactions; later ones are taken.
    pub(crate) fn on_submit(&self, script: impl IntoIterator<Item = OnSubmit>) {
        self.blocks.lock().unwrap().script.extend(script);
    }

    /// Every transaction that any node received.
    pub(crate) fn submitted(&self) -> Vec<Vec<u8>> {
        self.blocks.lock().unwrap().submitted.clone()
    }

    /// Makes a block of all waiting transactions. They fail with the event `failure` if it is
    /// given.
    pub(crate) fn produce(&self, failure: Option<Vec<u8>>) -> u64 {
        let mut blocks = self.blocks.lock().unwrap();
        blocks.best += 1;
        let best = blocks.best;
        let pool = std::mem::take(&mut blocks.pool);
        blocks.bodies.insert(best, [vec![vec![4, 0]], pool].concat());
        failure.map(|failure| blocks.failures.insert(best, failure));
        self.tell("head", header(best));
        self.tell("transaction", json!({ "inBlock": hash_at(best) }));
        best
    }

    pub(crate) fn finalize(&self, number: u64) {
        let mut blocks = self.blocks.lock().unwrap();
        (blocks.finalized, blocks.best) = (number, blocks.best.max(number));
        self.tell("final", header(number));
    }

    /// Puts another transaction of the account into the newest block.
    pub(crate) fn use_nonce(&self) {
        let mut blocks = self.blocks.lock().unwrap();
        let best = blocks.best;
        blocks.others.push(best);
    }

    /// Reports to watchers of a transaction that it is final in this block.
    pub(crate) fn tell_final(&self, number: u64) {
        self.tell("transaction", json!({ "finalized": hash_at(number) }));
    }

    fn tell(&self, kind: &'static str, what: Value) {
        // Fails only when nobody listens.
        let _ = self.news.send((kind, what));
    }

    /// What follows a submission: the answer (`None` closes the connection instead), and a status
    /// that is sent at once.
    pub(crate) fn submit(
        &self,
        params: &Value,
    ) -> Option<(Result<(), Value>, Option<&'static str>)> {
        let mut blocks = self.blocks.lock().unwrap();
        let bytes = unhex(params[0].as_str().unwrap());
        blocks.submitted.push(bytes.clone());
        let is_known = blocks.pool.contains(&bytes);
        let is_landed = blocks.bodies.values().any(|body| body.contains(&bytes));
        let error = |code: i64, data: &str| json!({ "code": code, "message": "Invalid Transaction", "data": data });
        match blocks.script.pop_front().unwrap_or(OnSubmit::Take) {
            OnSubmit::Refuse(code, data) => Some((Err(error(code, data)), None)),
            OnSubmit::Close => None,
            OnSubmit::LetGo(status) => Some((Ok(()), Some(status))),
            _ if is_known => Some((Err(error(1013, "")), None)),
            _ if is_landed => Some((Err(error(1010, "Transaction is outdated")), None)),
            OnSubmit::Take => {
                blocks.pool.push(bytes);
                Some((Ok(()), None))
            }
            OnSubmit::TakeAndClose => {
                blocks.pool.push(bytes);
                None
            }
        }
    }

    /// `None` for a request that the ledger does not know.
    pub(crate) fn answer(&self, method: &str, params: &Value) -> Option<Value> {
        let blocks = self.blocks.lock().unwrap();
        Some(match method {
            "chain_getBlockHash" if params[0] == 0 => return None,
            "chain_getBlockHash" => match params[0].as_u64() {
                None => json!(hash_at(blocks.best)),
                Some(number) if number <= blocks.best => json!(hash_at(number)),
                Some(_) => Value::Null,
            },
            "chain_getFinalizedHead" => json!(hash_at(blocks.finalized)),
            "chain_getHeader" => header(number_of(&params[0])),
            "chain_getBlock" => {
                let number = number_of(&params[0]);
                let none = Vec::new();
                let body = blocks.bodies.get(&number).unwrap_or(&none);
                let body: Vec<_> = body.iter().map(|bytes| hex(bytes)).collect();
                json!({ "block": { "header": header(number), "extrinsics": body } })
            }
            "system_accountNextIndex" => json!(blocks.nonce_at(blocks.best)),
            "state_getStorage" => {
                let key = params[0].as_str().unwrap();
                // System.Events and System.Account, by the hashes of their names.
                if key.starts_with(
                    "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7",
                ) {
                    json!(hex(&blocks.events(number_of(&params[1]))))
                } else if key.starts_with(
                    "0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9",
                ) {
                    // Three counters, three balances of 8 bytes each, 16 bytes of flags.
                    let rest = vec![0; 12 + 24 + 16];
                    let nonce = blocks.nonce_at(number_of(&params[1]));
                    json!(hex(&[nonce.to_le_bytes().to_vec(), rest].concat()))
                } else {
                    return None;
                }
            }
            _ => return None,
        })
    }
}

impl Blocks {
    /// The account's nonce in the state of a block.
    fn nonce_at(&self, number: u64) -> u32 {
        let own: usize = self.bodies.range(..=number).map(|(_, body)| body.len() - 1).sum();
        let others = self.others.iter().filter(|block| **block <= number).count();
        7 + (own + others) as u32
    }

    /// One event for each transaction of the block, in the numbering of runtime 343: the pallet
    /// System is the first, and its first two events are success and failure.
    fn events(&self, number: u64) -> Vec<u8> {
        const DISPATCHED: [u8; 4] = [0, 0, 0, 1];
        let n = self.bodies.get(&number).map_or(0, Vec::len);
        let mut events = vec![(n as u8) << 2];
        for index in 0..n as u32 {
            events.push(0);
            events.extend(index.to_le_bytes());
            match self.failures.get(&number).filter(|_| index > 0) {
                Some(failure) => events.extend([&[0, 1][..], failure, &DISPATCHED].concat()),
                None => events.extend([&[0, 0][..], &DISPATCHED].concat()),
            }
            events.push(0);
        }
        events
    }
}

fn header(number: u64) -> Value {
    let parent = hash_at(number.saturating_sub(1));
    json!({ "number": format!("0x{number:x}"), "parentHash": parent })
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (2..text.len()).step_by(2).map(digit).collect()
}

/// The hash of a submitted transaction.
pub(crate) fn hash_of(bytes: &[u8]) -> Hash {
    transaction_hash(bytes)
}
