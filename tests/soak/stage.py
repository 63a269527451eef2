"""The stage of a soak: provider, app and PostgreSQL as processes, and the disasters that befall them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.callers import Account
from tests.store.processes import SURROUNDINGS, let_go, postmaster, until
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.store.embedded import Lease, open_embedded

ROOT = Path(__file__).resolve().parents[2]
UNIT = {"name": "token", "symbol": ""}
RICH = 10**12
PLANS = {
    "drain": {"signup": {"amount": RICH}, "call": {"on_disconnect": "drain"}},
    "delivered": {"signup": {"amount": RICH}, "reserve": {"on_lapse": "charge-input"}},
    "poor": {"signup": {"amount": 3_000}, "reserve": {"on_lapse": "charge-input"}},
}
UPSTREAM = """
[[upstream]]
name = "{protocol}"
protocol = "{protocol}"
url = "http://127.0.0.1:{port}/v1"
models = ["demo"]
cap_field = "max_tokens"
"""
MOVES_S = 60.0
"""How long a process may take to come or to go."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """The processes of one soak, and its one folder."""

    home: Path
    lease: Lease
    provider_port: int
    app_port: int
    stop_s: int
    app: subprocess.Popen[bytes] | None = None
    killed_ms: list[int] = field(default_factory=list)
    """When the app was killed without warning."""
    told_ms: list[int] = field(default_factory=list)
    """When it was told to go."""

    @property
    def log(self) -> Path:
        """Where the provider writes what it produced."""
        return self.home / "produced.jsonl"

    @property
    def settings(self) -> Settings:
        """Return the settings of the houses that the soak itself opens."""
        return Settings(home=self.home, plan="chat-tokens", environment="production", lanes=1)

    async def open_accounts(self, count: int) -> list[Account]:
        """Open accounts, each with a key: nine rich ones to a poor one."""
        accounts = []
        async with Tokenhouse.open(settings=self.settings) as house:
            for name, terms in PLANS.items():
                await house.write_plan({"name": name, "unit": UNIT, **terms})
            for number in range(count):
                plan = "poor" if number % 10 == 9 else ("drain", "delivered")[number % 2]
                ref = f"{plan}-{number}"
                await house.account(ref, plan=plan)
                secret = (await house.create_key(ref)).secret
                accounts.append(Account(ref=ref, secret=secret, plan=plan))
        return accounts

    def start_app(self) -> None:
        """Start the app and return when it listens."""
        written = {
            "TOKENHOUSE_HOME": str(self.home),
            "TOKENHOUSE_PORT": str(self.app_port),
            "TOKENHOUSE_ENVIRONMENT": "production",
            "TOKENHOUSE_STOP_S": str(self.stop_s),
        }
        command = [Path(sys.executable).with_name("tokenhouse"), "--quiet", "serve", "--log-level", "warning"]
        with (self.home / "app.log").open("ab") as said:
            self.app = subprocess.Popen(
                command, cwd=self.home, env={**SURROUNDINGS, **written}, stdout=said, stderr=said
            )
        until_listening(self.app_port, self.app)

    def end_app(self, kind: signal.Signals) -> None:
        """Tell the app to go, or kill it, and return when it is gone."""
        self.app.send_signal(kind)
        self.app.wait(MOVES_S)
        times = self.killed_ms if kind == signal.SIGKILL else self.told_ms
        times.append(time.time_ns() // 1_000_000)

    def restart_app(self, kind: signal.Signals) -> None:
        """Have the app go, or kill it, and start it again."""
        self.end_app(kind)
        self.start_app()

    def until_quiet(self) -> None:
        """Return when the provider has logged the end of every call; all its callers are gone."""
        url = f"http://127.0.0.1:{self.provider_port}/demo/produced"

        def running() -> int:
            with urllib.request.urlopen(url) as said:
                return json.load(said)["running"]

        until(lambda: running() == 0, MOVES_S)

    def kill_postgres(self) -> None:
        """Kill the PostgreSQL server; whoever needs it starts it again."""
        self.lease.ensure()
        os.kill(postmaster(self.home / "postgres"), signal.SIGKILL)


@contextmanager
def stage(home: Path, *, chunk_s: float, stop_s: int) -> Iterator[Stage]:
    """Start provider and PostgreSQL; at the end nothing runs any more."""
    lease = open_embedded(home / "postgres")
    set_up = Stage(home=home, lease=lease, provider_port=free_port(), app_port=free_port(), stop_s=stop_s)
    upstreams = [UPSTREAM.format(protocol=one, port=set_up.provider_port) for one in ("openai", "anthropic")]
    (home / "tokenhouse.toml").write_text("".join(upstreams))
    command = [
        sys.executable,
        "-m",
        "tests.soak.provider",
        str(set_up.provider_port),
        str(set_up.log),
        str(chunk_s),
    ]
    try:
        with subprocess.Popen(command, cwd=ROOT, env=SURROUNDINGS) as provider:
            try:
                until_listening(set_up.provider_port, provider)
                yield set_up
            finally:
                provider.terminate()
                if set_up.app is not None:
                    set_up.app.kill()
                    set_up.app.wait()
    finally:
        lease.close(wait=True)
        let_go(home / "postgres")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as any_:
        any_.bind(("127.0.0.1", 0))
        return any_.getsockname()[1]


def until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when a process takes connections; fail if it ends before."""
    deadline = time.monotonic() + MOVES_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended instead of starting"
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("it took too long to start")
