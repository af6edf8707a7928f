"""The Python SDK's side of bench/sync.sh: reads subnet 1 from a node, and what that takes.

    python sync_sdk.py URL ROUNDS

Prints one line of JSON. `decode` is the SDK's own way from one reply, as it came, to its
`MetagraphInfo`: the connection alone is replaced, by that reply. `sync` is `Metagraph.sync`, the light
one, over the real connection. CPU time of the whole process.
"""

import json
import logging
import os
import statistics
import sys
import tempfile
import time

# The SDK writes into the home folder and takes this script's arguments for its own.
HOME = tempfile.TemporaryDirectory(prefix="sn1-sync-")
os.environ["HOME"] = HOME.name
os.environ["BT_NO_PARSE_CLI_ARGS"] = "1"
URL, ROUNDS = sys.argv[1], int(sys.argv[2])
sys.argv = sys.argv[:1]
RESULTS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

import bittensor
from async_substrate_interface import sync_substrate
from bittensor.core.metagraph import Metagraph
from websockets.sync.client import connect

logging.getLogger("bittensor").setLevel(logging.CRITICAL)

NETUID = 1
# Reads before the first that counts.
UNMEASURED = 3
# A sync takes seconds: one for so many rounds.
ROUNDS_PER_SYNC = 5
METAGRAPH = "SubnetInfoRuntimeApi_get_selective_mechagraph"
# Subnet 1, mechanism 0, and all fields that the SDK knows.
FIELDS = range(74)
QUESTION = "0x" + "010000" + "2901" + "".join(f"{index:02x}00" for index in FIELDS)


def times(taken):
    """The middle and the worst of the milliseconds behind the unmeasured ones."""
    taken = [seconds * 1e3 for seconds in taken[UNMEASURED:]]
    return {"median": statistics.median(taken), "worst": max(taken)}


def reply_to(method, params):
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    with connect(URL, max_size=None) as socket:
        socket.send(json.dumps(request))
        return socket.recv(decode=False)


def decode(subtensor):
    """The clock starts when the SDK is handed the reply; what it does before it asks is not counted."""
    block = subtensor.get_current_block()
    reply = reply_to("state_call", [METAGRAPH, QUESTION])
    began = None

    def replay(method, params, *more, **named):
        nonlocal began
        if method != "state_call":
            raise RuntimeError(f"the SDK asks for {method} too")
        began = time.process_time()
        return sync_substrate.json.loads(reply)

    substrate = subtensor.substrate
    # Once over the connection: what the SDK asks about the block stays in its caches.
    info = subtensor.get_metagraph_info(NETUID, block=block)
    through_the_socket, substrate.rpc_request = substrate.rpc_request, replay
    taken = []
    for _ in range(UNMEASURED + ROUNDS):
        info = subtensor.get_metagraph_info(NETUID, block=block)
        taken.append(time.process_time() - began)
    substrate.rpc_request = through_the_socket
    return times(taken), info


def sync(subtensor):
    """All of it: questions, sockets, and what the SDK does before each question."""
    metagraph = Metagraph(netuid=NETUID, network=URL, lite=True, sync=False, subtensor=subtensor)
    taken = []
    for _ in range(UNMEASURED + max(1, ROUNDS // ROUNDS_PER_SYNC)):
        began = time.process_time()
        metagraph.sync(subtensor=subtensor)
        taken.append(time.process_time() - began)
    return times(taken), metagraph


def main():
    subtensor = bittensor.Subtensor(network=URL)
    decode_ms, info = decode(subtensor)
    sync_ms, metagraph = sync(subtensor)
    seen = {
        "neurons": int(metagraph.n),
        "serving": sum(axon.is_serving for axon in metagraph.axons),
        "permits": sum(info.validator_permit),
        "last_updates": sum(info.last_update),
    }
    figures = {"decode_ms": decode_ms, "sync_ms": sync_ms, "seen": seen}
    print(json.dumps(figures), file=RESULTS, flush=True)


main()
