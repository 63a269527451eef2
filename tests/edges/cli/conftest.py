"""What a test of the command line may ask for: runs of it on a database of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest

from tests.conftest import Clock
from tokenhouse.edges.cli import root
from tokenhouse.edges.cli.terminal import Terminal


class Ran:
    """How a run ended: exit code, and what it said on stdout and stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def surroundings(database: str, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process that uses this test's database, and no other setting."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOKENHOUSE_")}
    return kept | {
        "TOKENHOUSE_DATABASE_URL": database,
        "TOKENHOUSE_HOME": str(tmp_path),
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture
def cli(surroundings: dict[str, str], clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a run of the command line in this process, under the test's clock; it must end with `code`."""
    for name in [name for name in os.environ if name.startswith("TOKENHOUSE_")]:
        monkeypatch.delenv(name)

    def run(*words: str, code: int = 0, **env: str) -> Ran:
        runner = click.testing.CliRunner(env=surroundings | env)
        result = runner.invoke(root, [*words], obj=Terminal(clock))
        assert result.exit_code == code, result.output
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def process(surroundings: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Return a start of the command line as a process of its own."""

    def start(*words: str, **more: Any) -> subprocess.Popen[str]:
        program = [sys.executable, "-c", "from tokenhouse.edges.cli import main; main()", *words]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(program, env=surroundings, text=True, **(pipes | more))

    return start
