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

/// The number of connections that are held now, and its limit.
#[derive(Debug)]
pub(super) struct Tarpit {
    n_now: AtomicUsize,
    n_max: usize,
}

/// One held connection; counted until it is dropped.
struct Held<'a>(&'a Tarpit);

impl Tarpit {
    /// Holds at most `n_max` connections at once.
    pub(super) fn new(n_max: usize) -> Self {
        Self { n_now: AtomicUsize::new(0), n_max }
    }

    fn enter(&self) -> Option<Held<'_>> {
        let held = Held(self);
        (self.n_now.fetch_add(1, Ordering::Relaxed) < self.n_max).then_some(held)
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
        let held = self.enter();
        let wait = match (&held, wait.is_zero()) {
            (None, _) => A_GLANCE,
            (Some(_), true) => LONGEST,
            (Some(_), false) => wait.min(LONGEST),
        };
        let head = async {
            let mut named = None;
            while socket.early().len() < max_head_bytes {
                if named.is_none() {
                    named = named_hotkey(socket.early());
                    if named.is_some_and(&is_heard) {
                        return named;
                    }
                }
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
        let held = [tarpit.enter(), tarpit.enter()];
        assert!(held.iter().all(Option::is_some) && tarpit.enter().is_none());
        drop(held);
        assert_eq!(tarpit.n_now.load(Ordering::Relaxed), 0);
        assert!(tarpit.enter().is_some());
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
