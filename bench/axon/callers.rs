//! The callers: development keys, and the requests that they sign.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use sn1::synapse::headers::{AxonAddress, RequestDraft};
use sn1::synapse::sign::{NonceSource, SignedRequest, random_uuid, sign_request};
use sn1::wallet::{AccountId, Keypair};

use crate::Fallible;

/// The last message of every question, which is also the answer.
pub(crate) const QUESTION: &str = "A miner of this subnet is asked a question and streams its \
    answer as it comes into being, a few words at a time. The validator that asked reads the \
    pieces, notes when each one came, and compares the whole with a reference of its own. What \
    would you say is the hardest part of judging such an answer fairly, and why is it so?";

/// Chunks of an answer.
pub(crate) const CHUNKS: usize = 4;
/// The timeout that callers state, in seconds. It widens the window for a fresh nonce, up to a
/// minute.
const TIMEOUT_S: f64 = 60.0;

/// A key of the benches, such as `axon` or `caller//3`.
pub(crate) fn key(role: &str) -> Fallible<Keypair> {
    Ok(Keypair::from_dev_path(&format!("//bench//{role}"))?)
}

/// The pieces in which an answer is sent.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let size = letters.len().div_ceil(CHUNKS).max(1);
    letters.chunks(size).map(|piece| piece.iter().collect()).collect()
}

/// One caller, with a nonce counter of its own.
pub(crate) struct Caller {
    keypair: Keypair,
    uuid: String,
    nonces: NonceSource,
    axon: SocketAddr,
    axon_hotkey: AccountId,
}

impl Caller {
    /// A caller with the key of `role`, for the benches' axon at an address.
    pub(crate) fn new(role: &str, axon: SocketAddr) -> Fallible<Self> {
        Ok(Self {
            keypair: key(role)?,
            uuid: random_uuid(&mut rand::rng()),
            nonces: NonceSource::new(),
            axon,
            axon_hotkey: key("axon")?.account_id(),
        })
    }

    /// Signs a question with the current time as nonce.
    pub(crate) fn ask(&self, message: &str) -> Fallible<SignedRequest> {
        let draft = RequestDraft {
            axon: AxonAddress {
                ip: &self.axon.ip().to_string(),
                port: self.axon.port(),
                hotkey: &self.axon_hotkey.to_ss58(),
            },
            dendrite_ip: "127.0.0.1",
            dendrite_uuid: &self.uuid,
            timeout_s: TIMEOUT_S,
            roles: &["user".to_owned()],
            messages: &[message.to_owned()],
        };
        Ok(sign_request(&self.keypair, &draft, self.nonces.next(unix_ns()?))?)
    }
}

/// Unix time in nanoseconds.
pub(crate) fn unix_ns() -> Fallible<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos().try_into()?)
}
