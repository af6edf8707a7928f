//! The tarpit: holds a connection for which its address has no budget or no place left.
//!
//! An address that is closed at once comes back at once. So the axon stays silent for as long as
//! the address has to wait, at most a second, and holds only a limited number of connections. A
//! caller may share the address with those who used it up: whoever names, in the head of a request,
//! a hotkey that is to be heard is let go on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sn1::synapse::headers::DENDRITE_HOTKEY;
use sn1::wallet::AccountId;

use super::connection::EarlySocket;
use crate::away::timeout;

/// The longest that a connection is held.
const LONGEST: Duration = Duration::from_secs(1);
/// Time for the head of a caller who comes while the tarpit is full.
const A_GLANCE: Duration = Duration::from_millis(50);

/// The number of connections that are held now, and its limit: as many for their time, and half as
/// many more for a glance.
#[derive(Debug)]
pub(super) struct Tarpit {
    n_now: AtomicUsize,
    n_max: usize,
}

/// How long a connection may be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Whole,
    Glance,
    No,
}

/// One held connection; counted until it is dropped.
struct Held<'a>(&'a Tarpit);

impl Tarpit {
    /// Holds at most `n_max` connections at once.
    pub(super) fn new(n_max: usize) -> Self {
        Self { n_now: AtomicUsize::new(0), n_max }
    }

    /// The most connections that it holds for a tarpit of `n_max`.
    pub(super) fn most(n_max: usize) -> usize {
        n_max.saturating_add(n_max / 2)
    }

    fn enter(&self) -> (Held<'_>, Hold) {
        let n_before = self.n_now.fetch_add(1, Ordering::Relaxed);
        let hold = match n_before {
            n if n < self.n_max => Hold::Whole,
            n if n < Self::most(self.n_max) => Hold::Glance,
            _ => Hold::No,
        };
        (Held(self), hold)
    }

    /// The hotkey that the connection's first request names, if it is to be heard. Otherwise
    /// returns when the time is over, or the peer has closed or sends more than a head. `wait` is
    /// zero where only a place is missing.
    pub(super) async fn hold(
        &self,
        socket: &mut EarlySocket,
        wait: Duration,
        max_head_bytes: usize,
        is_heard: impl Fn(AccountId) -> bool,
    ) -> Option<AccountId> {
        let (_held, hold) = self.enter();
        let wait = match hold {
            Hold::No => return None,
            Hold::Glance => A_GLANCE,
            Hold::Whole if wait.is_zero() => LONGEST,
            Hold::Whole => wait.min(LONGEST),
        };
        let head = async {
            let mut named = None;
            // Complete lines are looked at once, however small the pieces are that come.
            let mut n_seen = 0;
            while socket.early().len() < max_head_bytes {
                let fresh = &socket.early()[n_seen..];
                let n_lines = fresh.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                if named.is_none() {
                    named = named_hotkey(&fresh[..n_lines]);
                    if named.is_some_and(&is_heard) {
                        return named;
                    }
                }
                n_seen += n_lines;
                match socket.read_ahead().await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
            None
        };
        timeout(wait, head).await.ok().flatten()
    }
}

/// The hotkey that a head names, as soon as its line is complete. It is a claim, nothing more.
fn named_hotkey(head: &[u8]) -> Option<AccountId> {
    let mut lines =
        head.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let value = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(DENDRITE_HOTKEY.len())?;
        name.eq_ignore_ascii_case(DENDRITE_HOTKEY.as_bytes()).then_some(value)
    })?;
    std::str::from_utf8(value.strip_prefix(b":")?).ok()?.trim().parse().ok()
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.n_now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use sn1::wallet::Keypair;

    use super::*;

    #[test]
    fn so_many_are_held_and_no_more() {
        let tarpit = Tarpit::new(2);
        let held = [(); 4].map(|()| tarpit.enter());
        let holds = held.each_ref().map(|(_, hold)| *hold);
        assert_eq!(holds, [Hold::Whole, Hold::Whole, Hold::Glance, Hold::No]);
        drop(held);
        assert_eq!(tarpit.n_now.load(Ordering::Relaxed), 0);
        assert_eq!(tarpit.enter().1, Hold::Whole);
    }

    #[test]
    fn a_name_is_read_once_its_line_is_complete() {
        let alice = Keypair::from_dev_path("//Alice").unwrap().account_id();
        let line = format!("BT_Header_Dendrite_Hotkey:  {alice} \r\n");
        let begin = "POST / HTTP/1.1\r\nhost: axon\r\n";
        let whole = format!("{begin}{line}");
        assert_eq!(named_hotkey(whole.as_bytes()), Some(alice));
        for text in [&whole[..whole.len() - 1], begin, "", "bt_header_dendrite_hotkey: x\r\n"] {
            assert_eq!(named_hotkey(text.as_bytes()), None, "{text}");
        }
    }
}
