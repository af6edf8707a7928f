"""What an operator does with the official SDK, done to a dev chain: reads, a registration, an axon
record, stake, weights, and weights that are committed first.

Prints a line of JSON for each step. A step that fails says so, and ends the run: the later ones
stand on it.

The one thing that is not the SDK's own is the seal of committed weights: the SDK seals for the real
drand network, whose signatures of future rounds nobody has; the node seals for its own beacon
instead. The round that it is sealed for, the transaction and everything around it stay the SDK's.
"""

import argparse
import json
import sys
import tempfile
import time
import traceback
import urllib.request

import bittensor
from bittensor.core.extrinsics import weights as weights_module
from bittensor_wallet import Keypair, Wallet

# No wait takes longer.
SOON_SECONDS = 90.0


def control(url, method, params):
    """One JSON-RPC call by plain HTTP."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(
        url.replace("ws://", "http://"), data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        answer = json.load(reply)
    if "error" in answer:
        raise RuntimeError(f"{method}: {answer['error']}")
    return answer["result"]


def wallet(folder, name, coldkey, hotkey):
    """A wallet of development keys, unencrypted."""
    made = Wallet(name=name, hotkey="default", path=folder)
    made.set_coldkey(Keypair.create_from_uri(coldkey), encrypt=False, overwrite=True)
    made.set_coldkeypub(Keypair.create_from_uri(coldkey), overwrite=True)
    made.set_hotkey(Keypair.create_from_uri(hotkey), encrypt=False, overwrite=True)
    return made


def until(what, read, is_so):
    """Reads until the condition holds."""
    deadline = time.monotonic() + SOON_SECONDS
    while True:
        value = read()
        if is_so(value):
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {SOON_SECONDS} s: {what}; last: {value}")
        time.sleep(0.2)


def outcome(response):
    """What an extrinsic's response says."""
    if not response.success:
        raise RuntimeError(f"{response.message} ({response.error!r})")
    receipt = response.extrinsic_receipt
    return {"success": True, "block": receipt.block_hash if receipt else None}


