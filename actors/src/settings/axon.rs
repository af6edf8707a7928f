//! Where an axon listens, what of it is published, how much callers get, and whom it serves.

use std::net::{IpAddr, Ipv4Addr};

use sn1::synapse::proxy::IpNetwork;
use sn1::wallet::AccountId;

use super::declare::section;
use super::value::scalar;
use super::{SettingsError, Tao};
use crate::port::Port;

section! {
    /// The address on the chain.
    pub struct PublishedAxonSection["axon"] {
        /// The address that others reach this machine by. Empty takes the one it speaks to the
        /// chain from, which behind a router is a private one.
        external_ip: Option<IpAddr> = None;
        /// The port that others reach it by; 0 for the same as axon.port.
        external_port: u16 = 0;
        /// Do not publish the address on the chain.
        off: bool = false, also(&["axon_off", "neuron.axon_off"]);
    }
}

section! {
    /// The port of a validator.
    pub struct ValidatorAxonSection["axon"] {
        /// The port that is published. A validator answers nobody, so nothing listens there.
        port: u16 = 8091;
    }
}

section! {
    /// Where a miner listens.
    pub struct MinerAxonSection["axon"] {
        /// The port it listens on; 0 lets the system choose. The default is the next free port where
        /// this one is taken, unless axon.external_port says that others count on it.
        port: Port = Port::built_in(8091);
        /// The address it listens on.
        ip: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        /// Addresses and networks of proxies before the axon, such as 10.0.0.0/8. Whom they name in
        /// the PROXY protocol or in X-Forwarded-For counts as the caller's address.
        trusted_proxies: Vec<IpNetwork> = Vec::new();
    }
}

section! {
    /// Where the miners of a local net listen.
    pub struct LocalnetAxonSection["axon"] {
        /// The first miner's port on 127.0.0.1, the others follow; 0 lets the system choose.
        port: u16 = 0;
    }
}

section! {
    /// What an axon computes with.
    pub struct AxonThreadsSection["axon"] {
        /// Event loops of an axon.
        threads: usize = 1, range(1, 64);
    }
}

section! {
    /// How much callers of an axon get, in the order in which a request meets the limits. Each limit
    /// has a counter.
    pub struct AxonLimits["axon.limits"] {
        /// Open connections. When all are taken, one that waits for a first verified request is
        /// closed for a new one.
        max_connections: usize = 1024, range(1, 1 << 20);
        /// Open connections of one address (IPv6: of one /64 network). Callers whose hotkey is served
        /// get more beside these, so that strangers at their address cannot keep them out.
        max_connections_per_address: usize = 64, range(1, 1 << 20);
        /// Largest head of a request, in bytes; a larger one is answered with 431.
        max_head_bytes: usize = 16 * 1024, range(4096, 64 * 1024);
        /// Requests per second of one address that are not verified; more are answered with 429. A
        /// forged signature counts for twenty. Verified requests count for their hotkey alone.
        address_requests_per_second: f64 = 50.0, range(1.0, 1e9);
        /// Such requests that one address may send at once.
        address_burst: f64 = 200.0, range(1.0, 1e9);
        /// Requests per second of all addresses together from which nothing was verified lately, so
        /// that a crowd of them leaves the time of known callers alone. More have to wait.
        strangers_requests_per_second: f64 = 300.0, range(1.0, 1e9);
        /// Requests that these addresses may send at once.
        strangers_burst: f64 = 100.0, range(1.0, 1e9);
        /// Verified requests per second of one hotkey; more are answered with 429.
        hotkey_requests_per_second: f64 = 20.0, range(1.0, 1e9);
        /// Verified requests that one hotkey may send at once.
        hotkey_burst: f64 = 60.0, range(1.0, 1e9);
        /// Streams of one hotkey at once; more are answered with 429.
        max_streams_per_hotkey: usize = 32, range(1, 1 << 20);
        /// Streams of all callers at once.
        max_streams: usize = 256, range(1, 1 << 20);
        /// Verified callers who wait for a stream, by priority; when the line is full the lowest is
        /// answered with 503.
        max_waiting: usize = 128, range(0, 1 << 20);
        /// Largest body of a request, in bytes; a larger one is answered with 413.
        max_body_bytes: usize = 1 << 20, range(1024, 1 << 30);
        /// Pairs of hotkey and uuid whose last nonce is remembered.
        max_nonce_pairs: usize = 65_536, range(1, 1 << 20);
    }
}

/// How closely an axon follows the Python axons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Verify {
    /// Every honest peer passes.
    #[default]
    Strict,
    /// As the Python axons.
    Lenient,
}

scalar!(Verify, Text, "POLICY", |text: &str| {
    text.trim().parse().map_err(|_| "one of strict, lenient".to_owned())
});

section! {
    /// Whom an axon serves and how closely it checks them.
    pub struct AxonRules["axon.rules"] {
        /// "strict" closes the holes of the Python axons, "lenient" takes what they take.
        verify: Verify = Verify::Strict;
        /// Refuse the nonces of SDKs before 7.2.0, which count from the caller's boot: after a
        /// restart of this node such a request can be replayed.
        refuse_monotonic_nonces: bool = false;
        /// Serve only validators with a permit.
        require_permit: bool = false, also(&["blacklist.force_validator_permit"]);
        /// Serve only hotkeys with at least this stake (TAO).
        min_stake: Tao = Tao::default(), also(&["blacklist.validator_min_stake"]);
        /// Hotkeys that are served whatever the metagraph says of them.
        allow: Vec<AccountId> = Vec::new(), also(&["blacklist.allowed_validator_hotkeys"]);
        /// Hotkeys that are never served.
        deny: Vec<AccountId> = Vec::new();
    }
}

impl PublishedAxonSection {
    /// Refuses a validator's port of 0, which would be published.
    ///
    /// # Errors
    /// [`SettingsError::Together`]
    pub(super) fn check_port(&self, port: u16) -> Result<(), SettingsError> {
        if self.off || port != 0 || self.external_port != 0 {
            return Ok(());
        }
        let text = "`axon.port` is 0, but a validator publishes its port without listening there: \
                    name a port with --axon.port, or say --axon.off";
        Err(SettingsError::Together(text.to_owned()))
    }
}
