"""Imports: accounts out of a file: what would change first, and then the change, watched from anywhere."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.requests import ClientDisconnect

from tokenhouse.edges.api.caller import Caller, House, Operator
from tokenhouse.edges.api.marks import BODY_MAX
from tokenhouse.edges.api.shapes import AN_ID, Page, Reason, Shape
from tokenhouse.edges.api.works import Watched
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import checked_text
from tokenhouse.flow.importing import mapping
from tokenhouse.flow.imports import KIND, NAME_MAX, Upload
from tokenhouse.flow.imports import Import as Work
from tokenhouse.flow.sieve import Survey

router = APIRouter(prefix="/api/v1/imports", tags=["imports"])

FILE: Final[dict[str, Any]] = {
    BODY_MAX: "import_bytes_max",
    "requestBody": {
        "required": True,
        "description": "The file as it is: a CSV of users, or a `points.json`.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
}
ImportId = Annotated[str, Path(max_length=36, description="Its id.", examples=[AN_ID])]


class RefusedLine(Shape):
    """A line that cannot be imported, and what to do about it."""

    line: Annotated[int, Field(description="Where it begins in the file; the first line is 1.")]
    column: Annotated[str, Field(examples=["email", "-"])]
    problem: str


class ImportReport(Shape):
    """What an import would change, or has changed, line by line of the file."""

    rows: int
    new: Annotated[int, Field(description="Accounts that were not there; each gets its balance.")]
    changed: Annotated[int, Field(description="Accounts that were there without a balance, and get one.")]
    unchanged: Annotated[int, Field(description="Accounts that are there, and stay as they are.")]
    differing: Annotated[
        int, Field(description="Of those that are there, how many the file describes otherwise.")
    ]
    refused: Annotated[int, Field(description="Lines that cannot be imported.")]
    lines: Annotated[list[RefusedLine], Field(description="The first 1,000 of them. Not in the list.")]


class Import(Shape):
    """An import: how far it is, what it would change, and what it did."""

    id: str
    name: str
    form: Literal["users", "points"]
    state: Annotated[
        Literal["checking", "ready", "writing", "done", "failed", "cancelled", "lost"],
        Field(
            description="Ready: looked through, and waits for a day to be carried out. Done: all of it is "
            "written. With any other nothing is. Failed: `problem` says why. Lost: it broke off; what was "
            "looked through can be carried out again."
        ),
    ]
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    rows_total: Annotated[int, Field(description="0 while the file is still being read.")]
    rows_done: int
    check: Annotated[ImportReport | None, Field(description="What would change.")]
    result: Annotated[ImportReport | None, Field(description="What did.")]
    problem: str


class CarryOut(Shape):
    """That an import is to be carried out."""

    leave_out: Annotated[bool, Field(description="Without the lines that cannot be imported.")] = False
    reason: Reason


@router.post("", status_code=202, openapi_extra=FILE)
async def start_import(
    request: Request,
    caller: Operator,
    house: House,
    name: Annotated[str, Query(max_length=200, description="What the file is called.")] = "",
    form: Annotated[
        Literal["users", "points"] | None, Query(description="Null: JSON holds points, all else users.")
    ] = None,
    plan: Annotated[
        str | None, Query(max_length=63, description="Of people with points; null: the deployment's.")
    ] = None,
    column: Annotated[
        list[Annotated[str, Field(max_length=1_000)]],
        Query(description="What the file calls a column, and what it is.", examples=[["userId=ref"]]),
    ] = [],  # noqa: B006 -- the framework copies it
    encoding: Annotated[str | None, Query(max_length=40, description="Null: it is found out.")] = None,
) -> Import:
    """Take a file of accounts and begin to look through it; nothing is changed. Read on under its id.

    The body is the file, whatever its content type says. What would change stands in `check` when it is
    `ready`: then it can be carried out. One runs at a time; while it does, this answers 409.
    """
    content = bytearray()
    try:
        async for part in request.stream():
            content += part
    except ClientDisconnect:
        raise InvalidInput("import_unreadable", field="body", value=name, problem="it ended early") from None
    upload = Upload(
        content=bytes(content),
        name=name,
        form=form,
        plan=plan,
        named=mapping(column, "column"),
        encoding=encoding,
    )
    subject = checked_text(name, "name", most=NAME_MAX) or "-"
    with caller.changing(house, "import.start", subject, lambda work: {"id": work}):
        return shown(await house.start_import(upload, actor=caller.actor), caller)


@router.post("/{import_id}/carry-out", status_code=202)
async def carry_out_import(import_id: ImportId, asked: CarryOut, caller: Operator, house: House) -> Import:
    """Begin to write what was looked through: all of it, or none, whatever happens meanwhile.

    Accounts that are there stay as they are: imported twice, a file changes nothing the second time.
    """
    begun = await house.carry_out_import(
        import_id, leave_out=asked.leave_out, reason=asked.reason, actor=caller.actor
    )
    return shown(begun, caller)


def shown(work: Work, caller: Caller, *, lines: bool = True) -> Import:
    """Return an import as the API says it."""
    other = ("check", "result", "problem")
    return Import(
        **{name: getattr(work, name) for name in Import.model_fields if name not in other},
        check=None if work.check is None else _report(work.check, caller, lines=lines),
        result=None if work.result is None else _report(work.result, caller, lines=lines),
        problem="" if work.problem is None else work.problem.message(caller.locale),
    )


def _report(found: Survey, caller: Caller, *, lines: bool) -> ImportReport:
    return ImportReport(
        **{name: getattr(found, name) for name in ImportReport.model_fields if name != "lines"},
        lines=[
            RefusedLine(line=one.line, column=one.column, problem=one.problem.message(caller.locale))
            for one in (found.lines if lines else ())
        ],
    )


ROUTES: Final = Watched(
    kind=KIND,
    one="import",
    many="imports",
    parameter="import_id",
    shape=Import,
    listed=Page[Import],
    shown=lambda work, caller, whole: shown(work, caller, lines=whole),
)
ROUTES.watch(router)
ROUTES.call_off(router, subject=lambda work: work.name)
