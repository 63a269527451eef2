"""The soak in short: a hundred streams, every disaster once, and the books afterwards."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.soak import soak


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder: its path short enough for a socket, itself open to whoever runs PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="th") as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.row("E2", "E3", "E6", "E12")
async def test_nothing_is_lost_doubled_overspent_or_refused_while_everything_fails(home: Path):
    books = await soak(home, streams=100, seconds=6)
    print(books)
    assert books.findings == {"overspend": [], "lost": [], "double": [], "false refusals": []}
    assert books.figures["heard to the end"] > 100
    assert books.figures["lapsed"] > 0, "the kill found nothing under way"
