"""A verification that is called off stops on whichever node it runs, and another one may begin."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse
from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow import audit, works
from tokenhouse.settings import Settings


async def test_it_stops_and_makes_room(database: str, clock: Clock, monkeypatch: Any):
    monkeypatch.setattr(works, "SAYS_EVERY_S", 0.01)
    begun = asyncio.Event()

    async def endless(*_: Any, progress: Any, **__: Any) -> None:
        progress(3)
        begun.set()
        await asyncio.Event().wait()

    settings = Settings(plan="points")
    async with (
        Tokenhouse.open(database, settings=settings, clock=clock) as one,
        Tokenhouse.open(database, settings=settings, clock=clock) as other,
    ):
        await one.account("alice")
        with monkeypatch.context() as held:
            held.setattr(audit, "verify", endless)
            work = await one.start_verification()
            await begun.wait()
            called_off = await other.cancel_verification(work.id)
        assert (called_off.state, called_off.verdict) == ("cancelled", None)
        async with asyncio.timeout(5):
            await asyncio.wait(set(one.desk.under_way.tasks.values()))
        assert (await other.verification(work.id)).state == "cancelled"
        assert (await other.cancel_verification(work.id)).state == "cancelled"
        assert (await one.start_verification()).id != work.id
        with pytest.raises(NotFound):
            await one.cancel_verification("0" * 32)


def test_an_error_is_kept_with_what_it_is_about():
    wrong = InvalidInput("import_line", file="a.csv", line=3, column="ref", problem=NotFound(id=Path("x")))
    kept = works.error(json.loads(works.encoded(wrong)))
    assert (kept.reason, kept.facts["line"], kept.facts["problem"].facts) == ("import_line", 3, {"id": "x"})
