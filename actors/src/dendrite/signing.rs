//! Signs requests away from the thread that reads the streams: a signature takes tens of
//! microseconds, and a thousand of them in a row would delay every miner behind the first.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sn1::synapse::headers::{AxonAddress, RequestDraft};
use sn1::synapse::outcome::Ending;
use sn1::synapse::sign::{Common, sign_one_of};
use sn1::wallet::{AccountId, Keypair};
use tokio::sync::oneshot;

use super::DendriteSettings;
use super::lanes::next_nonce;

/// Threads that sign at most; more do not pay.
const MAX_THREADS: usize = 4;
/// Requests for each thread at least; fewer are not worth another thread.
const MIN_PER_THREAD: usize = 16;

/// The question of one round, and the key that signs it.
#[derive(Debug)]
pub(super) struct Question {
    hotkey: Keypair,
    external_ip: String,
    roles: Vec<String>,
    messages: Vec<String>,
    timeout_s: f64,
    common: OnceLock<Common>,
}

/// The axon that a request is for.
#[derive(Debug, Clone)]
pub(super) struct Addressee {
    pub(super) axon: AccountId,
    pub(super) address: SocketAddr,
    pub(super) uuid: Arc<str>,
}

/// A request that is being signed.
#[derive(Debug)]
pub(super) struct Pending(oneshot::Receiver<Result<Vec<u8>, String>>);

impl Pending {
    /// Waits for the signature; returns the bytes of the request.
    ///
    /// # Errors
    /// The ending of the exchange.
    pub(super) async fn signed(self) -> Result<Vec<u8>, Ending> {
        let signed = self.0.await.unwrap_or_else(|_| Err("could not sign the request".to_owned()));
        signed.map_err(Ending::Failed)
    }
}

impl Question {
    /// A question that is signed with the settings' hotkey.
    pub(super) fn new(
        settings: &DendriteSettings,
        roles: Vec<String>,
        messages: Vec<String>,
        timeout: Duration,
    ) -> Self {
        Self {
            hotkey: settings.hotkey.clone(),
            external_ip: settings.external_ip.to_string(),
            roles,
            messages,
            timeout_s: timeout.as_secs_f64(),
            common: OnceLock::new(),
        }
    }

    fn sign(&self, addressee: &Addressee) -> Result<Vec<u8>, String> {
        let (ip, hotkey) = (addressee.address.ip().to_string(), addressee.axon.to_ss58());
        let draft = RequestDraft {
            axon: AxonAddress { ip: &ip, port: addressee.address.port(), hotkey: &hotkey },
            dendrite_ip: &self.external_ip,
            dendrite_uuid: &addressee.uuid,
            timeout_s: self.timeout_s,
            roles: &self.roles,
            messages: &self.messages,
        };
        let common = self.common.get_or_init(|| Common::new(&self.hotkey, &self.messages));
        let signed = sign_one_of(&self.hotkey, common, &draft, next_nonce());
        let signed = signed.map_err(|error| error.to_string())?;
        Ok(signed.to_http(&addressee.address.to_string()))
    }
}

/// Signs requests on threads of their own, in this order; each is available as soon as it is
/// signed. Requests that nobody waits for any more are skipped.
pub(super) fn sign_all(question: &Arc<Question>, addressees: Vec<Addressee>) -> Vec<Pending> {
    let (mut jobs, pending): (Vec<_>, Vec<_>) = addressees
        .into_iter()
        .map(|addressee| {
            let (sender, receiver) = oneshot::channel();
            ((addressee, sender), Pending(receiver))
        })
        .unzip();
    // One core is left for the thread that connects meanwhile.
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let n_threads = n_cores.saturating_sub(1).clamp(1, MAX_THREADS);
    let n_per_thread = jobs.len().div_ceil(n_threads).max(MIN_PER_THREAD);
    while !jobs.is_empty() {
        let rest = jobs.split_off(n_per_thread.min(jobs.len()));
        let share = std::mem::replace(&mut jobs, rest);
        let question = Arc::clone(question);
        tokio::task::spawn_blocking(move || {
            for (addressee, sender) in share {
                if !sender.is_closed() {
                    let _ = sender.send(question.sign(&addressee));
                }
            }
        });
    }
    pending
}
