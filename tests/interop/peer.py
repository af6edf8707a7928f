#!/usr/bin/env python3
"""A peer of the Python network, for tests and benches: an axon or a dendrite of the real SDK.

    peer.py axon [--hotkey //Bob] [--port N] BEHAVIOUR...
    peer.py dendrite

Runs under bittensor 7.x and 10.x. No chain and no network: keys come from development uris, and the
SDK's question for its public address is answered here. What is said on standard output is one JSON
object a line; the SDK's own logs go to standard error.

`axon` serves one SDK axon for each behaviour, on ports of its own on loopback, prints where each one
is, and ends when standard input does. What the behaviours do is said in BEHAVIOURS below.

`dendrite` reads jobs, one JSON object a line, and prints one object for each, in the same order:

    {"caller": "//Alice", "dendrite": "a name", "synapse": "prompt" or "ping" or "replay",
     "targets": [{"ip": "127.0.0.1", "port": 8091, "hotkey": "5F..."}],
     "roles": ["user"], "messages": ["Hello"], "timeout": 2.0}
    -> {"answers": [{"status_code": 200, "status_message": "Success", "process_time": 0.01,
                     "chunks": ["Hello"], "completion": "Hello", "headers": {...}}]}

All targets of a job are asked at once; a list of jobs on one line is done at once as well, and its
answers are a list. Jobs with the same caller and the same name of a dendrite
share it, and so its uuid and its open connections. A `replay` sends the very same request twice and
gives the two HTTP answers as [status, body].
"""

import argparse
import asyncio
import json
import logging
import os
import socket
import sys
import tempfile
import time
import types
import typing
import warnings

# The SDKs write into the home folder, read the command line and log to standard output.
HOME = tempfile.TemporaryDirectory(prefix="sn1-peer-")
os.environ["HOME"] = HOME.name
ARGUMENTS, sys.argv = sys.argv[1:], sys.argv[:1]
REPLIES = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
# The synapse declares its hashed fields as the subnet's does, which the SDK warns of.
warnings.simplefilter("ignore")

import bittensor  # noqa: E402
import pydantic  # noqa: E402

IS_10 = int(bittensor.__version__.split(".")[0]) >= 8
if IS_10:
    from bittensor import Axon, AxonInfo, Dendrite, StreamingSynapse, Synapse
    from bittensor.utils import networking
    from bittensor_wallet import Keypair
else:
    from bittensor import AxonInfo, Keypair, StreamingSynapse, Synapse
    from bittensor import axon as Axon
    from bittensor import dendrite as Dendrite
    from bittensor.utils import networking

# Failures are what is asked for here: they are told in the answers.
logging.getLogger("bittensor").setLevel(logging.CRITICAL)
# An address for documentation: nobody is asked for a real one.
networking.get_external_ip = lambda: "192.0.2.1"
LOOPBACK = "127.0.0.1"
# The longest that a behaviour waits: a peer is never left running.
LONG_S = 30.0


class StreamPromptingSynapse(StreamingSynapse):
    """The subnet's question: a conversation goes out, a text is streamed back."""

    roles: typing.List[str]
    messages: typing.List[str]
    required_hash_fields: typing.List[str] = pydantic.Field(["messages"])
    completion: str = ""

    async def process_streaming_response(self, response):
        async for read in response.content.iter_any():
            text = read.decode("utf-8")
            self.completion += text
            yield text

    def extract_response_json(self, response):
        headers = {name.decode(): value.decode() for name, value in response.raw_headers}

        def terminal(side):
            prefix = f"bt_header_{side}_"
            return {key[len(prefix):]: value for key, value in headers.items() if key.startswith(prefix)}

        # Kept for the test to look at, out of the model's sight.
        self.__dict__["reply_headers"] = headers
        return {
            "name": headers.get("name", ""),
            "timeout": float(headers.get("timeout", 0)),
            "total_size": int(headers.get("total_size", 0)),
            "header_size": int(headers.get("header_size", 0)),
            "dendrite": terminal("dendrite"),
            "axon": terminal("axon"),
            "roles": self.roles,
            "messages": self.messages,
            "completion": self.completion,
        }

    def deserialize(self):
        return self.completion


def say(answer):
    print(json.dumps(answer), file=REPLIES, flush=True)


def text_of(value):
    return None if value is None else str(value)


# --- the axon ---------------------------------------------------------------------------------


def connections(axon):
    return list(axon.fast_server.server_state.connections)


