"""LiteLLM's proxy: one worker, no database, a strong master key, its own environment."""

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers import FOLDER, Peer, free_port, running

VERSION = "1.106.2"
HOME = FOLDER / f"litellm-{VERSION}"


@contextmanager
def start(upstream_port: int) -> Iterator[Peer]:
    """Run the proxy over an upstream."""
    _install()
    port, key = free_port(), f"sk-{secrets.token_hex(24)}"
    to = {"model": "openai/gpt-4o", "api_base": f"http://127.0.0.1:{upstream_port}/v1", "api_key": "sk-bench"}
    config = {
        "model_list": [{"model_name": "gpt-4o", "litellm_params": to}],
        "general_settings": {"master_key": key},
    }
    with tempfile.TemporaryDirectory(prefix="tokenhouse-bench-") as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(json.dumps(config))  # JSON is YAML.
        command = [HOME / "bin" / "litellm", "--config", file, "--host", "127.0.0.1", "--port", str(port)]
        surroundings = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONWARNINGS": "ignore"}
        command += ["--num_workers", "1", "--telemetry", "False"]
        with running(command, port, surroundings) as process:
            yield Peer(port=port, pid=process.pid, headers={"authorization": f"Bearer {key}"})


def _install() -> None:
    """Make its environment, unless it is there."""
    if not (HOME / "bin" / "litellm").exists():
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
        subprocess.run([HOME / "bin" / "pip", "install", "-q", f"litellm[proxy]=={VERSION}"], check=True)
