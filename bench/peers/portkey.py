"""Portkey's gateway: one Node process."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from bench.peers import FOLDER, Peer, free_port, running

VERSION = "1.15.2"
HOME = FOLDER / f"portkey-{VERSION}"
SERVER = HOME / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"


@contextmanager
def start(upstream_port: int) -> Iterator[Peer]:
    """Run the gateway; the upstream is named by each request. Raises: FileNotFoundError without Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise FileNotFoundError("Portkey's gateway needs node and npm")
    if not SERVER.exists():
        install = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", HOME]
        subprocess.run([*install, f"@portkey-ai/gateway@{VERSION}"], check=True)
    port = free_port()
    headers = {
        "authorization": "Bearer sk-bench",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{upstream_port}/v1",
    }
    command = [node, SERVER, "--headless", f"--port={port}"]
    with running(command, port, {"NODE_ENV": "production"}) as process:
        yield Peer(port=port, pid=process.pid, headers=headers)
