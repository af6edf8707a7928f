"""The Python axon of bench/axon.sh: answers with the last message in four chunks.

    python axon_peer.py PORT

Serves on loopback as //bench//axon until its input closes; says so in one line of JSON.
The callers' blacklist and priority, which cost time too, are left out.
"""

import json
import os
import socket
import sys
import time
from types import SimpleNamespace
from typing import ClassVar, List

# Else the SDK takes this script's arguments for its own.
os.environ["BT_NO_PARSE_CLI_ARGS"] = "1"

import bittensor
from bittensor.core.stream import StreamingSynapse
from bittensor_wallet import Keypair
from pydantic import Field

CHUNKS = 4


class StreamPromptingSynapse(StreamingSynapse):
    required_hash_fields: ClassVar[tuple] = ("messages",)
    roles: List[str] = Field(...)
    messages: List[str] = Field(...)
    completion: str = Field("")

    async def process_streaming_response(self, response):
        yield ""

    def extract_response_json(self, response):
        return {}


def pieces(text):
    size = max(1, -(-len(text) // CHUNKS))
    return [text[at : at + size] for at in range(0, len(text), size)]


def forward(synapse: StreamPromptingSynapse) -> StreamingSynapse.BTStreamingResponse:
    text = synapse.messages[-1]

    async def streamer(send):
        for piece in pieces(text):
            body = {"type": "http.response.body", "body": piece.encode(), "more_body": True}
            await send(body)

    return synapse.create_streaming_response(streamer)


def wait_until_open(port):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"the python axon did not open port {port}")


def main():
    port = int(sys.argv[1])
    wallet = SimpleNamespace(hotkey=Keypair.create_from_uri("//bench//axon"))
    axon = bittensor.Axon(wallet=wallet, port=port, ip="127.0.0.1", external_ip="127.0.0.1")
    axon.fast_config.host = "127.0.0.1"
    axon.attach(forward_fn=forward)
    axon.start()
    wait_until_open(port)
    print(json.dumps({"port": port, "version": bittensor.__version__}), flush=True)
    sys.stdin.read()
    os._exit(0)  # The SDK's server thread would keep the process.


main()