async def good(synapse, send, axon):
    """Says the whole conversation, one chunk a message."""
    for role, message in zip(synapse.roles, synapse.messages):
        await send(f"{role}: {message}\n".encode())


async def echo(synapse, send, axon):
    """Repeats the last message in chunks of twelve words."""
    words = synapse.messages[-1].split(" ")
    for start in range(0, len(words), 12):
        await send((" " * (start > 0) + " ".join(words[start:start + 12])).encode())


async def empty(synapse, send, axon):
    """Ends without a word."""


async def slow(synapse, send, axon):
    """Says one word and then nothing."""
    await send(b"first")
    await asyncio.sleep(LONG_S)


async def silent(synapse, send, axon):
    """Sends the head of a reply and then nothing."""
    await asyncio.sleep(LONG_S)


async def fail_late(synapse, send, axon):
    """Raises after one chunk."""
    await send(b"first")
    raise ValueError("a bug after the first chunk")


async def fail_streaming(synapse, send, axon):
    """Raises after the head and before any chunk."""
    raise ValueError("a bug before the first chunk")


async def hang_up(synapse, send, axon):
    """Closes the connection after one chunk."""
    await send(b"first")
    for connection in connections(axon):
        connection.transport.close()


async def reset(synapse, send, axon):
    """Resets the connection after one chunk, when that has left."""
    await send(b"first")
    await asyncio.sleep(0.3)
    for connection in connections(axon):
        connection.transport.abort()


async def huge(synapse, send, axon):
    """Sends 64 KiB again and again for as long as the caller listens."""
    until = time.monotonic() + LONG_S
    while time.monotonic() < until and connections(axon):
        await send(b"x" * 65536)


async def garbage(synapse, send, axon):
    """Sends bytes that are no UTF-8."""
    await send(b"\xff\xfe\x00\xc3\x28\x80\xf5")


async def split(synapse, send, axon):
    """Sends one character in two reads."""
    bee = "\N{HONEYBEE}".encode()
    await send(bee[:2])
    await asyncio.sleep(0.2)
    await send(bee[2:])


async def drip(synapse, send, axon):
    """Sends many chunks back to back."""
    for number in range(500):
        await send(f"{number} ".encode())


STREAMS = [good, echo, empty, slow, silent, fail_late, fail_streaming, hang_up, reset, huge, garbage, split, drip]
BEHAVIOURS = {stream.__name__: stream for stream in STREAMS}
# What happens before there is a stream.
EARLY = {
    "fail": "the forward function raises",
    "stuck": "the forward function takes too long",
    "gone": "the connection is closed before there is a head",
    "blacklist": "the caller is refused",
    "blacklist_fail": "the blacklist function raises",
    "priority_fail": "the priority function raises",
    "priority_timeout": "the priority function runs out of time",
}


