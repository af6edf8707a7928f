#!/usr/bin/env python3
"""What the dendrite of the Python SDK makes of odd replies: records the vectors `dendrite-replies-*.json`.

    replies.py > tests/data/protocol/vectors/dendrite-replies-10.5.0.json

Runs under bittensor 7.x and 10.x, on loopback, without a chain. Each reply is played byte for byte by a
server of its own, twice where it matters: in one write (`.../whole`), so that the client finds body and
head in one read, and with a pause after each part (`.../parts`). The format is that of the README beside
the vectors.
"""

import asyncio
import base64
import gzip
import json
import sys
import zlib

import peer

TIMEOUT_S = 2.0
PAUSE_S = 0.3
STATUS = b"bt_header_axon_status_code: 200\r\nbt_header_axon_status_message: Success\r\n"
OK = b"HTTP/1.1 200 OK\r\n" + STATUS
CHUNKED = b"transfer-encoding: chunked\r\n"
HELLO = b"5\r\nHello\r\n"
END = b"0\r\n\r\n"


def deflated(data, raw=False):
    packer = zlib.compressobj(wbits=-15 if raw else 15)
    return packer.compress(data) + packer.flush()


def sized(body, *lines, start=b"HTTP/1.1 200 OK"):
    """A reply with a length, in two parts."""
    return [head(b"content-length: %d" % len(body), *lines, start=start), body]


def head(*lines, start=b"HTTP/1.1 200 OK"):
    return start + b"\r\n" + STATUS + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunks(*parts, lines=()):
    """A chunked reply whose body is made of these bytes."""
    return [head(b"transfer-encoding: chunked", *lines), *parts]


PACKED = gzip.compress(b"Hello", mtime=0)
BOMB = gzip.compress(b"x" * (4 << 20), mtime=0)
LONG_PACKED = gzip.compress(b"".join(b"%d " % n for n in range(300)), mtime=0)

