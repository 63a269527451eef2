"""Imports: accounts out of a file as a work, in two steps: what would change, and then the change itself.

A file is looked through first, and waits, with what was found, for somebody who says to go on. Accounts and
the outcome are written in one transaction: whenever a node dies, either all of it stands or nothing, and the
work says which. What was sent and decided is kept until the work has ended, so that another node can take it
up; one that broke off nevertheless can be carried out again.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import msgspec

from tokenhouse.errors import DatabaseTrouble, InvalidInput, StillRunning
from tokenhouse.flow import audit_trail, importing, lines, works
from tokenhouse.flow.desk import Desk, checked_choice, checked_flag, checked_text
from tokenhouse.flow.importing import Lines, Source
from tokenhouse.flow.sieve import Survey
from tokenhouse.flow.under_way import Steps
from tokenhouse.flow.works import Does, End, Kind, Work
from tokenhouse.rules.amounts import shown
from tokenhouse.store import audit_log
from tokenhouse.store import works as stored
from tokenhouse.store.pool import Connection

log: Final = logging.getLogger("tokenhouse.imports")

FORMS: Final = ("users", "points")
NAME_MAX: Final = 200
UNSAFE: Final = re.compile(r"[^\w. -]")
"""What the name of a file that we write does not have."""

COUNTS: Final = ("rows", "new", "changed", "unchanged", "differing", "refused")

Form = Literal["users", "points"]
"""A CSV of users; a `points.json`."""
State = Literal["checking", "ready", "writing", "done", "failed", "cancelled", "lost"]
"""Looked through; waits for a yes; written; as `works` has it: all is written, or with any other nothing."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file of accounts: its bytes, what it is called, and how it is to be read where that is not plain."""

    content: bytes
    name: str = ""
    form: Form | None = None
    plan: str | None = None
    named: Mapping[str, str] = {}
    encoding: str | None = None


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """An import: its file, how far it is, what would change, and what did; `problem` says why nothing did."""

    id: str
    name: str
    form: Form
    state: State
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    rows_total: int
    rows_done: int
    check: Survey | None
    result: Survey | None
    problem: InvalidInput | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """That what was looked through is to be written: who said so, and why."""

    actor: str
    reason: str


