#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets from the recorded exchanges in tests/data.

Run it after the vectors change: python3 fuzz/make_seeds.py. Seeds that need a chain are written by
examples/chain_seeds.rs. Files named finding-* are inputs that
once failed; they are kept by hand and left alone here. The forms are told in fuzz/src/*.rs.
"""

import base64
import json
import pathlib
import re

FUZZ = pathlib.Path(__file__).resolve().parent
DATA = FUZZ.parent / "tests/data"
VECTORS = DATA / "protocol/vectors"
SDKS = ("10.5.0", "7.1.1")
TARGETS = ("request_head", "request_body", "python_repr", "reply_bytes", "reply_head", "keyfiles")
LARGEST = 3000  # bytes; longer seeds only slow the fuzzer down
DROPPED = {"host", "accept", "accept-encoding", "user-agent", "content-length"}


def vectors(kind, sdk):
    return json.loads((VECTORS / f"{kind}-{sdk}.json").read_text())["vectors"]


def write(target, name, seed):
    if len(seed) <= LARGEST:
        (FUZZ / "seeds" / target / name.replace("/", "-")).write_bytes(seed)


def request_head(request, content):
    line = f"{request['method']} {request['target']}\n".encode("latin-1")
    return line + head(request["headers"]) + b"\n" + content


def head(headers):
    """The headers as text, without what differs from capture to capture for no reason."""
    kept = (pair for pair in headers if pair[0].lower() not in DROPPED)
    text = "".join(f"{name}: {value}\n" for name, value in kept)
    text = re.sub(r"dddddddd-\S+", "u", text)
    text = re.sub(r": 1[78]\d{17}\n", ": 1800000000000000000\n", text)
    return re.sub(r"\S+signature: 0x[0-9a-f]{128}\n", "", text).encode("latin-1")


def body(request):
    """The body, with empty sides unless they are what was altered."""
    content = base64.b64decode(request["body_b64"])
    return re.sub(rb'"(dendrite|axon)": \{"status_code[^}]*\}', rb'"\1": {}', content)


def requests():
    """A plain request of each SDK, and all the altered ones."""
    for sdk in SDKS:
        plain = next(v for v in vectors("requests", sdk) if v["case"] == "ascii")
        yield f"plain-{sdk}", plain["request"]
    for vector in vectors("negative", SDKS[0]):
        if vector["base_sdk"] == SDKS[0]:
            request = vector["verdicts"][SDKS[0]]["requests"][-1]
            if request["bytes_stored"] and "headers" in request:
                yield vector["case"], request


def strings(messages, turn):
    """Flags and strings, in turn as they are and as the inside of JSON strings."""
    if turn % 2 == 0:
        return b"\0" + b"\xff".join(text.encode("utf-8", "surrogatepass") for text in messages)
    return b"\x01" + b"\xff".join(json.dumps(text)[1:-1].encode() for text in messages)


def reply(status, headers, content, ending=0):
    return status.to_bytes(2, "big") + bytes([ending, 7]) + head(headers) + b"\n" + content


def written(chunks):
    """All that a scripted server sends."""
    return b"".join(base64.b64decode(c["bytes_b64"]) for c in chunks if isinstance(c, dict))


def scripted(chunks):
    """The head and body that a scripted server sends, or None where it sends no whole head."""
    sent = written(chunks)
    status_line, _, rest = sent.partition(b"\r\n")
    if b"\r\n\r\n" not in sent or not status_line.startswith(b"HTTP/1.1 "):
        return None
    lines, _, content = rest.partition(b"\r\n\r\n")
    pairs = [line.split(": ", 1) for line in lines.decode("latin-1").split("\r\n") if line]
    return reply(int(status_line.split()[1]), pairs, content)


def main():
    for target in TARGETS:
        folder = FUZZ / "seeds" / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith("finding-"):
                old.unlink()
    heads, bodies = set(), set()
    for name, request in requests():
        content = body(request)
        if content not in bodies:
            write("request_body", name, b"\0" + content)
        if not bodies or head(request["headers"]) not in heads:
            # Signed anew (flag 2) and mostly timely (4), a second old. The body only once.
            flags = 2 if "nonce" in name else 6
            kept = b"" if content in bodies else content
            write("request_head", name, bytes([flags, 127]) + request_head(request, kept))
        bodies.add(content)
        heads.add(head(request["headers"]))
    for idx, vector in enumerate(json.loads((VECTORS / "body-hash.json").read_text())["vectors"]):
        write("python_repr", f"{idx:02}", strings(vector.get("messages", ["x"]), idx))
    for vector in vectors("streams", SDKS[0]):
        recorded = vector["reply"]
        content = base64.b64decode(recorded["body_b64"])
        write("reply_head", vector["case"], reply(recorded["status"], recorded["headers"], content))
    for vector in vectors("dendrite-outcomes", SDKS[0]):
        if not isinstance(vector["server_script"], list):
            continue
        if seed := scripted(vector["server_script"]):
            write("reply_head", vector["case"], seed)
        if sent := written(vector["server_script"]):
            write("reply_bytes", vector["case"], b"\x06" + sent)
    for folder in (DATA / "wallet", DATA / "chain/vectors/wallets"):
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.suffix != ".md" and file.name != "suri.json":
                write("keyfiles", str(file.relative_to(folder)), file.read_bytes())
    write("keyfiles", "bare-phrase", b"legal winner thank year wave sausage worth useful legal winner thank yellow")
    write("keyfiles", "bare-seed", b"0x6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2\n")


if __name__ == "__main__":
    main()
