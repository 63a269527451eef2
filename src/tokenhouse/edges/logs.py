"""Logs: one line for each start, stop, trouble and request, for people or for programs, and never a secret.

Everybody logs by the standard library; structlog writes what comes of it, with the id of the request that it
belongs to.
"""

import asyncio
import logging
import re
import sys
import time
from collections.abc import MutableMapping
from contextlib import nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

import msgspec
import structlog

from tokenhouse.edges.requests import FACTS, request_id

if TYPE_CHECKING:
    from structlog.typing import Processor

Event = MutableMapping[str, Any]
Form = Literal["text", "json"]

SECRETS: Final = re.compile(
    r"(?P<shown>\bth_[A-Za-z0-9_-]{8})[A-Za-z0-9_-]{8,}"
    r"|(?P<kind>\b(?:whsec_|sk-|sk_live_|sk_test_|rk_live_|(?i:bearer|basic)\s+))[A-Za-z0-9+/=._~-]{8,}"
    r"|(?P<jwt>\beyJ)[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|(?P<service>\b(?!(?:https?|wss?|postgres(?:ql)?|rediss?|valkeys?|unix|amqps?|smtps?|file)://)"
    r"[a-z][a-z0-9+.-]*://)[^\s\"']+"
    r"|(?P<place>\b[a-z][a-z0-9+.-]*://[^\s:/@\"']*:)(?!\d{1,5}(?:[/?#,\s\"']|$))[^\s\"']+(?=@)"
    r"|(?P<hook>\b(?:hooks\.slack\.com/|discord(?:app)?\.com/api/webhooks/|api\.telegram\.org/bot))[^\s\"']+"
    r"|(?P<named>(?i:(?:password|passwd|passphrase|\bpwd|secret|api_?key|(?:\b|_)token)"
    r"(?:\s*=\s*|\\?[\"']?:\s*(?=[\"'\\]))))"
    r"(?:\\?\"[^\"\\]*|'(?:[^'\\]|\\+.)*'?|[^\s&,;)}\"']+)"
)
"""What looks like a key, a token, a password in an address, or one that is said by its name; what is before
it may be seen. Of the addresses by which messages reach services nothing else may."""
HINTS: Final = (
    *("th_", "whsec_", "sk-", "sk_", "rk_", "bearer", "basic", "eyj", "://", "hooks.", "/webhooks/", "/bot"),
    *("password", "passwd", "passphrase", "pwd", "secret", "apikey", "api_key"),
    *("token=", "token =", 'token"', "token'", "token:"),
)
"""Without any of these in it, in lower case, a line holds nothing of that, and is not searched."""
BREAKS: Final = str.maketrans({"\n": "\\n", "\r": "\\r", "\x1b": "\\e"})
"""What would begin a line of its own, or speak to a terminal, inside a line of ours."""
OTHERS: Final = ("color_message", "taskName")
"""What libraries and the standard library hang on a record for their own use."""
LATER_S: Final = 0.2
"""How long the line of a request may wait for others."""

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


def log_to_stderr(level: str, form: Form, out: TextIO | None = None) -> None:
    """Write what is logged on stderr, from `level` up, in UTC: `form` is for people or for programs.

    What uvicorn says of its own progress is said by us, so of it only troubles are written.
    """
    logging.logThreads = logging.logMultiprocessing = False  # No line names them, and each would ask.
    handler = Together(out or sys.stderr)
    handler.setFormatter(_formatter(form))
    root = logging.getLogger()
    for known in root.handlers[:]:
        root.removeHandler(known)
        known.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    quiet = logging.DEBUG if level == "debug" else logging.WARNING
    logging.getLogger("uvicorn").setLevel(max(quiet, logging.getLevelName(level.upper())))


class Together(logging.StreamHandler[TextIO]):
    """Writes the lines of requests a few at a time, for each write wakes whoever reads; others at once.

    Only within an event loop, and never later than `LATER_S`. A process that is killed loses those.
    """

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self._waiting: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or have it wait."""
        if not hasattr(record, FACTS):
            self.flush()
            super().emit(record)
            return
        self._waiting.append(self.format(record) + self.terminator)
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_later(LATER_S, self.flush)
            except RuntimeError:
                self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self.lock or nullcontext():
            lines, self._waiting = self._waiting, []
            if lines and not self.stream.closed:
                self.stream.write("".join(lines))
        super().flush()


def _formatter(form: Form) -> logging.Formatter:
    """Return what makes a line of a record."""
    render: Processor = _as_json if form == "json" else _as_text
    return _Line(
        render,
        foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
        processors=[_facts, structlog.processors.format_exc_info, render],
    )


class _Line(structlog.stdlib.ProcessorFormatter):
    """Writes a line without what would open something.

    The line of a request, of which each pays for one, is made without the way through all processors.
    """

    def __init__(self, render: "Processor", **more: Any) -> None:
        super().__init__(**more)
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        facts = getattr(record, FACTS, None)
        if facts is None:
            line = super().format(record)
        else:
            line = str(self._render(None, "", {**_head(record, record.getMessage()), **facts}))
        lower = line.lower()
        return SECRETS.sub(_mask, line) if any(hint in lower for hint in HINTS) else line


def _facts(_: Any, __: str, event: Event) -> Event:
    """Say when it was, how grave, who says so, and for which request."""
    record: logging.LogRecord = event.pop("_record")
    del event["_from_structlog"]
    for name in OTHERS:
        event.pop(name, None)
    return {**_head(record, event.pop("event")), **event}


def _head(record: logging.LogRecord, said: str) -> dict[str, Any]:
    """Return what every line begins with."""
    second = int(record.created)
    told = {
        "time": f"{_second(second)}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "process": record.process,
        "event": said,
    }
    if id_ := request_id.get():
        told["request_id"] = id_
    return told


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    """Return a second of UTC as text; many lines share one."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _as_json(_: Any, __: str, event: Event) -> str:
    """Return a line for programs."""
    return _encode(event).decode()


def _as_text(_: Any, __: str, event: Event) -> str:
    """Return a line for people: what happened, and after it whatever else is known."""
    trace = event.pop("exception", None)
    time_, level, logger, process, said = (
        event.pop(name) for name in ("time", "level", "logger", "process", "event")
    )
    facts = "".join(f" {name}={value}" for name, value in event.items())
    line = f"{time_} {level.upper():<7} {logger}[{process}] {said}{facts}"
    if not line.isprintable():
        line = line.translate(BREAKS)
    return f"{line}\n{trace}" if trace else line


def _mask(found: re.Match[str]) -> str:
    """Return what may be seen of a secret: what stands before it."""
    return f"{found[found.lastgroup or 0]}***"
