//! What is told of requests: one event for each at debug level, and once a minute a line with what
//! was refused and why.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sn1::chain::Uid;
use sn1::synapse::limits::peer_network;
use sn1::synapse::pipeline::RefusalKind;
use sn1::wallet::AccountId;
use strum::IntoStaticStr;
use tracing::{debug, info};

use super::origin::Origin;
use super::rules::Caller;

/// The step that decides on a request, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Step {
    /// The budget of its address.
    Address,
    /// Path and head.
    Head,
    /// Lists, metagraph, permit, stake, and the miner's own hook.
    Rules,
    /// The nonce.
    Nonce,
    /// The signature.
    Signature,
    /// The route, and whether the nonce is still unused.
    Route,
    /// The budget of its hotkey.
    Hotkey,
    /// Size and arrival of the body.
    Body,
    /// The line for a stream.
    Stream,
    /// Hash and types of the body.
    Content,
    /// The answer.
    Answer,
}

/// What is known of one request; told once, at its end.
#[derive(Debug)]
pub(super) struct RequestLog {
    pub(super) actor: Arc<str>,
    peer: Option<SocketAddr>,
    hotkey: Option<AccountId>,
    uid: Option<Uid>,
    arrived: Instant,
    decided: Option<Duration>,
    pub(super) step: Step,
}

impl RequestLog {
    /// A request that has just arrived.
    pub(super) fn begin(actor: &Arc<str>) -> Self {
        Self {
            actor: Arc::clone(actor),
            peer: None,
            hotkey: None,
            uid: None,
            arrived: Instant::now(),
            decided: None,
            step: Step::Address,
        }
    }

    /// Whence it comes.
    pub(super) fn origin(&mut self, origin: &Origin) {
        (self.peer, self.hotkey) = (Some(origin.peer), origin.named);
    }

    /// Who is served.
    pub(super) fn caller(&mut self, caller: &Caller) {
        (self.hotkey, self.uid) = (Some(caller.hotkey), caller.uid);
    }

    /// The network that it comes from.
    pub(super) fn network(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer_network(peer.ip()))
    }

    /// It was decided on just now; an answer goes on for longer.
    pub(super) fn decided(&mut self) {
        self.decided = Some(self.arrived.elapsed());
    }

    /// Tells of it. `outcome` is the kind of a refusal, or how an answer ended.
    pub(super) fn tell(&self, status: u16, outcome: &str) {
        let total = self.arrived.elapsed();
        debug!(
            actor = %self.actor,
            peer = self.peer.map(tracing::field::display),
            hotkey = self.hotkey.map(tracing::field::display),
            uid = self.uid.map(|uid| uid.0),
            step = <&str>::from(self.step),
            status,
            outcome,
            decided_ms = self.decided.unwrap_or(total).as_secs_f64() * 1e3,
            ms = total.as_secs_f64() * 1e3,
            "request"
        );
    }
}

/// What became of the requests since the last line.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    n_admitted: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts an admitted request.
    pub(super) fn admitted(&self) {
        self.0.lock().n_admitted += 1;
    }

    /// Counts a refused request.
    pub(super) fn refused(&self, kind: &RefusalKind) {
        self.turned_away(match kind {
            RefusalKind::NotVerified(error) => error.label(),
            _ => kind.label(),
        });
    }

    /// Counts a connection that was refused.
    pub(super) fn turned_away(&self, reason: &'static str) {
        *self.0.lock().refused.entry(reason).or_default() += 1;
    }

    /// Tells what was refused since the last time, if anything was.
    pub(super) fn tell(&self, actor: &str) {
        let Counts { n_admitted, refused } = std::mem::take(&mut *self.0.lock());
        if refused.is_empty() {
            return;
        }
        let n_refused: u64 = refused.values().sum();
        let reasons = in_words(refused);
        info!(actor, admitted = n_admitted, refused = n_refused, reasons, "requests of a minute");
    }
}

/// The most frequent reason first: `rate_limited 12, stale_nonce 3`.
fn in_words(refused: BTreeMap<&'static str, u64>) -> String {
    let mut reasons: Vec<_> = refused.into_iter().collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let mut text = String::new();
    for (reason, n) in reasons {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a text does not fail.
        let _ = write!(text, "{comma}{reason} {n}");
    }
    text
}

#[cfg(test)]
mod tests {
    use sn1::synapse::verify::VerifyError;

    use super::*;

    #[test]
    fn reasons_stand_in_the_order_of_their_number() {
        let tally = Tally::default();
        tally.turned_away("address_limit");
        for _ in 0..3 {
            tally.refused(&RefusalKind::NotVerified(VerifyError::Ahead { ahead_s: 8.0 }));
        }
        let counts = std::mem::take(&mut tally.0.lock().refused);
        assert_eq!(in_words(counts), "future_nonce 3, address_limit 1");
    }
}
