"""A server as its users start it: a process of its own, what it printed, and how it ended."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

PROGRAM = (str(Path(sys.executable).with_name("tokenhouse")),)
"""The command as it is installed, so that what it prints of itself can be typed."""
START_S = 60


class Served:
    """A running `tokenhouse serve`."""

    def __init__(self, environ: dict[str, str], *words: str) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "serve", "--port", "0", *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out = ""
        self.err = ""
        self._reader = threading.Thread(target=self._read_errors)
        self._reader.start()

    def _read_errors(self) -> None:
        for line in self.process.stderr:
            self.err += line

    def started(self) -> "Served":
        """Return once it serves: its last word on that goes to stderr."""
        self.heard("started: ")
        return self

    def heard(self, words: str, wait_s: float = START_S) -> None:
        """Return once it has said something on stderr."""
        deadline = time.monotonic() + wait_s
        while words not in self.err:
            assert self.process.poll() is None, self.err
            assert time.monotonic() < deadline, self.err
            time.sleep(0.01)

    def said(self) -> str:
        """Return what it has printed; it must have said that it serves."""
        while not self.out.endswith(("first.\n", "\n}\n")):
            line = self.process.stdout.readline()
            assert line, self.err
            self.out += line
        return self.out

    @property
    def url(self) -> str:
        return re.search(r"http://[\d.:]+", self.said())[0]

    @property
    def secret(self) -> str:
        return re.search(r"(?<!\w)th_[\w-]+", self.said())[0]

    def lines(self, beginning: str) -> list[str]:
        """Return the lines that begin like this, as they would be copied."""
        return [line.strip() for line in self.said().splitlines() if line.strip().startswith(beginning)]

    def stop(self, kind: int = signal.SIGTERM, wait_s: float = 30) -> int:
        """Stop it and return its exit code."""
        self.process.send_signal(kind)
        code = self.process.wait(wait_s)
        self._reader.join(wait_s)
        return code

    def asked(self, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of an answer."""
        data = None if body is None else json.dumps(body).encode()
        if body is not None:
            headers = {"authorization": f"Bearer {self.secret}", "content-type": "application/json"} | headers
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310 -- our own server
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, dict(answer.headers), answer.read()
        except HTTPError as no:
            with no:
                return no.code, dict(no.headers), no.read()


@contextmanager
def serving(environ: dict[str, str], *words: str) -> Iterator[Served]:
    """Start a server and see to it that nothing of it is left."""
    server = Served(environ, *words)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(30)
            except subprocess.TimeoutExpired:
                server.process.kill()
        server.process.stdout.close()
        server._reader.join(30)
        server.process.stderr.close()


def chat(**members: Any) -> dict[str, Any]:
    """Return a request to the demo."""
    return {"model": "demo", "messages": [{"role": "user", "content": "hi"}]} | members
