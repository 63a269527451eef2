"""Logs: one line for each start, stop, trouble and request, for people or for programs, and never a secret.

Everybody logs by the standard library; structlog writes what comes of it, with the id of the request that it
belongs to.
"""

import logging
import re
import sys
import time
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

import structlog

from tokenhouse.edges.requests import request_id

if TYPE_CHECKING:
    from structlog.typing import Processor

Event = MutableMapping[str, Any]
Form = Literal["text", "json"]

SECRETS: Final = re.compile(
    r"(?P<shown>\bth_[A-Za-z0-9_-]{8})[A-Za-z0-9_-]{8,}"
    r"|(?P<kind>\b(?:whsec_|sk-|sk_live_|sk_test_|rk_live_|(?i:bearer)\s+))[A-Za-z0-9+/=._~-]{8,}"
    r"|(?P<place>\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/@]+@"
)
"""What looks like a key, a token or a password in an address; what is before it may be seen."""
BREAKS: Final = str.maketrans({"\n": "\\n", "\r": "\\r", "\x1b": "\\e"})
"""What would begin a line of its own, or speak to a terminal, inside a line of ours."""
OTHERS: Final = ("color_message", "taskName")
"""What libraries and the standard library hang on a record for their own use."""


def log_to_stderr(level: str, form: Form, out: TextIO | None = None) -> None:
    """Write what is logged on stderr, from `level` up, in UTC: `form` is for people or for programs.

    What uvicorn says of its own progress is said by us, so of it only troubles are written.
    """
    handler = logging.StreamHandler(out or sys.stderr)
    handler.setFormatter(_formatter(form))
    root = logging.getLogger()
    for known in root.handlers[:]:
        root.removeHandler(known)
        known.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    quiet = logging.DEBUG if level == "debug" else logging.WARNING
    logging.getLogger("uvicorn").setLevel(max(quiet, logging.getLevelName(level.upper())))


def _formatter(form: Form) -> logging.Formatter:
    """Return what makes a line of a record."""
    render: Processor = _as_text
    if form == "json":
        render = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return _Masked(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
        processors=[_facts, structlog.processors.format_exc_info, render],
    )


class _Masked(structlog.stdlib.ProcessorFormatter):
    """Writes a line without what would open something."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return SECRETS.sub(_mask, super().format(record))


def _facts(_: Any, __: str, event: Event) -> Event:
    """Say when it was, how grave, who says so, and for which request."""
    record: logging.LogRecord = event.pop("_record")
    del event["_from_structlog"]
    for name in OTHERS:
        event.pop(name, None)
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    told = {
        "time": f"{seconds}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "process": record.process,
        "event": event.pop("event"),
    }
    if id_ := request_id.get():
        told["request_id"] = id_
    return {**told, **event}


def _as_text(_: Any, __: str, event: Event) -> str:
    """Return a line for people: what happened, and after it whatever else is known."""
    trace = event.pop("exception", None)
    time_, level, logger, process, said = (
        event.pop(name) for name in ("time", "level", "logger", "process", "event")
    )
    facts = "".join(f" {name}={value}" for name, value in event.items())
    line = f"{time_} {level.upper():<7} {logger}[{process}] {said}{facts}".translate(BREAKS)
    return f"{line}\n{trace}" if trace else line


def _mask(found: re.Match[str]) -> str:
    """Return what may be seen of a secret."""
    if found["place"] is not None:
        return f"{found['place']}:***@"
    return f"{found['shown'] or found['kind']}***"
