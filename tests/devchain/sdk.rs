//! The official SDK, 10.5.0, against the node: `sdk.py` does what an operator does, step by step.

use serde_json::json;
use sn1::wallet::Keypair;

use super::process::DevChain;
use super::script::{find, run};

fn address(path: &str) -> String {
    Keypair::from_dev_path(path).unwrap().account_id().to_ss58()
}

#[test]
fn the_official_sdk_takes_it_for_a_real_chain() {
    let Some(python) = find("bittensor", "10.5.0", "SN1_SDK_10") else { return };
    let chain = DevChain::start(&[
        "--netuid",
        "7",
        "--block-time",
        "250ms",
        "--generation",
        "stateful",
        "--tempo",
        "10",
        "--weights-rate-limit",
        "0",
        "--serving-rate-limit",
        "0",
        "--burn",
        "0.5",
    ]);
    let steps = run(&python, "sdk.py", &chain, "7");
    let value = |name: &str| {
        let found = steps.iter().find(|step| step.name == name);
        found.unwrap_or_else(|| panic!("no step {name}")).value["value"].clone()
    };
    assert_eq!(value("block")["genesis"], chain.ask("chain_getBlockHash", json!([0])));
    assert_eq!(value("balance")["rao"], 1_000_000_000_000_000_u64);
    assert_eq!(value("subnets")["exists"], true);
    assert_eq!(value("hyperparameters")["tempo"], 10);
    assert_eq!(value("hyperparameters")["weights_rate_limit"], 0);
    assert_eq!(value("hyperparameters")["commit_reveal_weights_enabled"], false);
    assert_eq!(value("register")["uids"], json!([0, 1]));
    let (validator, miner) = (address("//Validator"), address("//Miner"));
    let neurons = value("neurons");
    assert_eq!((&neurons[0]["hotkey"], &neurons[1]["hotkey"]), (&json!(validator), &json!(miner)));
    assert_eq!(neurons[1]["coldkey"], address("//Bob"));
    assert_eq!(neurons[1]["axon"], "203.0.113.7:8091");
    let metagraph = value("metagraph");
    assert_eq!(metagraph["hotkeys"], json!([validator, miner]));
    assert_eq!(metagraph["permits"][0], true);
    assert_eq!(metagraph["axons"][1], "203.0.113.7:8091");
    // 0.25 and 1, scaled by the SDK and again by the chain.
    assert_eq!(value("set_weights")["stored"], json!([[0, 16384], [1, 65535]]));
    assert_eq!(value("set_weights_too_fast")["success"], false);
    let committed = value("commit_weights");
    assert_eq!(committed["before"], json!([[0, 16384], [1, 65535]]));
    assert_eq!(committed["revealed"], json!([[0, 65535], [1, 32768]]));
    assert_eq!(value("transfer")["rao"], 1_500_000_000_u64);
}