class Outcome(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is kept of an import: what would change, who said yes to that, and what did."""

    check: Survey
    decided: Decision | None = None
    result: Survey | None = None


_outcome: Final = msgspec.json.Decoder(Outcome)


async def start(desk: Desk, upload: Upload, *, actor: str) -> Import:
    """Take a file, and begin to look through it. Raises: InvalidInput, StillRunning."""
    most = desk.settings.import_bytes_max
    if not isinstance(upload, Upload):
        raise InvalidInput("table_wanted", field="upload", value=type(upload).__name__)
    if len(upload.content) > most:
        raise InvalidInput("body_too_large", field="body", value=len(upload.content), most=most)
    asked, content = _asked(desk, upload), upload.content
    return await works.start(desk, KIND, asked, _looking(desk, asked, content), actor=actor, file=content)


async def carry_out(desk: Desk, import_id: str, *, leave_out: bool, reason: str, actor: str) -> Import:
    """Begin to write what a file that was looked through would change. Raises: InvalidInput, StillRunning."""
    checked_text(actor, "actor")
    checked_text(reason, "reason", most=audit_trail.REASON_LENGTH_MAX)
    work = await works.known(desk, KIND, import_id)
    found = _shown(work)
    if found.state in ("checking", "writing"):
        raise StillRunning(KIND.busy, retry_after_s=5)
    content = await _content(desk, work)
    if content is None or found.check is None or found.state not in ("ready", "lost"):
        raise InvalidInput("import_over", field="id", value=work.id)
    if found.check.refused and not checked_flag(leave_out, "leave_out"):
        raise InvalidInput("import_leaves_out", field="leave_out", value=found.check.refused)
    outcome = Outcome(check=found.check, decided=Decision(actor=actor, reason=reason))
    does = _writing(desk, work, content, outcome)
    return await works.resume(desk, KIND, work.id, found.check.rows, does, outcome=outcome)


async def _again(desk: Desk, work: Work) -> Does | None:
    """Go on where a node was lost: look through the file once more, or write what somebody said yes to."""
    content = await _content(desk, work)
    if content is None:
        return None
    if work.outcome is None:
        return _looking(desk, work.asked, content)
    outcome = _outcome.decode(work.outcome)
    return None if outcome.decided is None else _writing(desk, work, content, outcome)


async def _content(desk: Desk, work: Work) -> bytes | None:
    """Return what was sent, as long as it is kept."""
    async with desk.pool.acquire() as connection:
        return await stored.find_file(connection, work.id)


def _asked(desk: Desk, upload: Upload) -> dict[str, Any]:
    """Return how a file is to be read. Raises: InvalidInput."""
    form = upload.form or ("points" if upload.content.lstrip()[:1] == b"{" else "users")
    checked_choice(form, "form", FORMS)
    name = checked_text(upload.name, "name", most=NAME_MAX)
    Source(file=Path(name or "file"), named=upload.named, encoding=upload.encoding)
    for column in upload.named.values():
        checked_choice(column, "column", lines.USERS)
    plan = importing.plan_of_points(desk, upload.plan) if form == "points" else None
    if plan is None and upload.plan is not None:
        raise InvalidInput("import_plan", field="plan", value=shown(upload.plan))
    return {
        "name": name or f"{form}.{'json' if form == 'points' else 'csv'}",
        "form": form,
        "plan": plan,
        "named": dict(upload.named),
        "encoding": upload.encoding,
    }


async def _lines(desk: Desk, asked: Mapping[str, Any], content: bytes, folder: Path) -> Lines:
    """Return how the lines of a file are read, which is written into a folder for it."""
    file = folder / (UNSAFE.sub("_", asked["name"]).strip(".") or "file")
    await asyncio.to_thread(file.write_bytes, content)
    if asked["form"] == "points":
        return importing.of_points(file, asked["plan"])
    return importing.of_users(desk, Source(file=file, named=asked["named"], encoding=asked["encoding"]))


def _looking(desk: Desk, asked: Mapping[str, Any], content: bytes) -> Does:
    """Return what looks a file through."""

    async def look(steps: Steps) -> End:
        with TemporaryDirectory(prefix="tokenhouse-") as folder:
            read = await _lines(desk, asked, content, Path(folder))
            found = await importing.survey(desk, asked["name"], read, progress=steps.count, far=steps.set)
        steps.set(found.rows, found.rows)
        return End(Outcome(check=found), "waiting")

    return look


def _writing(desk: Desk, work: Work, content: bytes, outcome: Outcome) -> Does:
    """Return what makes accounts of a file that was looked through, as somebody decided."""
    check, decided = outcome.check, outcome.decided
    assert decided is not None  # noqa: S101 -- nothing is written before

    async def written(connection: Connection, done: Survey) -> None:
        """Write how it ended, and who did it, beside the accounts."""
        ended = await stored.write_halted(
            connection,
            work.id,
            "done",
            desk.clock(),
            done=done.rows,
            total=done.rows,
            outcome=works.encoded(Outcome(check=check, decided=decided, result=done)),
            problem=None,
        )
        if not ended:  # It was called off, or given up for lost: nothing of it may stand.
            raise InvalidInput("import_over", field="id", value=work.id)
        change = audit_trail.drafted(
            desk,
            actor=decided.actor,
            action=f"import.{work.asked['form']}",
            subject=work.asked["name"],
            after={"id": work.id, **{name: getattr(done, name) for name in COUNTS}},
            reason=decided.reason,
        )
        await audit_log.write_audit(connection, change)

    async def write(steps: Steps) -> End:
        try:
            with TemporaryDirectory(prefix="tokenhouse-") as folder:
                read = await _lines(desk, work.asked, content, Path(folder))
                await importing.carry_out(
                    desk, work.asked["name"], read, check, actor=decided.actor, far=steps.set, written=written
                )
        except DatabaseTrouble as trouble:  # It can be carried out again; if it was committed, it has ended.
            log.warning("import %s broke off: %s", work.id, trouble)
            return End(None, "lost")
        return End(None)

    return write


def _shown(work: Work) -> Import:
    """Return a work as an import."""
    outcome = None if work.outcome is None else _outcome.decode(work.outcome)
    state: State = "ready"
    if work.state == "running":
        state = "checking" if outcome is None else "writing"
    elif work.state != "waiting":
        state = work.state
    return Import(
        id=work.id,
        name=work.asked["name"],
        form=work.asked["form"],
        state=state,
        started_at=work.started_at,
        started_by=work.started_by,
        ended_at=work.ended_at,
        rows_total=work.total,
        rows_done=work.done,
        check=None if outcome is None else outcome.check,
        result=None if outcome is None else outcome.result,
        problem=work.problem,
    )


KIND: Final = Kind(
    name="import",
    unknown="import_unknown",
    busy="import_running",
    shown=_shown,
    again=_again,
    kept=timedelta(days=90),
)
