"""Verifications: `verify` as a work that somebody starts and others watch, one at a time in a deployment.

Its state stands in the database, so that a page that is loaded again, or asks another node, sees it. The node
that does it says every second that it lives; one that was not heard of for a minute is lost, and so is its
work: another may be started.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from tokenhouse.errors import NotFound, StillRunning, TokenhouseError
from tokenhouse.flow import audit
from tokenhouse.flow.audit import Verdict
from tokenhouse.flow.cursors import cursor, place
from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.flow.works import Works
from tokenhouse.rules.periods import AT_MAX, instant, moment
from tokenhouse.store import verifications
from tokenhouse.store.accounts import CELLS
from tokenhouse.store.pool import trouble_translated
from tokenhouse.store.verifications import Row, State

log: Final = logging.getLogger("tokenhouse.verify")

SAYS_EVERY_S: Final = 1.0
"""How often a work says how far it is."""
LOST_AFTER: Final = timedelta(minutes=1)
"""A work that said nothing for so long has lost its node."""
FINDINGS_MAX: Final = 1_000
ROWS_MAX: Final = 100
NEWEST: Final = (datetime(2200, 1, 1, tzinfo=UTC), "f" * 32)


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A verification: what it looks at, how far it is, and what it found."""

    id: str
    account: str | None
    cell: int | None
    state: State
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    entries_total: int
    entries_read: int
    verdict: dict[str, Any] | None


class VerificationPage(msgspec.Struct, frozen=True, kw_only=True):
    """The latest verifications, newest first."""

    verifications: tuple[Verification, ...]
    next: str | None


async def start(
    desk: Desk,
    works: Works,
    *,
    account: str | None,
    cell: int | None,
    findings_max: int,
    actor: str,
) -> Verification:
    """Begin to verify, and return at once. Raises: StillRunning if one is under way somewhere."""
    checked_whole(findings_max, "findings_max", 0, FINDINGS_MAX)
    checked_text(actor, "actor")
    if cell is not None:
        checked_whole(cell, "cell", 0, CELLS - 1)
    total = await audit.journal_size(desk, account=account, cell=cell)
    verification, now = desk.new_id(), desk.clock()
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            await verifications.write_lost(connection, now, now - LOST_AFTER)
            begun = await verifications.write_started(
                connection, verification, account=account, cell=cell, at=now, actor=actor, entries=total
            )
    if not begun:
        raise StillRunning("verification_running", retry_after_s=5)
    works.begin(_carry_out(desk, verification, account, cell, findings_max), "tokenhouse verification")
    return await find(desk, verification)


async def find(desk: Desk, verification: str) -> Verification:
    """Return a verification. Raises: NotFound."""
    wanted = checked_id(verification, "verification")
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            row = await verifications.find(connection, wanted)
    if row is None:
        raise NotFound("verification_unknown", id=wanted)
    return _shown(desk, row)


async def cancel(desk: Desk, verification: str) -> Verification:
    """Call one off; the node that does it hears of it when it next says how far it is. Raises: NotFound."""
    wanted = checked_id(verification, "verification")
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            await verifications.write_ended(connection, wanted, "cancelled", desk.clock(), None, None)
    return await find(desk, wanted)


async def page(desk: Desk, after: str | None, rows_max: int) -> VerificationPage:
    """Return a page of the latest verifications."""
    checked_whole(rows_max, "limit", 1, ROWS_MAX)
    before = NEWEST
    if after is not None:
        at, name = place(after, int, str)
        before = (moment(min(int(at), AT_MAX - 1)), checked_id(name, "cursor"))
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            found = await verifications.list_latest(connection, before, rows_max)
    last = found[-1] if len(found) == rows_max else None
    more = None if last is None else cursor(instant(last.started_at), last.id)
    return VerificationPage(verifications=tuple(_shown(desk, one) for one in found), next=more)


async def _carry_out(
    desk: Desk, verification: str, account: str | None, cell: int | None, findings_max: int
) -> None:
    """Verify, saying every second how far it is, and write what was found."""
    read = 0

    def count(more: int) -> None:
        nonlocal read
        read += more

    async def say() -> None:
        while True:
            await asyncio.sleep(SAYS_EVERY_S)
            with suppress(TokenhouseError), trouble_translated():
                async with desk.pool.acquire() as connection:
                    ours = await verifications.write_progress(connection, verification, desk.clock(), read)
                if not ours and work is not None:
                    work.cancel()  # It was called off, or given up for lost.

    work = asyncio.current_task()
    saying = asyncio.create_task(say(), name="tokenhouse verification's progress")
    state: State = "failed"
    verdict: Verdict | None = None
    try:
        verdict = await audit.verify(
            desk, account=account, cell=cell, findings_max=findings_max, progress=count
        )
        state = "clean" if verdict.clean else "broken"
    except TokenhouseError as trouble:
        log.warning("verification %s failed: %s", verification, trouble)
    except Exception:
        log.exception("verification %s failed", verification)
    finally:
        saying.cancel()
        text = None if verdict is None else msgspec.json.encode(_document(verdict)).decode()
        with suppress(TokenhouseError), trouble_translated():
            async with desk.pool.acquire() as connection:
                await verifications.write_ended(connection, verification, state, desk.clock(), read, text)


def _document(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as it is kept."""
    return {
        "checks": [
            {"name": one.name, "checked": one.checked, "failed": one.failed} for one in verdict.checks
        ],
        "findings": [
            {
                "account": one.account,
                "check": one.check,
                "figure": one.figure,
                "expected": None if one.expected is None else str(one.expected),
                "found": None if one.found is None else str(one.found),
                "seq": one.seq,
            }
            for one in verdict.findings
        ],
        "found": verdict.found,
        "entries": verdict.entries,
        "accounts": verdict.accounts,
        "seconds": round(verdict.seconds, 3),
    }


def _shown(desk: Desk, row: Row) -> Verification:
    """Return a verification as people see it: one that nobody has heard of for a minute is lost."""
    lost = row.state == "running" and desk.clock() - row.seen_at > LOST_AFTER
    return Verification(
        id=row.id,
        account=row.account,
        cell=row.cell,
        state="lost" if lost else row.state,
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
        entries_total=row.entries_total,
        entries_read=min(row.entries_read, row.entries_total) if row.state == "running" else row.entries_read,
        verdict=None if row.verdict is None else msgspec.json.decode(row.verdict),
    )
