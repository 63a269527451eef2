"""Points: the `points.json` of the point system, person by person, each history held against its own sums."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.tables import CHUNK_BYTES, Wrong, encoding_of, invalid_line, refused
from tokenhouse.rules.amounts import AMOUNT_MAX, shown
from tokenhouse.rules.usage import TOKENS_MAX, Usage

SOURCES: Final = {"signup_bonus": "signup", "purchase": "purchase"}
"""What a line that adds points is called here; any other is a bonus."""
PERSON_BYTES_MAX: Final = 64 << 20
"""The longest history of one person that is read."""


class Move(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing of an account's past: credit that came (kind: its source), or a charge."""

    kind: str
    amount: int
    turns: int = 1
    usage: Usage | None = None
    note: str = ""
    facts: dict[str, Any] = {}


class TokenDetails(msgspec.Struct, frozen=True):
    """The tokens of one chat, as the file has them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int | None = None


class Record(msgspec.Struct, frozen=True):
    """One line of a history, as the file has it."""

    type: str
    amount: int
    timestamp: str
    balance_after: int
    description: str = ""
    token_details: TokenDetails | None = None


class Account(msgspec.Struct, frozen=True):
    """One person, as the file has it."""

    current_points: int
    total_earned: int
    total_spent: int
    history: list[Record]
    user_id: str = ""
    email: str = ""
    last_updated: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person whose sums agree: where it stands in the file, and its past."""

    line: int
    ref: str
    email: str
    tags: dict[str, str] | None
    created_at: datetime
    moves: list[Move]


def read(file: Path, wrong: Wrong = refused) -> Iterator[Person]:
    """Yield every person of the file; only one at a time is in memory.

    `wrong` hears of a person who is not written as a person is, or whose history does not add up.

    Raises: InvalidInput that names the line, for what is no such file.
    """
    for line, ref, document in _members(file):
        try:
            found = _account(file.name, line, ref, document)
        except InvalidInput as problem:
            wrong(problem)
            continue
        yield Person(
            line=line,
            ref=ref,
            email=found.email or ref,
            tags={"user_id": found.user_id} if found.user_id else None,
            created_at=_created_at(found),
            moves=[_move(record) for record in found.history],
        )


def _account(file: str, line: int, ref: str, document: Any) -> Account:
    """Return a person as the file has it. Raises: InvalidInput that names line, person and field."""
    try:
        found = msgspec.convert(document, Account)
    except msgspec.ValidationError as trouble:
        problem, _, field = str(trouble).partition(" - at ")
        wrong = InvalidInput("import_json", field=field, value="", problem=problem)
        raise invalid_line(file, line, f"{ref[:60]}{field.strip('`').lstrip('$')}", wrong) from None
    _refuse_wrong_sums(file, line, ref, found)
    return found


def _refuse_wrong_sums(file: str, line: int, ref: str, found: Account) -> None:
    """Raise when a history does not add up: balance after each line, points now, earned and spent."""

    def agree(field: str, expected: int, stated: int) -> None:
        if expected != stated:
            problem = InvalidInput("import_sum", field=field, value=stated, expected=expected)
            raise invalid_line(file, line, f"{ref[:60]}.{field}", problem)

    balance = 0
    for nth, record in enumerate(found.history):
        if not -AMOUNT_MAX <= record.amount <= AMOUNT_MAX:
            problem = InvalidInput(
                "import_count", field="amount", value=shown(record.amount), most=AMOUNT_MAX
            )
            raise invalid_line(file, line, f"{ref[:60]}.history[{nth}].amount", problem)
        balance += record.amount
        agree(f"history[{nth}].balance_after", balance, record.balance_after)
        details = record.token_details
        for count in (details.prompt_tokens, details.completion_tokens) if details else ():
            if not 0 <= count <= TOKENS_MAX:
                problem = InvalidInput("usage_count", field="token_details", value=count, most=TOKENS_MAX)
                raise invalid_line(file, line, f"{ref[:60]}.history[{nth}].token_details", problem)
    agree("current_points", balance, found.current_points)
    agree("total_earned", sum(one.amount for one in found.history if one.amount > 0), found.total_earned)
    agree("total_spent", -sum(one.amount for one in found.history if one.amount < 0), found.total_spent)


def _move(record: Record) -> Move:
    """Return one line of history as a move; its own time, type and balance stand in the facts."""
    facts: dict[str, Any] = {
        "type": record.type,
        "timestamp": record.timestamp,
        "balance_after": record.balance_after,
    }
    if record.amount > 0:
        kind = SOURCES.get(record.type, "bonus")
        return Move(kind=kind, amount=record.amount, note=record.description[:1_000], facts=facts)
    details = record.token_details
    usage = None
    if details is not None:
        usage = Usage(input=details.prompt_tokens, output=details.completion_tokens)
        if details.total_tokens not in (None, usage.total):
            facts["total_tokens"] = details.total_tokens
    return Move(
        kind="charge", amount=-record.amount, usage=usage, note=record.description[:1_000], facts=facts
    )


def _created_at(found: Account) -> datetime:
    """Return when a person came: at the first line of the history, taken as UTC where it names no offset."""
    try:
        first = datetime.fromisoformat(found.history[0].timestamp if found.history else found.last_updated)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return first if first.tzinfo else first.replace(tzinfo=UTC)


def _members(file: Path) -> Iterator[tuple[int, str, Any]]:
    """Yield (line, name, value) of each member of the file's one object, read piece by piece."""
    encoding = encoding_of(file)
    with file.open(encoding=encoding) as text:
        source = _Source(file.name, text.read)
        source.expect("{")
        if source.peek() == "}":
            return
        while True:
            line, name = source.line, source.value()
            if not isinstance(name, str):
                raise source.wrong("a name in quotes is expected")
            source.expect(":")
            yield line, name, source.value()
            if source.peek() != ",":
                break
            source.expect(",")
            source.peek()
        source.expect("}")
        if source.peek():
            raise source.wrong("there is more after the end")


class _Source:
    """JSON text that is read as far as it is needed, and dropped as it is used."""

    _space: Final = re.compile(r"[ \t\r\n]*")
    _decoder: Final = json.JSONDecoder()

    def __init__(self, file: str, read: Any) -> None:
        self._file, self._read, self._text, self.line = file, read, "", 1

    def peek(self) -> str:
        """Return the next character that is no white space; nothing at the end."""
        while True:
            space = self._space.match(self._text)
            self._drop(space.end() if space else 0)
            if self._text:
                return self._text[0]
            more = self._read(CHUNK_BYTES)
            if not more:
                return ""
            self._text = more

    def expect(self, mark: str) -> None:
        """Take one mark. Raises: InvalidInput where another stands."""
        if self.peek() != mark:
            raise self.wrong(f"{mark} is expected")
        self._drop(1)

    def value(self) -> Any:
        """Take one whole value."""
        self.peek()
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text)
            except (json.JSONDecodeError, RecursionError) as trouble:
                more = self._read(max(CHUNK_BYTES, len(self._text)))
                if not more or len(self._text) > PERSON_BYTES_MAX:
                    raise self.wrong(getattr(trouble, "msg", "nested too deep")) from None
                self._text += more
            else:
                self._drop(end)
                return found

    def wrong(self, problem: str) -> InvalidInput:
        """Return the error of text that is not what it should be."""
        return invalid_line(
            self._file, self.line, "-", InvalidInput("import_json", field="", value="", problem=problem)
        )

    def _drop(self, end: int) -> None:
        self.line += self._text.count("\n", 0, end)
        self._text = self._text[end:]
