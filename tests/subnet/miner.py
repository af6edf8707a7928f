#!/usr/bin/env python3
"""A miner of the Python network on a chain: the SDK registers it, publishes its axon and serves.

    miner.py --url ws://... [--netuid N] [--coldkey //Bob] [--hotkey //Miner]

Prints one JSON object a line: first who and where it is, then each question with its answer. Ends
when standard input does. It can do the sums that it is asked outright, and guesses elsewhere.
"""

import argparse
import ast
import operator
import os
import pathlib
import re
import sys
import tempfile
import typing

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

import peer  # noqa: E402  Keeps the SDK from the command line, the home folder and standard output.
from bittensor import Subtensor  # noqa: E402
from bittensor_wallet import Keypair, Wallet  # noqa: E402

# --- arithmetic -------------------------------------------------------------------------------

# How the questions write operators, beside the usual signs.
SIGNS = {r"\cdot": "*", r"\times": "*", r"\div": "/", "minus": "-", "plus": "+", "$": " "}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}
TERM = re.compile(r"[(\s]*\d[\d.+\-*/()\s]*")


def value_of(node):
    """A number, or a sum, product or quotient of such."""
    if isinstance(node, ast.Expression):
        return value_of(node.body)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](value_of(node.left), value_of(node.right))
    return OPERATORS[type(node.op)](value_of(node.operand))


def solve(question):
    """The longest expression's value: a sum where one is asked for, else the largest number."""
    for sign, plain in SIGNS.items():
        question = question.replace(sign, plain)
    values = [0]
    for term in sorted(TERM.findall(question), key=len):
        try:
            values.append(value_of(ast.parse(term.strip().rstrip("."), mode="eval")))
        except (SyntaxError, KeyError, AttributeError, ZeroDivisionError):
            continue  # Not an expression after all.
    return values[-1] if any(sign in question for sign in "+*/-") else max(values)


# --- the miner --------------------------------------------------------------------------------


def wallet_of(folder, coldkey, hotkey):
    """A wallet of development keys, unencrypted."""
    wallet = Wallet(name="miner", hotkey="default", path=folder)
    wallet.set_coldkey(Keypair.create_from_uri(coldkey), encrypt=False, overwrite=True)
    wallet.set_coldkeypub(Keypair.create_from_uri(coldkey), overwrite=True)
    wallet.set_hotkey(Keypair.create_from_uri(hotkey), encrypt=False, overwrite=True)
    return wallet


def required(response, what):
    if not response.success:
        sys.exit(f"error: {what}: {response.message} ({response.error!r})")


class Miner:
    """Answers validators of its subnet, and nobody else."""

    def __init__(self, url, netuid, wallet):
        self.netuid, self.wallet, self.known = netuid, wallet, []
        self.subtensor = Subtensor(network=url)
        required(self.subtensor.burned_register(wallet, netuid), "registering")
        self.axon, self.port = peer.axon_of(wallet, 0)
        self.axon.attach(self.forward, self.blacklist, self.priority)

    def serve(self):
        """Says to the chain where it is, and listens."""
        peer.start(self.axon)
        required(self.subtensor.serve_axon(self.netuid, self.axon), "publishing the axon")

    def is_known(self, hotkey):
        """Whether the caller is on the subnet; looked up again for whoever was not when last asked."""
        if hotkey not in self.known:
            self.known = self.subtensor.metagraph(self.netuid).hotkeys
        return hotkey in self.known

    async def forward(self, synapse: peer.StreamPromptingSynapse):
        question = synapse.messages[-1]
        answer = f"I make that {solve(question)}."
        peer.say({"caller": synapse.dendrite.hotkey, "question": question, "answer": answer})

        async def streamer(send):
            for word in answer.split(" "):
                body = (word + " ").encode()
                await send({"type": "http.response.body", "body": body, "more_body": True})

        return synapse.create_streaming_response(streamer)

    def blacklist(self, synapse: peer.StreamPromptingSynapse) -> typing.Tuple[bool, str]:
        return not self.is_known(synapse.dendrite.hotkey), "Unrecognized hotkey"

    def priority(self, synapse: peer.StreamPromptingSynapse) -> float:
        return 1.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--netuid", type=int, default=1)
    parser.add_argument("--coldkey", default="//Bob", metavar="URI")
    parser.add_argument("--hotkey", default="//Miner", metavar="URI")
    arguments = parser.parse_args(peer.ARGUMENTS)
    with tempfile.TemporaryDirectory() as folder:
        miner = Miner(arguments.url, arguments.netuid, wallet_of(folder, arguments.coldkey, arguments.hotkey))
        miner.serve()
        hotkey = miner.wallet.hotkey.ss58_address
        uid = miner.subtensor.get_uid_for_hotkey_on_subnet(hotkey, arguments.netuid)
        peer.say({"uid": uid, "hotkey": hotkey, "port": miner.port})
        sys.stdin.read()
    # Streams may be open on other threads: nothing of them is waited for.
    peer.HOME.cleanup()
    os._exit(0)


if __name__ == "__main__":
    main()