def axon_of(wallet, port):
    """An axon on loopback, and its port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    listener.listen(1024)
    port = listener.getsockname()[1]
    axon = Axon(wallet=wallet, port=port, ip=LOOPBACK, external_ip=LOOPBACK, max_workers=4)
    # The socket is bound already, so that no other process can take the port in between.
    axon.fast_config.fd = listener.detach()
    return axon, port


def start(axon):
    """Starts it, and waits until it serves."""
    axon.start()
    until = time.monotonic() + LONG_S
    while not axon.fast_server.started:
        if time.monotonic() > until:
            sys.exit(f"error: the axon did not start within {LONG_S} s")
        time.sleep(0.01)


def serve(behaviour, hotkey, port):
    """Starts one axon and gives it back with its port."""
    axon, port = axon_of(types.SimpleNamespace(hotkey=hotkey, coldkeypub=hotkey), port)
    stream = BEHAVIOURS.get(behaviour, good)

    async def forward(synapse: StreamPromptingSynapse):
        if behaviour == "fail":
            raise ValueError("a bug in the forward function")
        if behaviour == "stuck":
            await asyncio.sleep(LONG_S)
        if behaviour == "gone":
            for connection in connections(axon):
                connection.transport.close()

        async def streamer(send):
            async def send_body(body):
                await send({"type": "http.response.body", "body": body, "more_body": True})

            await stream(synapse, send_body, axon)

        return synapse.create_streaming_response(streamer)

    def blacklist(synapse: StreamPromptingSynapse) -> typing.Tuple[bool, str]:
        if behaviour == "blacklist_fail":
            raise ValueError("a bug in the blacklist function")
        return behaviour == "blacklist", "Unrecognized hotkey"

    def priority(synapse: StreamPromptingSynapse) -> float:
        if behaviour == "priority_fail":
            raise ValueError("a bug in the priority function")
        if behaviour == "priority_timeout":
            raise TimeoutError("out of time")
        return 1.0

    axon.attach(forward_fn=forward, blacklist_fn=blacklist, priority_fn=priority)
    start(axon)
    return axon, port


def run_axons(arguments):
    hotkey = Keypair.create_from_uri(arguments.hotkey)
    axons = []
    for behaviour in arguments.behaviours:
        if behaviour not in BEHAVIOURS and behaviour not in EARLY:
            sys.exit(f"error: no behaviour {behaviour}; there are {', '.join([*BEHAVIOURS, *EARLY])}")
        axon, port = serve(behaviour, hotkey, arguments.port)
        axons.append(axon)
        say({"behaviour": behaviour, "ip": LOOPBACK, "port": port, "hotkey": hotkey.ss58_address,
             "sdk": bittensor.__version__})
    sys.stdin.read()
    # Streams may be open on other threads: nothing of them is waited for.
    HOME.cleanup()
    os._exit(0)


# --- the dendrite -----------------------------------------------------------------------------


def target_of(target):
    # The version on record is not looked at.
    return AxonInfo(version=0, ip=target["ip"], port=target["port"], ip_type=4, hotkey=target["hotkey"],
                    coldkey=target["hotkey"])


def answer_of(synapse, chunks):
    dendrite = synapse.dendrite
    code, spent = dendrite.status_code, dendrite.process_time
    return {
        "status_code": None if code is None else int(code),
        "status_message": text_of(dendrite.status_message),
        "process_time": None if spent is None else float(spent),
        "chunks": chunks,
        "completion": getattr(synapse, "completion", None),
        "headers": synapse.__dict__.get("reply_headers", {}),
    }


async def ask(dendrite, target, job):
    synapse = StreamPromptingSynapse(roles=job["roles"], messages=job["messages"])
    chunks, last = [], None
    stream = dendrite.call_stream(target_of(target), synapse=synapse, timeout=job["timeout"], deserialize=False)
    async for item in stream:
        if isinstance(item, Synapse):
            last = item
        else:
            chunks.append(item)
    return answer_of(last, chunks)


async def ping(dendrite, target, job):
    synapse = await dendrite.call(target_of(target), synapse=Synapse(), timeout=job["timeout"], deserialize=False)
    return answer_of(synapse, [])


async def replay(dendrite, target, job):
    synapse = StreamPromptingSynapse(roles=job["roles"], messages=job["messages"])
    synapse = dendrite.preprocess_synapse_for_request(target_of(target), synapse, job["timeout"])
    url = f"http://{target['ip']}:{target['port']}/StreamPromptingSynapse"
    replies = []
    for _ in range(2):
        session = await dendrite.session
        async with session.post(url, headers=synapse.to_headers(), json=synapse.model_dump()) as reply:
            replies.append([reply.status, (await reply.read()).decode()])
    return replies


async def do_job(job, dendrites):
    name = (job["caller"], job.get("dendrite", ""))
    if name not in dendrites:
        dendrites[name] = Dendrite(Keypair.create_from_uri(job["caller"]))
    act = {"prompt": ask, "ping": ping, "replay": replay}[job["synapse"]]
    return await asyncio.gather(*(act(dendrites[name], target, job) for target in job["targets"]))


async def run_dendrite():
    loop, dendrites = asyncio.get_running_loop(), {}
    say({"ready": True, "sdk": bittensor.__version__})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        jobs = json.loads(line)
        if isinstance(jobs, list):
            say({"answers": await asyncio.gather(*(do_job(job, dendrites) for job in jobs))})
        else:
            say({"answers": await do_job(jobs, dendrites)})
    for dendrite in dendrites.values():
        await dendrite.aclose_session()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    roles = parser.add_subparsers(dest="role", required=True)
    axon = roles.add_parser("axon")
    axon.add_argument("--hotkey", default="//Bob", metavar="URI", help="development uri of its hotkey")
    axon.add_argument("--port", type=int, default=0, help="where to listen; 0 for any free port")
    axon.add_argument("behaviours", nargs="+", metavar="BEHAVIOUR")
    roles.add_parser("dendrite")
    arguments = parser.parse_args(ARGUMENTS)
    if arguments.role == "axon":
        run_axons(arguments)
    else:
        asyncio.run(run_dendrite())


if __name__ == "__main__":
    main()
