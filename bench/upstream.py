"""The static upstream: a provider that answers without a thought, in a process of its own.

`python -m bench.upstream` says its port and serves until its input ends. A body that asks for a stream gets
chunks in a steady beat, each with the time at which it left; any other gets one answer at once.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

ROOT = Path(__file__).parents[1]
CHUNKS = 20
BEAT_S = 0.02
TEXT = "The history of money and of tokens is the history of counting. "
USAGE = {"prompt_tokens": 212, "completion_tokens": 64, "total_tokens": 276}
NAMED = {"id": "bench-1", "created": 1_790_000_000, "model": "gpt-4o"}
MESSAGE = {"role": "assistant", "content": TEXT * 4}
CHOICE = {"index": 0, "message": MESSAGE, "finish_reason": "stop"}
WHOLE = json.dumps({**NAMED, "object": "chat.completion", "choices": [CHOICE], "usage": USAGE}).encode()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: "
ANSWER = HEAD + b"application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(WHOLE), WHOLE)
BEGIN = HEAD + b"text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
STREAMED = (b'"stream":true', b'"stream": true')


class Provider(asyncio.Protocol):
    """One connection of the upstream."""

    def connection_made(self, transport):
        self._transport, self._buffer = transport, b""
        self._streams: set[asyncio.Task[None]] = set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, there, body = self._buffer.partition(b"\r\n\r\n")
            if not there:
                return
            _, _, length = head.lower().partition(b"content-length:")
            size = int(length.split(b"\r")[0] or 0)
            if len(body) < size:
                return
            self._buffer = body[size:]
            if any(mark in body[:size] for mark in STREAMED):
                stream = asyncio.ensure_future(self._stream())
                self._streams.add(stream)
                stream.add_done_callback(self._streams.discard)
            else:
                self._transport.write(ANSWER)

    def connection_lost(self, _: Exception | None) -> None:
        for stream in self._streams:
            stream.cancel()

    async def _stream(self) -> None:
        """Send a stream in its beat, its usage, and its end."""
        self._transport.write(BEGIN)
        for number in range(CHUNKS):
            if number:
                await asyncio.sleep(BEAT_S)
            choice = {"index": 0, "delta": {"content": "money "}, "finish_reason": None}
            self._send({"choices": [choice], "sent_ns": time.perf_counter_ns()})
        self._send({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._send({"choices": [], "usage": USAGE})
        self._chunk(b"data: [DONE]\n\n")
        self._transport.write(b"0\r\n\r\n")

    def _send(self, members: dict[str, object]) -> None:
        event = {**NAMED, "object": "chat.completion.chunk", **members}
        self._chunk(b"data: %s\n\n" % json.dumps(event).encode())

    def _chunk(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%s\r\n" % (len(data), data))


@contextmanager
def upstream() -> Iterator[int]:
    """Run the upstream and yield its port."""
    command = [sys.executable, "-m", "bench.upstream"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


async def main() -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(main())
