//! Variables of the Python SDKs: they stand in the environment of machines that ran a Python node.
//!
//! As in the SDKs they are defaults: a settings file, a variable of ours and a flag go before them.
//! Those without a meaning here are named, once a start.

use super::error::Origin;
use super::role::Role;

/// A variable, and the key that it sets. Of two that set one key the later counts.
const SETTINGS: [(&str, &str); 14] = [
    // SDK 10 (bittensor/core/settings.py).
    ("BT_WALLET_NAME", "wallet.name"),
    ("BT_WALLET_HOTKEY", "wallet.hotkey"),
    ("BT_WALLET_PATH", "wallet.path"),
    ("BT_SUBTENSOR_NETWORK", "subtensor.network"),
    ("BT_SUBTENSOR_CHAIN_ENDPOINT", ENDPOINT),
    ("BT_AXON_PORT", "axon.port"),
    ("BT_AXON_IP", "axon.ip"),
    ("BT_AXON_EXTERNAL_PORT", "axon.external_port"),
    ("BT_AXON_EXTERNAL_IP", "axon.external_ip"),
    ("BT_LOGGING_DEBUG", "logging.debug"),
    ("BT_LOGGING_TRACE", "logging.trace"),
    // SDK 11 (bittensor/settings.py, bittensor/cli/main.py).
    ("BT_WALLET", "wallet.name"),
    ("BT_NETWORK", "subtensor.network"),
    ("BT_CHAIN_ENDPOINT", ENDPOINT),
];
const ENDPOINT: &str = "subtensor.chain_endpoint";

/// Variables without a meaning here, and why.
const IGNORED: [(&str, &str); 19] = [
    ("BT_AXON_MAX_WORKERS", "see axon.threads and axon.limits of a miner"),
    ("BT_PRIORITY_MAX_WORKERS", "see axon.limits.max_streams of a miner"),
    ("BT_PRIORITY_MAXSIZE", "see axon.limits.max_waiting of a miner"),
    ("BT_LOGGING_INFO", "logging.debug logs more"),
    ("BT_LOGGING_RECORD_LOG", "logs go to standard error"),
    ("BT_LOGGING_LOGGING_DIR", "logs go to standard error"),
    ("BT_LOGGING_ENABLE_THIRD_PARTY_LOGGERS", "logs go to standard error"),
    ("BT_NO_PARSE_CLI_ARGS", "flags are always read"),
    ("BT_MEV_PROTECTION", "weights and addresses are sent in the open"),
    ("BT_FALLBACK_ENDPOINTS", "name all endpoints in subtensor.chain_endpoint"),
    ("BT_ARCHIVE_ENDPOINTS", "nothing is read from the past"),
    ("BT_RETRY_FOREVER", "see subtensor.retry_forever; lost nodes are always tried again"),
    ("BT_WALLET_PASSWORD", COLDKEY),
    ("BT_WALLET_PASSWORD_FILE", COLDKEY),
    ("BT_SIGNER_ADDRESS", WALLETS),
    ("BT_EXTENSION_BROWSER", WALLETS),
    ("BT_EXTENSION_BRIDGE", WALLETS),
    ("BT_EVM_ENDPOINT", "a node has nothing to do with the EVM"),
    ("BT_CHAIN_ENDPOINT", "it counts only where BT_NETWORK or BT_SUBTENSOR_NETWORK is local"),
];
const COLDKEY: &str = "it is the coldkey's password; a hotkey's is in wallet.password_file";
const WALLETS: &str = "a node signs with a hotkey in a file";

/// A setting that such a variable gives: the variable, the key and the text.
pub(super) type Found = (&'static str, &'static str, String);

/// What these variables mean to a role: settings, and what the operator is told.
pub(super) fn read(variables: &[(String, String)], role: Role) -> (Vec<Found>, Vec<String>) {
    let text_of = |name: &str| {
        let found = variables.iter().find(|(variable, text)| variable == name && !text.is_empty());
        found.map(|(_, text)| text.as_str())
    };
    // A local net has a wallet, a chain and addresses of its own.
    if role == Role::Localnet {
        return (Vec::new(), Vec::new());
    }
    let networks = ["BT_NETWORK", "BT_SUBTENSOR_NETWORK"].map(text_of);
    let is_local = networks.into_iter().flatten().next() == Some("local");
    let has_effect = |name: &str| name != "BT_CHAIN_ENDPOINT" || is_local;
    let known = |key| role.has(key) || role.has_had(key);
    let settings = SETTINGS.into_iter().filter(|(name, key)| has_effect(name) && known(key));
    let settings = settings.filter_map(|(name, key)| Some((name, key, word(key, text_of(name)?))));
    let is_node = matches!(role, Role::Validator | Role::Miner);
    let ignored = IGNORED.into_iter().filter(|(name, _)| {
        is_node && text_of(name).is_some() && !(*name == "BT_CHAIN_ENDPOINT" && has_effect(name))
    });
    let notices = ignored.map(|(name, why)| format!("{name} has no effect: {why}"));
    (settings.collect(), notices.collect())
}

/// The word for a setting. The SDK takes any text of a switch for true.
fn word(key: &str, text: &str) -> String {
    let is_switch = key.starts_with("logging.");
    let is_off = ["false", "0"].iter().any(|off| text.trim().eq_ignore_ascii_case(off));
    match is_switch {
        true => (!is_off).to_string(),
        false => text.to_owned(),
    }
}

/// Whether an endpoint from such a variable must give way: a network that was asked for elsewhere
/// goes before it, as in the SDK.
pub(super) fn gives_way(endpoint: &Origin, network: &Origin) -> bool {
    let is_theirs = |origin: &Origin| match origin {
        Origin::Variable(name) => name.starts_with("BT_"),
        Origin::Default | Origin::File(_) | Origin::Flag(_) => false,
    };
    is_theirs(endpoint) && !is_theirs(network)
}