# A name, the parts of the reply, and how the connection ends (None: it stays open).
CASES = [
    # Chunk sizes and what surrounds the chunks.
    ("chunk-size-no-number", chunks(HELLO, b"zz\r\nx\r\n", END), None),
    ("chunk-size-no-number-first", chunks(b"zz\r\nHello\r\n", END), None),
    ("chunk-size-empty", chunks(b"\r\nHello\r\n", END), None),
    ("chunk-size-negative", chunks(b"-5\r\nHello\r\n", END), None),
    ("chunk-size-plus", chunks(b"+5\r\nHello\r\n", END), None),
    ("chunk-size-0x", chunks(b"0x5\r\nHello\r\n", END), None),
    ("chunk-size-upper-case", chunks(b"A\r\n0123456789\r\n", END), None),
    ("chunk-size-leading-zeros", chunks(b"0005\r\nHello\r\n", END), None),
    ("chunk-size-many-zeros", chunks(b"0" * 40 + b"5\r\nHello\r\n", END), None),
    ("chunk-size-space-before", chunks(b" 5\r\nHello\r\n", END), None),
    ("chunk-size-space-after", chunks(b"5 \r\nHello\r\n", END), None),
    ("chunk-size-tab-after", chunks(b"5\t\r\nHello\r\n", END), None),
    ("chunk-size-too-large", chunks(b"ffffffffffffffff5\r\nHello\r\n", END), None),
    ("chunk-size-huge-then-close", chunks(b"ffffffffffffff\r\nHello"), "close"),
    ("chunk-size-line-by-lf", chunks(b"5\nHello\r\n", END), None),
    ("chunk-data-by-lf", chunks(b"5\r\nHello\n", END), None),
    ("chunk-all-by-lf", chunks(b"5\nHello\n", b"0\n\n"), None),
    ("chunk-data-too-long", chunks(b"5\r\nHelloworld\r\n", END), None),
    ("chunk-data-too-short", chunks(b"7\r\nHello\r\n", END), None),
    ("chunk-extension", chunks(b"5;a=b\r\nHello\r\n", END), None),
    ("chunk-extension-quoted", chunks(b'5;a="b;c"\r\nHello\r\n', END), None),
    ("chunk-extension-space", chunks(b"5 ;a\r\nHello\r\n", END), None),
    ("chunk-extension-no-token", chunks(b"5;a\x01b\r\nHello\r\n", END), None),
    ("chunk-extension-non-ascii", chunks(b"5;a=\xe9\r\nHello\r\n", END), None),
    ("chunk-extension-empty", chunks(b"5;\r\nHello\r\n", END), None),
    ("chunk-extension-9k", chunks(b"5;a=" + b"b" * 9000 + b"\r\nHello\r\n", END), None),
    ("chunk-last-only-zero", chunks(HELLO, b"0\r\n"), "close"),
    ("chunk-last-missing", chunks(HELLO), "close"),
    ("chunk-last-many-zeros", chunks(HELLO, b"000\r\n\r\n"), None),
    ("chunk-last-by-lf", chunks(HELLO, b"0\n\n"), None),
    ("trailer", chunks(HELLO, b"0\r\nx-end: yes\r\n\r\n"), None),
    ("trailer-status", chunks(HELLO, b"0\r\nbt_header_axon_status_code: 500\r\n\r\n"), None),
    ("trailer-only-status", [b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n", HELLO, b"0\r\n" + STATUS + b"\r\n"], None),
    ("trailer-no-colon", chunks(HELLO, b"0\r\nnonsense\r\n\r\n"), None),
    ("trailer-cut", chunks(HELLO, b"0\r\nx-end: y"), "close"),
    ("trailer-9k", chunks(HELLO, b"0\r\nx: " + b"y" * 9000 + b"\r\n\r\n"), None),
    ("chunk-surplus", chunks(HELLO, END + b"HTTP/1.1 200 OK\r\n\r\n"), None),
    ("chunk-surplus-garbage", chunks(HELLO, END + b"more"), None),
    # Lengths.
    ("length-and-chunked", chunks(HELLO, END, lines=(b"content-length: 5",)), None),
    ("length-and-chunked-other-order", [head(b"content-length: 5", b"transfer-encoding: chunked"), HELLO, END], None),
    ("length-too-small", [head(b"content-length: 3"), b"Hello"], None),
    ("length-too-small-then-close", [head(b"content-length: 3"), b"Hello"], "close"),
    ("length-too-small-connection-close", [head(b"content-length: 3", b"connection: close"), b"Hello"], "close"),
    ("length-too-large", [head(b"content-length: 50"), b"Hello"], "close"),
    ("length-zero-with-body", [head(b"content-length: 0"), b"Hello"], "close"),
    ("length-twice-same", [head(b"content-length: 5", b"content-length: 5"), b"Hello"], None),
    ("length-twice-other", [head(b"content-length: 5", b"content-length: 6"), b"Hello"], "close"),
    ("length-list-same", [head(b"content-length: 5, 5"), b"Hello"], None),
    ("length-empty", [head(b"content-length:"), b"Hello"], "close"),
    ("length-plus", [head(b"content-length: +5"), b"Hello"], None),
    ("length-negative", [head(b"content-length: -5"), b"Hello"], "close"),
    ("length-0x", [head(b"content-length: 0x5"), b"Hello"], "close"),
    ("length-underscore", [head(b"content-length: 0_5"), b"Hello"], None),
    ("length-float", [head(b"content-length: 5.0"), b"Hello"], None),
    ("length-leading-zeros", [head(b"content-length: 0005"), b"Hello"], None),
    ("length-space-inside", [head(b"content-length: 5 5"), b"Hello"], "close"),
    ("length-too-long-a-number", [head(b"content-length: 99999999999999999999"), b"Hello"], "close"),
    ("surplus-line-ends", [head(b"content-length: 5"), b"Hello\r\n\r\n"], None),
    ("surplus-line-ends-connection-close", [head(b"content-length: 5", b"connection: close"), b"Hello\r\n"], "close"),
    ("surplus-spaces", [head(b"content-length: 5"), b"Hello  "], None),
    ("surplus-begins-as-a-reply", [head(b"content-length: 5"), b"HelloHTTP/1.1 2"], None),
    ("surplus-after-length", [head(b"content-length: 5"), b"Hello" + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], None),
    # Transfer codings.
    ("coding-gzip-until-close", [head(b"transfer-encoding: gzip"), b"Hello"], "close"),
    ("coding-gzip-chunked", [head(b"transfer-encoding: gzip, chunked"), HELLO, END], None),
    ("coding-identity", [head(b"transfer-encoding: identity"), b"Hello"], "close"),
    ("coding-identity-and-length", [head(b"transfer-encoding: identity", b"content-length: 5"), b"Hello"], None),
    ("coding-chunked-twice", [head(b"transfer-encoding: chunked, chunked"), HELLO, END], None),
    ("coding-chunked-two-lines", [head(b"transfer-encoding: chunked", b"transfer-encoding: chunked"), HELLO, END], None),
    ("coding-chunked-not-last", [head(b"transfer-encoding: chunked, gzip"), HELLO, END], "close"),
    ("coding-upper-case", [head(b"Transfer-Encoding: CHUNKED"), HELLO, END], None),
    ("coding-unknown", [head(b"transfer-encoding: xchunked"), HELLO, END], "close"),
    ("coding-empty", [head(b"transfer-encoding:"), b"Hello"], "close"),
    # Status lines and versions.
    ("status-line-no-reason", sized(b"Hello", start=b"HTTP/1.1 200"), None),
    ("status-line-empty-reason", sized(b"Hello", start=b"HTTP/1.1 200 "), None),
    ("status-line-two-spaces", sized(b"Hello", start=b"HTTP/1.1  200 OK"), None),
    ("status-line-tab", sized(b"Hello", start=b"HTTP/1.1\t200 OK"), None),
    ("status-line-latin-1-reason", sized(b"Hello", start=b"HTTP/1.1 200 d\xe9j\xe0"), None),
    ("status-line-two-digits", sized(b"Hello", start=b"HTTP/1.1 20 OK"), None),
    ("status-line-four-digits", sized(b"Hello", start=b"HTTP/1.1 2000 OK"), None),
    ("status-line-no-code", sized(b"Hello", start=b"HTTP/1.1 OK"), None),
    ("status-line-lower-case", sized(b"Hello", start=b"http/1.1 200 OK"), None),
    ("status-line-leading-empty-line", sized(b"Hello", start=b"\r\nHTTP/1.1 200 OK"), None),
    ("status-line-http-1.0", sized(b"Hello", start=b"HTTP/1.0 200 OK"), None),
    ("status-line-http-1.0-until-close", [head(start=b"HTTP/1.0 200 OK"), b"Hello"], "close"),
    ("status-line-http-1.0-chunked", [head(b"transfer-encoding: chunked", start=b"HTTP/1.0 200 OK"), HELLO, END], None),
    ("status-line-http-1.2", sized(b"Hello", start=b"HTTP/1.2 200 OK"), None),
    ("status-line-http-0.9", sized(b"Hello", start=b"HTTP/0.9 200 OK"), None),
    ("status-line-http-2.0", sized(b"Hello", start=b"HTTP/2.0 200 OK"), None),
    ("status-line-http-2", sized(b"Hello", start=b"HTTP/2 200 OK"), None),
    ("status-line-http-11", sized(b"Hello", start=b"HTTP/11 200 OK"), None),
    ("status-line-icy", sized(b"Hello", start=b"ICY 200 OK"), None),
    ("status-line-rtsp", sized(b"Hello", start=b"RTSP/1.0 200 OK"), None),
    ("status-line-9k-reason", sized(b"Hello", start=b"HTTP/1.1 200 " + b"x" * 9000), None),
    ("body-without-head", [b"Hello"], "close"),
    # Interim and bodiless replies.
    ("interim-100", [b"HTTP/1.1 100 Continue\r\n\r\n", *sized(b"Hello")], None),
    ("interim-102-103", [b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nlink: </x>\r\n\r\n", *sized(b"Hello")], None),
    ("interim-100-with-status", [b"HTTP/1.1 100 Continue\r\nbt_header_axon_status_code: 500\r\n\r\n", *sized(b"Hello")], None),
    ("interim-199", [b"HTTP/1.1 199 X\r\n\r\n", *sized(b"Hello")], None),
    ("interim-only-then-close", [b"HTTP/1.1 100 Continue\r\n\r\n"], "close"),
    ("interim-101", [b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n" + STATUS + b"\r\n", b"Hello"], "close"),
    ("status-204-with-length", sized(b"Hello", start=b"HTTP/1.1 204 No Content"), None),
    ("status-204-bare", [head(start=b"HTTP/1.1 204 No Content")], None),
    ("status-204-chunked", [head(b"transfer-encoding: chunked", start=b"HTTP/1.1 204 No Content"), HELLO, END], None),
    ("status-205", sized(b"Hello", start=b"HTTP/1.1 205 Reset"), None),
    ("status-304-with-length", sized(b"Hello", start=b"HTTP/1.1 304 Not Modified"), None),
    ("status-201", sized(b"Hello", start=b"HTTP/1.1 201 Created"), None),
    ("status-999", sized(b"Hello", start=b"HTTP/1.1 999 X"), None),
    ("status-300-no-location", sized(b"Hello", start=b"HTTP/1.1 300 Many"), None),
    ("status-302-no-location", sized(b"Hello", start=b"HTTP/1.1 302 Found"), None),
    # Header lines.
    ("header-latin-1-value", sized(b"Hello", b"x-note: d\xe9j\xe0"), None),
    ("header-latin-1-status-message", [OK.replace(b"Success", b"r\xe9ussi") + b"content-length: 5\r\n\r\n", b"Hello"], None),
    ("header-utf-8-value", sized(b"Hello", "x-note: déjà".encode()), None),
    ("header-non-ascii-name", sized(b"Hello", b"x-\xe9: y"), None),
    ("header-no-colon", sized(b"Hello", b"nonsense"), None),
    ("header-space-before-colon", sized(b"Hello", b"x-a : y"), None),
    ("header-space-in-name", sized(b"Hello", b"x a: y"), None),
    ("header-empty-name", sized(b"Hello", b": y"), None),
    ("header-empty-value", sized(b"Hello", b"x-a:"), None),
    ("header-tab-value", sized(b"Hello", b"x-a:\ty\t"), None),
    ("header-control-value", sized(b"Hello", b"x-a: a\x01b"), None),
    ("header-nul-value", sized(b"Hello", b"x-a: a\0b"), None),
    ("header-cr-value", sized(b"Hello", b"x-a: a\rb"), None),
    ("header-del-value", sized(b"Hello", b"x-a: a\x7fb"), None),
    ("header-folded", sized(b"Hello", b"x-a: b\r\n c"), None),
    ("header-folded-status", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code:\r\n 200\r\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("header-folded-first", [b"HTTP/1.1 200 OK\r\n folded\r\n" + STATUS + b"content-length: 5\r\n\r\n", b"Hello"], None),
    ("header-all-by-lf", [b"HTTP/1.1 200 OK\n" + STATUS.replace(b"\r", b"") + b"content-length: 5\n\n", b"Hello"], None),
    ("header-one-by-lf", [OK + b"x-a: b\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("header-end-by-lf", [OK + b"content-length: 5\r\n\n", b"Hello"], None),
    ("header-128-lines", sized(b"Hello", *[b"x-%d: y" % n for n in range(125)]), None),
    ("header-129-lines", sized(b"Hello", *[b"x-%d: y" % n for n in range(126)]), None),
    *((f"header-value-{n}-bytes", sized(b"Hello", b"x-a: " + b"y" * n), None) for n in (8188, 8190, 8191)),
    *((f"header-name-{n}-bytes", sized(b"Hello", b"x" * n + b": y"), None) for n in (8188, 8190, 8191)),
    ("status-line-8180-reason", sized(b"Hello", start=b"HTTP/1.1 200 " + b"x" * 8180), None),
    ("status-line-8191-reason", sized(b"Hello", start=b"HTTP/1.1 200 " + b"x" * 8191), None),
    ("status-twice-same", sized(b"Hello", b"bt_header_axon_status_code: 200"), None),
    ("status-twice-other-last", sized(b"Hello", b"bt_header_axon_status_code: 500"), None),
    ("status-twice-good-last", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code: 500\r\n" + STATUS + b"content-length: 5\r\n\r\n", b"Hello"], None),
    ("status-spaces", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code:   200  \r\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("status-plus", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code: +200\r\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("status-underscore", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code: 2_00\r\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("status-leading-zero", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code: 0200\r\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("status-float", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code: 200.0\r\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("status-empty", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code:\r\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("status-negative", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code: -1\r\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("status-70000", [b"HTTP/1.1 200 OK\r\nbt_header_axon_status_code: 70000\r\ncontent-length: 5\r\n\r\n", b"Hello"], None),
    ("timeout-nan", sized(b"Hello", b"timeout: nan"), None),
    ("timeout-empty", sized(b"Hello", b"timeout:"), None),
    ("dendrite-nonce-text", sized(b"Hello", b"bt_header_dendrite_nonce: abc"), None),
    ("dendrite-port-text", sized(b"Hello", b"bt_header_dendrite_port: abc"), None),
    ("axon-unknown-field", sized(b"Hello", b"bt_header_axon_colour: red"), None),
    ("axon-process-time-text", sized(b"Hello", b"bt_header_axon_process_time: soon"), None),
    ("axon-process-time-nan", sized(b"Hello", b"bt_header_axon_process_time: nan"), None),
    ("computed-body-hash-text", sized(b"Hello", b"computed_body_hash: abc"), None),
    ("input-obj-garbage", sized(b"Hello", b"bt_header_input_obj_messages: !"), None),
    # Content codings and charsets.
    ("gzip", sized(PACKED, b"content-encoding: gzip"), None),
    ("gzip-chunked", chunks(chunk(PACKED[:12]), chunk(PACKED[12:]), END, lines=(b"content-encoding: gzip",)), None),
    ("gzip-until-close", [head(b"content-encoding: gzip"), PACKED], "close"),
    ("gzip-upper-case", sized(PACKED, b"content-encoding: GZIP"), None),
    ("gzip-x-gzip", sized(PACKED, b"content-encoding: x-gzip"), None),
    ("gzip-twice", sized(gzip.compress(PACKED, mtime=0), b"content-encoding: gzip, gzip"), None),
    ("gzip-truncated", sized(PACKED[:-10], b"content-encoding: gzip"), None),
    ("gzip-no-checksum", sized(PACKED[:-8], b"content-encoding: gzip"), None),
    ("gzip-bad-checksum", sized(PACKED[:-8] + b"\0" * 8, b"content-encoding: gzip"), None),
    ("gzip-no-gzip", sized(b"Hello", b"content-encoding: gzip"), None),
    ("gzip-no-gzip-long", sized(b"Hello " * 50, b"content-encoding: gzip"), None),
    ("gzip-empty", sized(b"", b"content-encoding: gzip"), None),
    ("gzip-of-nothing", sized(gzip.compress(b"", mtime=0), b"content-encoding: gzip"), None),
    ("gzip-two-members", sized(PACKED + PACKED, b"content-encoding: gzip"), None),
    ("gzip-surplus", sized(PACKED + b"surplus", b"content-encoding: gzip"), None),
    ("gzip-bomb", sized(BOMB, b"content-encoding: gzip"), None),
    ("gzip-bytes-no-utf-8", sized(gzip.compress(b"\xff\xfe", mtime=0), b"content-encoding: gzip"), None),
    ("gzip-cut-by-close", chunks(chunk(LONG_PACKED[:300]), lines=(b"content-encoding: gzip",)), "close"),
    ("gzip-bad-later", chunks(chunk(LONG_PACKED[:300]), chunk(b"\xff" * 300), END, lines=(b"content-encoding: gzip",)), None),
    ("gzip-bad-checksum-later", chunks(chunk(LONG_PACKED[:-8]), chunk(b"\0" * 8), END, lines=(b"content-encoding: gzip",)), None),
    ("gzip-two-lines", sized(PACKED, b"content-encoding: gzip", b"content-encoding: identity"), None),
    ("gzip-two-lines-last", sized(PACKED, b"content-encoding: identity", b"content-encoding: gzip"), None),
    ("gzip-garbled-chunk", chunks(chunk(LONG_PACKED[:300]), b"zz\r\n", END, lines=(b"content-encoding: gzip",)), None),
    ("gzip-not-said", sized(PACKED), None),
    ("deflate", sized(deflated(b"Hello"), b"content-encoding: deflate"), None),
    ("deflate-truncated", sized(deflated(b"Hello")[:-4], b"content-encoding: deflate"), None),
    ("deflate-surplus", sized(deflated(b"Hello") + b"more", b"content-encoding: deflate"), None),
    ("deflate-empty", sized(b"", b"content-encoding: deflate"), None),
    ("deflate-raw-truncated", sized(deflated(b"Hello", raw=True)[:-2], b"content-encoding: deflate"), None),
    ("deflate-raw", sized(deflated(b"Hello", raw=True), b"content-encoding: deflate"), None),
    ("deflate-garbage", sized(b"\xff\xff\xff\xff\xff", b"content-encoding: deflate"), None),
    ("br", sized(b"\x0b\x02\x80Hello\x03", b"content-encoding: br"), None),
    ("zstd", sized(b"\x28\xb5\x2f\xfd\x04\x00\x29\x00\x00Hello", b"content-encoding: zstd"), None),
    ("compress", sized(b"Hello", b"content-encoding: compress"), None),
    ("content-coding-identity", sized(b"Hello", b"content-encoding: identity"), None),
    ("content-coding-unknown", sized(b"Hello", b"content-encoding: rot13"), None),
    ("content-coding-empty", sized(b"Hello", b"content-encoding:"), None),
    ("charset-latin-1", sized(b"caf\xe9", b"content-type: text/plain; charset=latin-1"), None),
    ("charset-utf-16", sized("Hello".encode("utf-16"), b"content-type: text/plain; charset=utf-16"), None),
    ("byte-order-mark", sized(b"\xef\xbb\xbfHello"), None),
    ("nul-in-text", sized(b"Hel\0lo"), None),
    ("surrogate-in-text", sized(b"\xed\xa0\xbd"), None),
    ("overlong-in-text", sized(b"\xc0\x80"), None),
    # Endings.
    ("until-close", [head(), b"Hello"], "close"),
    ("until-reset", [head(), b"Hello"], "reset"),
    ("connection-close", sized(b"Hello", b"connection: close"), "close"),
    ("chunked-reset", chunks(HELLO), "reset"),
    ("upgrade-header", sized(b"Hello", b"connection: upgrade", b"upgrade: websocket"), None),
]


async def play(parts, ending, pause_s):
    """Serves one reply on a port of its own; gives the server and its port."""

    async def answer(reader, writer):
        request = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in request.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        try:
            for number, part in enumerate(parts):
                if number and pause_s:
                    await asyncio.sleep(pause_s)
                writer.write(part)
                await writer.drain()
            if ending == "reset":
                await asyncio.sleep(PAUSE_S)
                writer.transport.abort()
            elif ending is None:
                await reader.read()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(answer, peer.LOOPBACK, 0)
    return server, server.sockets[0].getsockname()[1]


def steps(parts, ending):
    """The script as the vectors state it."""
    script = []
    for part in parts:
        script += [{"bytes_b64": base64.b64encode(part).decode()}, PAUSE_S]
    return script[: -1 if ending != "reset" else None] + ([ending] if ending else [])


async def record(name, parts, ending):
    server, port = await play(parts, ending, PAUSE_S)
    dendrite = peer.Dendrite(peer.Keypair.create_from_uri("//Alice"))
    hotkey = peer.Keypair.create_from_uri("//Bob").ss58_address
    job = {"roles": ["user"], "messages": ["Why?"], "timeout": TIMEOUT_S}
    answer = await peer.ask(dendrite, {"ip": peer.LOOPBACK, "port": port, "hotkey": hotkey}, job)
    await dendrite.aclose_session()
    server.close()
    text = answer["completion"]
    final = {"status_code": answer["status_code"],
             "status_message": (answer["status_message"] or "")[:80].replace(str(port), "PORT") or None,
             "process_time": None if answer["process_time"] is None else "set",
             "completion": text[:40], "completion_chars": len(text)}
    return {"id": f"{peer.bittensor.__version__}/{name}", "case": name, "timeout": TIMEOUT_S,
            "server_script": steps(parts, ending), "final": final}


async def main():
    jobs = []
    for name, parts, ending in CASES:
        jobs.append((f"{name}/whole", [b"".join(parts)], ending))
        if len(parts) > 1:
            jobs.append((f"{name}/parts", parts, ending))
    found = []
    # What packs much keeps the client busy: it is recorded alone.
    bombs = [job for job in jobs if job[0].startswith("gzip-bomb")]
    jobs = [job for job in jobs if job not in bombs]
    for start in range(0, len(jobs), 20):
        found += await asyncio.gather(*(record(*job) for job in jobs[start:start + 20]))
    for job in bombs:
        found.append(await record(*job))
    rows = ",\n".join(json.dumps(row) for row in found)
    peer.REPLIES.write('{"about": "What the SDK\'s dendrite makes of odd replies; see README.md", "dendrite_sdk": "%s", "vectors": [\n%s\n]}\n'
                       % (peer.bittensor.__version__, rows))
    peer.REPLIES.flush()


if __name__ == "__main__":
    asyncio.run(main())
