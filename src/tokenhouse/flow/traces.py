"""Traces: records of real traffic, read whole or not at all, each line as one request of one account."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.periods import AT_MAX, AT_MIN, SECOND, Instant, instant
from tokenhouse.rules.usage import TOKENS_MAX, Usage

if TYPE_CHECKING:
    from _csv import Reader

BYTES_MAX: Final = 1 << 30
"""The longest trace that is read, unpacked."""
ACCOUNT_LENGTH_MAX: Final = 120
MODEL_LENGTH_MAX: Final = 200
COUNT_DIGITS_MAX: Final = 12
UNIX_SECONDS: Final = 100_000_000
"""A number of seconds from here on counts from 1970; a smaller one from the beginning of the trace."""
LINES_NAMED: Final = 5
"""Bad lines that an error names; the others it only counts."""
GZIP_MAGIC: Final = b"\x1f\x8b"
ACCOUNT_OF_ALL: Final = "everyone"


class Request(msgspec.Struct, frozen=True, gc=False):
    """One call as it happened: when, whose, which model, and what it used."""

    at: Instant
    account: str
    model: str
    usage: Usage


class Gift(msgspec.Struct, frozen=True, gc=False):
    """Credit that came to an account: bought, given, until when."""

    at: Instant
    account: str
    amount: int
    source: str
    expires_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of one kind of trace. An empty name: such traces do not say it."""

    name: str
    time: str
    account: str
    model: str
    input: str
    output: str
    reasoning: str = ""
    cached: str = ""
    nameless: str = ""
    """Whose a request is that names no account; empty: such a line is bad."""
    stamps_in_utc: bool = False
    """Whether its times are dates without an offset, in UTC."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns without which it is not this layout."""
        names = (self.time, self.account, self.model, self.input, self.output)
        return tuple(name for name in names if name)


