"""What the fault tests share: durable databases, client processes, and how often each test repeats itself."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Postgres
from tests.store.processes import SURROUNDINGS, let_go
from tokenhouse.store.embedded import open_embedded

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "round_" in metafunc.fixturenames:
        metafunc.parametrize("round_", range(ROUNDS))


class Client:
    """A process of its own that uses the ledger; see `driver`."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.driver", json.dumps(order)],
            cwd=ROOT,
            env=SURROUNDINGS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def opened(self) -> "Client":
        """Return once its house is open."""
        assert self.process.stdout.readline() == "open\n"
        return self

    def tell(self) -> None:
        """Say the word: begin, or, under load, stop."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Return what it has to say, once it has ended well."""
        said, _ = self.process.communicate()
        assert self.process.returncode == 0
        return json.loads(said)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """Return a function that starts a client process."""
    clients: list[Client] = []

    def start(**order: Any) -> Client:
        clients.append(Client(order))
        return clients[-1]

    yield start
    for each in clients:
        if each.process.returncode is None:
            each.kill()


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a home of its own, whose database keeps what it promised through every crash."""
    with tempfile.TemporaryDirectory(prefix="th") as place:
        Path(place).chmod(0o755)
        yield Path(place)
        let_go(Path(place) / "postgres")


@pytest.fixture(scope="session")
def durable_server() -> Iterator[Postgres]:
    """One server a test process that flushes every commit to disk."""
    with tempfile.TemporaryDirectory(prefix="th") as place:
        Path(place).chmod(0o755)
        with open_embedded(Path(place) / "postgres") as lease:
            server = Postgres(lease.dsn)
            yield server
            server.close()
            lease.close(wait=True)


@pytest.fixture
def durable(durable_server: Postgres) -> Iterator[str]:
    """Return the address of a fresh, migrated, durable database."""
    dsn = durable_server.make()
    yield dsn
    durable_server.drop(dsn)
