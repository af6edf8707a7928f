//! The official CLI, 9.23.2, against every generation of the runtime: `cli.py` types what an
//! operator does, command by command.

use serde_json::{Value, json};
use sn1::wallet::Keypair;

use super::process::DevChain;
use super::script::{Step, find, run};

/// `SubtensorModule.Weights` of subnet 1 and uid 0.
const WEIGHTS: &str = "0x658faa385070e074c85bf6b568cf0555a1e7036061f484bc3048a64b64e35ec401000000";

/// What the commands said, in order, on a chain of this generation.
fn operate(generation: &str) -> Option<(DevChain, Vec<Step>)> {
    let python = find("bittensor-cli", "cli-9.23.2", "SN1_BTCLI")?;
    let chain = DevChain::start(&[
        "--block-time",
        "250ms",
        "--generation",
        generation,
        "--owner-hotkey",
        "//Validator",
        "--weights-rate-limit",
        "0",
    ]);
    let steps = run(&python, "cli.py", &chain, "1");
    Some((chain, steps))
}

/// The JSON that a command printed.
fn told(steps: &[Step], name: &str) -> Value {
    let found = steps.iter().find(|step| step.name == name);
    let step = found.unwrap_or_else(|| panic!("no step {name}"));
    let output = step.value["output"].as_str().unwrap();
    serde_json::from_str(output).unwrap_or_else(|error| panic!("{name}: {error} in {output}"))
}

fn address(path: &str) -> String {
    Keypair::from_dev_path(path).unwrap().account_id().to_ss58()
}

/// A hyperparameter's value in the list of one command.
fn listed(list: &Value, name: &str) -> Value {
    let found = list.as_array().unwrap().iter().find(|entry| entry["hyperparameter"] == name);
    found.unwrap_or_else(|| panic!("{name} is not listed"))["value"].clone()
}

fn check(generation: &str) {
    let Some((chain, steps)) = operate(generation) else { return };
    let told = |name: &str| told(&steps, name);
    assert_eq!(told("balance")["balances"]["alice"]["free"], 1_000_000.0);
    assert_eq!(told("list")["subnets"]["1"]["tempo"]["sn_tempo"], 360);
    let neurons = told("show")["uids"].clone();
    let hotkeys: Vec<_> = neurons.as_array().unwrap().iter().map(|row| &row["hotkey"]).collect();
    assert_eq!(hotkeys, [&json!(address("//Validator")), &json!(address("//Miner"))]);
    assert_eq!(told("show")["owner"], address("//Alice"));
    assert_eq!(listed(&told("hyperparameters"), "immunity_period"), 5000);
    let (hotkey, ours) = (address("//Validator"), "stake_info");
    assert_eq!(told("stake_add")["staking_success"]["1"][&hotkey], true);
    assert_eq!(told("stake_list")[ours][&hotkey][0]["value"], 100.0);
    assert_eq!(told("stake_remove")[0]["success"], true);
    let neuron = told("overview")["subnets"][0]["neurons"][0].clone();
    assert_eq!((&neuron["hotkey_ss58"], &neuron["stake"]), (&json!(hotkey), &json!(90.0)));
    for name in ["transfer", "set_owner", "set_root", "set_tempo", "reveals_on"] {
        assert_eq!(told(name)["success"], true, "{name}");
    }
    // One epoch has paid its TAO to the only validator.
    assert_eq!(told("metagraph")["uids"][0]["alpha_stake"], 91.0);
    for name in ["weights_set", "weights_reveal"] {
        assert_eq!(told(name)["success"], true, "{name}");
    }
    // 1 and 0.25 in 65,535ths, for uids 0 and 1.
    let stored = chain.ask("state_getStorage", json!([WEIGHTS]));
    assert_eq!(stored, "0x080000ffff01000040");
    let removed = told("stake_remove_all")["success"][&hotkey]["success"].clone();
    assert_eq!(removed, true);
    let now = told("get");
    for (name, value) in [("immunity_period", 77), ("kappa", 30_000), ("tempo", 400)] {
        assert_eq!(listed(&now, name), value, "{name}");
    }
    assert_eq!(listed(&now, "commit_reveal_weights_enabled"), true);
}

#[test]
fn the_official_cli_takes_modular_epochs_for_a_real_chain() {
    check("modular");
}

#[test]
fn the_official_cli_takes_stateful_epochs_for_a_real_chain() {
    check("stateful");
}

#[test]
fn the_official_cli_takes_the_newest_names_for_a_real_chain() {
    check("collateral");
}
