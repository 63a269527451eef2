"""The soak in short: a hundred streams, every disaster once, and the books afterwards."""

import tempfile
from pathlib import Path

import pytest

from tests.soak.soak import soak


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.row("E2", "E3", "E6", "E12")
async def test_nothing_is_lost_doubled_overspent_or_refused_while_everything_fails():
    with tempfile.TemporaryDirectory(prefix="th") as place:
        Path(place).chmod(0o755)
        books = await soak(Path(place), streams=100, seconds=10)
    print(books)
    assert books.findings == {"overspend": [], "lost": [], "double": [], "false refusals": []}
    assert books.figures["answered to the end"] > 100
    assert books.figures["lapsed"] > 0, "the kill found nothing under way"
