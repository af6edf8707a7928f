"""What an operator does with the official CLI, done to a dev chain: each command as it would be
typed, in one process, because to import the CLI takes longer than most of its commands.

Prints a line of JSON for each command: its name, what it printed and how it ended. A command that
fails ends the run: the later ones stand on it.

Three things are not the CLI's own. The chain's metadata is decoded once for all commands. Between
its commands the chain is told to make blocks, so that an epoch passes at once. And the wait between
a commit of weights and its reveal is broken off, as an operator would with Ctrl-C: the reveal is
then a command of its own, which the CLI offers for that.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import sys
import tempfile
import traceback
import urllib.request

# Before the import: where the CLI keeps its settings, and how long its lines may be.
HOME = tempfile.mkdtemp()
os.environ.update(HOME=HOME, COLUMNS="10000", NO_COLOR="1", DISK_CACHE="0")

import async_substrate_interface.async_substrate as substrate
import typer
from bittensor_cli import cli
from bittensor_cli.src.commands import weights
from bittensor_wallet import Keypair, Wallet

SALT = "1,2,3,4,5,6,7,8"


def control(url, method, *params):
    """One JSON-RPC call by plain HTTP."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(
        url.replace("ws://", "http://"), data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        answer = json.load(reply)
    if "error" in answer:
        raise RuntimeError(f"{method}: {answer['error']}")
    return answer["result"]


def make_wallet(name, coldkey, hotkey):
    """A wallet of development keys, unencrypted."""
    made = Wallet(name=name, hotkey="default", path=f"{HOME}/wallets")
    made.set_coldkey(Keypair.create_from_uri(coldkey), encrypt=False, overwrite=True)
    made.set_coldkeypub(Keypair.create_from_uri(coldkey), overwrite=True)
    made.set_hotkey(Keypair.create_from_uri(hotkey), encrypt=False, overwrite=True)


KNOWN_RUNTIMES = substrate.RuntimeCache()
substrate.RuntimeCache = lambda: KNOWN_RUNTIMES


class BrokenOff(Exception):
    """Somebody pressed Ctrl-C."""


async def broken_off(_seconds):
    raise BrokenOff


class ItsAsyncio:
    """The module as the CLI's weights see it: waits end at once."""

    sleep = staticmethod(broken_off)

    def __getattr__(self, name):
        return getattr(asyncio, name)


class Shell:
    """Types commands."""

    def __init__(self, url, netuid):
        self.url, self.netuid = url, str(netuid)
        self.manager = cli.CLIManager()
        self.command = typer.main.get_command(self.manager.app)

    def type(self, words):
        """Runs a command; returns its exit code and its output."""
        self.manager.subtensor = None
        output, code = io.StringIO(), 0
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            try:
                self.command.main(words.split(), prog_name="btcli", standalone_mode=True)
            except SystemExit as end:
                code = end.code or 0
        return code, output.getvalue()

    def run(self, name, words):
        """Runs a command on the chain and tells about it; returns whether it ended well."""
        wallets = "--wallet-path " + f"{HOME}/wallets" if "--wallet-name" in words else ""
        code, output = self.type(f"{words} {wallets} --network {self.url}")
        print(json.dumps({"step": name, "code": code, "output": output}), flush=True)
        return code == 0

    def steps(self):
        """Every command with its name, in order; what happens between them happens here."""
        alice, bob = "--wallet-name alice --hotkey default", "--wallet-name bob --hotkey default"
        quiet = "--no-prompt --json-output"
        subnet = f"--netuid {self.netuid}"
        stake = f"{subnet} {quiet}"
        to = Keypair.create_from_uri("//Dave").ss58_address
        vote = f"{alice} {subnet} --uids 0,1 --salt {SALT} {quiet}"
        yield "balance", "wallet balance --wallet-name alice --json-output"
        yield "list", "subnets list --json-output"
        yield "register", f"subnets register {alice} {subnet} {quiet}"
        yield "register_bob", f"subnets register {bob} {subnet} {quiet}"
        yield "show", f"subnets show {subnet} {quiet}"
        yield "hyperparameters", f"subnets hyperparameters {subnet} --json-output"
        yield "stake_add", f"stake add {alice} --amount 100 {stake}"
        yield "stake_list", f"stake list --wallet-name alice {quiet}"
        yield "stake_remove", f"stake remove {alice} --amount 10 {stake}"
        yield "overview", "wallet overview --wallet-name alice --json-output"
        yield "transfer", f"wallet transfer {alice} --dest {to} --amount 1.5 {quiet}"
        yield "set_owner", f"sudo set {alice} {subnet} --param immunity_period --value 77 {quiet}"
        yield "set_root", f"sudo set {alice} {subnet} --param kappa --value 30000 {quiet}"
        self.pass_epoch()
        yield "metagraph", f"subnets metagraph {subnet} {quiet}"
        yield "weights_set", f"weights commit {vote} --weights 0.5,1.0"
        yield "reveals_on", (
            f"sudo set {alice} {subnet} --param commit_reveal_weights_enabled --value true {quiet}"
        )
        weights.asyncio = ItsAsyncio()
        yield "weights_commit", f"weights commit {vote} --weights 1.0,0.25"
        self.pass_epoch()
        yield "weights_reveal", f"weights reveal {vote} --weights 1.0,0.25"
        yield "stake_remove_all", f"stake remove {alice} --all --no-mev-protection {stake}"
        yield "set_tempo", f"sudo set {alice} {subnet} --param tempo --value 400 {quiet}"
        yield "get", f"sudo get {subnet} --json-output"

    def pass_epoch(self):
        """Makes blocks until the next epoch has run."""
        left = control(self.url, "dev_status")["blocks_until_epoch"]
        control(self.url, "dev_produce_block", left + 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--netuid", type=int, default=1)
    arguments = parser.parse_args()
    make_wallet("alice", "//Alice", "//Validator")
    make_wallet("bob", "//Bob", "//Miner")
    shell = Shell(arguments.url, arguments.netuid)
    try:
        return 0 if all(shell.run(name, words) for name, words in shell.steps()) else 1
    except Exception:  # Told, whatever it is.
        print(json.dumps({"step": "driver", "code": 1, "output": traceback.format_exc()}))
        return 1


if __name__ == "__main__":
    sys.exit(main())