LAYOUTS: Final = (
    Layout(
        name="plain",
        time="time",
        account="account",
        model="model",
        input="input",
        output="output",
        reasoning="reasoning",
        cached="cached",
    ),
    Layout(
        name="servegen",
        time="t_s",
        account="client",
        model="model",
        input="input_tokens",
        output="output_tokens",
        reasoning="reasoning_tokens",
    ),
    Layout(
        name="aider",
        time="time_unix",
        account="user_id",
        model="main_model",
        input="prompt_tokens",
        output="completion_tokens",
        nameless=ACCOUNT_OF_ALL,
    ),
    Layout(
        name="azure",
        time="TIMESTAMP",
        account="",
        model="",
        input="ContextTokens",
        output="GeneratedTokens",
        nameless=ACCOUNT_OF_ALL,
        stamps_in_utc=True,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Requests in order of time, and the kind of trace they come from. Never empty.

    A deployment's own history also knows which credit came meanwhile: `gifts`, in order of time.
    """

    name: str
    layout: str
    requests: list[Request]
    gifts: tuple[Gift, ...] = ()

    @cached_property
    def accounts(self) -> list[str]:
        """The accounts, in the order in which they first appear."""
        return list(dict.fromkeys(request.account for request in self.requests))

    @property
    def relative(self) -> bool:
        """Whether its times count from its own beginning instead of being dates."""
        return self.requests[0].at < UNIX_SECONDS * SECOND

    def pooled(self) -> "Trace":
        """Return the trace as if one account had made all requests."""
        return replace(
            self,
            requests=[Request(one.at, ACCOUNT_OF_ALL, one.model, one.usage) for one in self.requests],
            gifts=tuple(msgspec.structs.replace(one, account=ACCOUNT_OF_ALL) for one in self.gifts),
        )

    def scaled(self, factor: Fraction) -> "Trace":
        """Return the trace with every token count times `factor`, rounded up."""

        def times(count: int) -> int:
            return min(-(-count * factor.numerator // factor.denominator), TOKENS_MAX)

        def usage(one: Usage) -> Usage:
            return Usage(*(times(getattr(one, kind)) for kind in Usage.__struct_fields__))

        return replace(
            self,
            requests=[Request(one.at, one.account, one.model, usage(one.usage)) for one in self.requests],
        )


def read_trace(path: Path) -> Trace:
    """Return the trace in a CSV file, plain or gzipped; its header tells which layout it has.

    Raises: InvalidInput `trace_unreadable`, `trace_too_large`, `trace_header`, `trace_lines` (names bad lines
    by number, each with its problem), `trace_empty`. Nothing is half read.
    """
    try:
        data = path.read_bytes()
    except OSError as trouble:
        problem = trouble.strerror or str(trouble)
        raise InvalidInput("trace_unreadable", field="trace", value=str(path), problem=problem) from None
    return parse_trace(data, path.name)


def sample_trace() -> Trace:
    """Return the trace that comes with tokenhouse."""
    data = resources.files("tokenhouse.samples").joinpath("servegen-sample.csv.gz").read_bytes()
    return parse_trace(data, "servegen-sample.csv.gz")


def parse_trace(data: bytes, name: str) -> Trace:
    """Return the trace in `data`; see `read_trace`."""
    rows = csv.reader(io.StringIO(_text(data, name), newline=""), strict=True)
    try:
        header = next(rows, [])
        layout = next((one for one in LAYOUTS if set(one.wanted) <= set(header)), None)
        if layout is None:
            known = "; ".join(",".join(one.wanted) for one in LAYOUTS)
            raise InvalidInput("trace_header", field=name, value=shown(",".join(header))[:120], known=known)
        requests = _requests(rows, _reader(layout, header), name)
    except csv.Error as trouble:
        problem = f"{rows.line_num}: {trouble}"
        raise InvalidInput("trace_lines", field=name, value=1, lines=problem) from None
    if not requests:
        raise InvalidInput("trace_empty", field=name, value=0)
    requests.sort(key=lambda request: request.at)
    return Trace(name=name, layout=layout.name, requests=requests)


def _text(data: bytes, name: str) -> str:
    """Return the text of a file, unpacked; a file that unpacks to more than the limit is not unpacked."""
    if data.startswith(GZIP_MAGIC):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(BYTES_MAX + 1)
        except (OSError, EOFError, zlib.error) as trouble:
            raise InvalidInput("trace_unreadable", field=name, value=name, problem=str(trouble)) from None
    if len(data) > BYTES_MAX:
        raise InvalidInput("trace_too_large", field=name, value=len(data), most=BYTES_MAX)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        line = data.count(b"\n", 0, trouble.start) + 1
        raise InvalidInput("trace_lines", field=name, value=1, lines=f"{line}: not UTF-8") from None


def _requests(rows: "Reader", read: Callable[[list[str]], Request], name: str) -> list[Request]:
    """Return a request for every row that is not blank. Raises: InvalidInput that names the bad ones."""
    requests: list[Request] = []
    bad: list[str] = []
    count = 0
    for row in rows:
        try:
            requests.append(read(row))
        except (ValueError, IndexError, InvalidInput) as trouble:
            if not row:
                continue
            count += 1
            if len(bad) < LINES_NAMED:
                problem = "too few columns" if isinstance(trouble, IndexError) else str(trouble)
                bad.append(f"{rows.line_num}: {problem}")
    if bad:
        more = f"; +{count - len(bad)}" if count > len(bad) else ""
        raise InvalidInput("trace_lines", field=name, value=count, lines="; ".join(bad) + more)
    return requests


def _reader(layout: Layout, header: list[str]) -> Callable[[list[str]], Request]:
    """Return what makes a request of a row. It raises ValueError with the problem, or IndexError."""
    place = {column: nth for nth, column in enumerate(header)}
    time, input_, output = (place[column] for column in (layout.time, layout.input, layout.output))
    account, model, reasoning, cached = (
        place.get(column, -1) for column in (layout.account, layout.model, layout.reasoning, layout.cached)
    )
    width = max(time, input_, output, account, model)
    counts, accounts, models = _Counts(), _Names(ACCOUNT_LENGTH_MAX), _Names(MODEL_LENGTH_MAX)
    models[""] = ""
    clock = _stamp if layout.stamps_in_utc else _time

    def read(row: list[str]) -> Request:
        if len(row) <= width:
            raise IndexError
        tokens_input, tokens_output = counts[row[input_]], counts[row[output]]
        thought = counts[row[reasoning]] if -1 < reasoning < len(row) else 0
        known = counts[row[cached]] if -1 < cached < len(row) else 0
        if thought > tokens_output or known > tokens_input:
            raise ValueError("reasoning above output" if thought > tokens_output else "cached above input")
        return Request(
            clock(row[time]),
            accounts[(row[account] if account >= 0 else "") or layout.nameless],
            models[row[model] if model >= 0 else ""],
            Usage(tokens_input - known, known, 0, 0, tokens_output - thought, thought),
        )

    return read


class _Counts(dict[str, int]):
    """Numbers of tokens by how they are written, each checked once; an empty column is none."""

    def __missing__(self, text: str) -> int:
        """Read a number that was not met before. Raises: ValueError."""
        if text and (not text.isdigit() or len(text) > COUNT_DIGITS_MAX):
            raise ValueError(f"{shown(text)} is no number of tokens")
        self[text] = int(text or 0)
        return self[text]


class _Names(dict[str, str]):
    """Names of accounts or models; each is checked once, and is one object however often it is met."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __missing__(self, text: str) -> str:
        """Check a name that was not met before. Raises: ValueError."""
        if not 0 < len(text) <= self.most or not text.isprintable():
            raise ValueError(f"{shown(text)} is no name of 1 to {self.most} characters")
        self[text] = text
        return text


def _time(text: str) -> Instant:
    """Return the instant of a number of seconds, or of a date with its offset."""
    try:
        seconds = float(text)
    except ValueError:
        return instant(_date(text))
    if not 0 <= seconds * SECOND < AT_MAX:
        raise ValueError(f"{shown(text)} is no time")
    return round(seconds * SECOND)


def _stamp(text: str) -> Instant:
    """Return the instant of a date in UTC without an offset."""
    return instant(_date(text).replace(tzinfo=UTC))


def _date(text: str) -> datetime:
    """Return the date that ISO 8601 text names."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is no time") from None
    if not AT_MIN <= instant(date.replace(tzinfo=UTC)) < AT_MAX:
        raise ValueError(f"{shown(text)} is no time")
    return date