class Operator:
    """The steps, in order; each returns what the test compares."""

    def __init__(self, url, netuid, folder):
        self.url, self.netuid = url, netuid
        self.subtensor = bittensor.Subtensor(network=url)
        self.validator = wallet(folder, "validator", "//Alice", "//Validator")
        self.miner = wallet(folder, "miner", "//Bob", "//Miner")

    def block(self):
        first = self.subtensor.get_current_block()
        until("a new block", self.subtensor.get_current_block, lambda block: block > first)
        return {"genesis": self.subtensor.get_block_hash(0)}

    def balance(self):
        return {"rao": self.subtensor.get_balance(self.validator.coldkeypub.ss58_address).rao}

    def hyperparameters(self):
        all_of_them = self.subtensor.get_subnet_hyperparameters(self.netuid)
        return {
            "tempo": all_of_them.tempo,
            "weights_rate_limit": all_of_them.weights_rate_limit,
            "immunity_period": all_of_them.immunity_period,
            "commit_reveal_weights_enabled": all_of_them.commit_reveal_weights_enabled,
            "max_validators": all_of_them.max_validators,
        }

    def subnets(self):
        return {"exists": self.subtensor.subnet_exists(self.netuid)}

    def register(self):
        for each in (self.validator, self.miner):
            outcome(self.subtensor.burned_register(each, self.netuid))
        hotkeys = [each.hotkey.ss58_address for each in (self.validator, self.miner)]
        return {
            "uids": [
                self.subtensor.get_uid_for_hotkey_on_subnet(hotkey, self.netuid)
                for hotkey in hotkeys
            ]
        }

    def register_again(self):
        response = self.subtensor.burned_register(self.miner, self.netuid)
        return {"success": response.success, "message": response.message}

    def axon(self):
        axon = bittensor.Axon(
            wallet=self.miner, port=8091, external_ip="203.0.113.7", external_port=8091
        )
        return outcome(self.subtensor.serve_axon(self.netuid, axon))

    def neurons(self):
        neurons = self.subtensor.neurons_lite(self.netuid)
        return [
            {
                "uid": each.uid,
                "hotkey": each.hotkey,
                "coldkey": each.coldkey,
                "axon": f"{each.axon_info.ip}:{each.axon_info.port}",
            }
            for each in neurons
        ]

    def stake(self):
        amount = bittensor.Balance.from_tao(100.0)
        hotkey = self.validator.hotkey.ss58_address
        return outcome(
            self.subtensor.add_stake(
                self.validator, netuid=self.netuid, hotkey_ss58=hotkey, amount=amount
            )
        )

    def metagraph(self):
        metagraph = until(
            "a validator permit",
            lambda: self.subtensor.metagraph(self.netuid),
            lambda metagraph: bool(metagraph.validator_permit[0]),
        )
        return {
            "n": int(metagraph.n),
            "hotkeys": list(metagraph.hotkeys),
            "permits": [bool(permit) for permit in metagraph.validator_permit],
            "stake": [float(stake) for stake in metagraph.S],
            "axons": [f"{axon.ip}:{axon.port}" for axon in metagraph.axons],
        }

    def stored(self):
        for uid, weights in self.subtensor.weights(self.netuid):
            if uid == 0:
                return [list(pair) for pair in weights]
        return []

    def rule(self, name, value):
        """Changes a setting, which the next block shows."""
        control(self.url, "dev_set_hyperparameter", [name, value])
        changed_at = self.subtensor.get_current_block()
        until("the change", self.subtensor.get_current_block, lambda block: block > changed_at)

    def set_weights(self):
        outcome(self.subtensor.set_weights(self.validator, self.netuid, [0, 1], [0.25, 1.0]))
        return {"stored": self.stored()}

    def set_weights_too_fast(self):
        self.rule("weights_set_rate_limit", 1000)
        response = self.subtensor.set_weights(
            self.validator, self.netuid, [0, 1], [0.5, 1.0], max_attempts=1
        )
        self.rule("weights_set_rate_limit", 0)
        return {"success": response.success}

    def commit_weights(self):
        self.rule("commit_reveal_weights_enabled", True)
        before = self.stored()
        self.seal_by_the_node()
        outcome(
            self.subtensor.set_weights(
                self.validator, self.netuid, [0, 1], [1.0, 0.5], block_time=0.25
            )
        )
        commits = self.subtensor.get_timelocked_weight_commits(self.netuid)
        revealed = until("revealed weights", self.stored, lambda stored: stored != before)
        return {"n_commits": len(commits), "before": before, "revealed": revealed}

    def seal_by_the_node(self):
        theirs = weights_module.get_encrypted_commit_v2

        def seal(**given):
            _, reveal_round = theirs(**given)
            sealed = {
                "hotkey": "0x" + bytes(given["hotkey"]).hex(),
                "uids": [int(uid) for uid in given["uids"]],
                "values": [int(value) for value in given["weights"]],
                "version_key": given["version_key"],
                "round": reveal_round,
            }
            commit = control(self.url, "dev_seal_weights", sealed)
            return bytes.fromhex(commit.removeprefix("0x")), reveal_round

        weights_module.get_encrypted_commit_v2 = seal

    def transfer(self):
        to = self.miner.hotkey.ss58_address
        outcome(
            self.subtensor.transfer(self.validator, to, bittensor.Balance.from_tao(1.5))
        )
        return {"rao": self.subtensor.get_balance(to).rao}


STEPS = [
    "block",
    "balance",
    "subnets",
    "hyperparameters",
    "register",
    "register_again",
    "axon",
    "neurons",
    "stake",
    "metagraph",
    "set_weights",
    "set_weights_too_fast",
    "commit_weights",
    "transfer",
]


def say(step, **what):
    print(json.dumps({"step": step, **what}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--netuid", type=int, default=1)
    parser.add_argument("--steps", nargs="*", default=STEPS)
    arguments, _ = parser.parse_known_args()
    # The SDK has flags of its own.
    sys.argv = sys.argv[:1]
    with tempfile.TemporaryDirectory() as folder:
        operator = Operator(arguments.url, arguments.netuid, folder)
        for step in arguments.steps:
            try:
                say(step, value=getattr(operator, step)())
            except Exception as error:  # Told, whatever it is.
                say(step, error=f"{type(error).__name__}: {error}", trace=traceback.format_exc())
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
