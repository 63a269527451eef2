"""Ledger scripts: little texts that drive the house, or the rules alone, and claim what comes of each line.

    plan free {allowance = [{amount = 100, every = "month"}]}
    account alice plan free
    reserve r1 30     -> ok  available 70  held 30
    settle  r1 12     -> ok  available 88
    reserve r2 200    -> refused insufficient_credit  short 112
    tick 15m, upkeep  -> lapsed 0

A line is one command, or several behind commas; a claim names some facts of the last one's answer. Every
write has a label, which is also its idempotency key: the same line again is a repeat. `bob: …` speaks of
another account than the one opened last.
"""

import re
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.terms import preset
from tokenhouse.rules.usage import Usage

SCRIPTS = Path(__file__).parent / "scripts"
START = datetime(2026, 11, 21, 3, tzinfo=UTC)
"""When a script begins: noon in Seoul."""
OPTIONS = frozenset(
    {
        *(
            "plan",
            "state",
            "below",
            "own",
            "zone",
            "grant",
            "of",
            "least",
            "tokens",
            "usage",
            "model",
            "api_key",
        ),
        *("lapse_charge", "source", "priority", "ends"),
    }
)
LENGTHS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Facts = dict[str, Any]


@dataclass(frozen=True)
class Command:
    """One command: whose, what, its words, and its options by name."""

    verb: str
    words: tuple[str, ...] = ()
    options: dict[str, str] | None = None
    account: str = ""

    def get(self, name: str, default: str = "") -> str:
        """Return an option's value."""
        return (self.options or {}).get(name, default)

    def number(self, name: str, default: int = 0) -> int:
        """Return an option's value as a whole number."""
        return whole(self.get(name, str(default)))

    @property
    def label(self) -> str:
        """Return the name that the script gives to the write."""
        return self.words[0]

    @property
    def amount(self) -> int:
        """Return the amount that follows the label."""
        return whole(self.words[1])

    def __str__(self) -> str:
        """Return the command as a script has it."""
        options = " ".join(f"{name} {value}" for name, value in (self.options or {}).items())
        return (
            f"{f'{self.account}: ' * bool(self.account)}{self.verb} {' '.join(self.words)} {options}".strip()
        )


@dataclass(frozen=True)
class Line:
    """One line: its commands, and what it claims of the last one's answer."""

    number: int
    text: str
    commands: tuple[Command, ...]
    claim: dict[str, str]


def whole(text: str) -> int:
    """Return a number that may have commas."""
    return int(text.replace(",", ""))


def parse_command(text: str) -> Command:
    """Return the command that `text` is."""
    account, colon, rest = text.partition(": ")
    account, text = (account.strip(), rest) if colon and " " not in account.strip() else ("", text.strip())
    if text.startswith("plan "):
        name, _, document = text.removeprefix("plan ").strip().partition(" ")
        return Command("plan", (name, document.strip() or "{}"))
    verb, *words = text.split()
    first = next((nth for nth, word in enumerate(words) if word in OPTIONS), len(words))
    options = dict(zip(words[first::2], words[first + 1 :: 2], strict=True))
    return Command(verb, tuple(words[:first]), options, account)


def parse_claim(text: str) -> dict[str, str]:
    """Return the facts that a claim names; its first words, if any, are the outcome."""
    words = text.split()
    outcomes = {"ok": 1, "replay": 1, "refused": 2, "unknown": 1, "mismatch": 1}
    length = outcomes.get(words[0], 0) if words else 0
    claim = {"outcome": " ".join(words[:length])} if length else {}
    return claim | dict(zip(words[length::2], words[length + 1 :: 2], strict=True))


def parse_script(text: str) -> list[Line]:
    """Return the lines of a script; those that are empty, and what follows a #, say nothing."""
    lines = []
    for number, raw in enumerate(text.splitlines(), 1):
        bare = re.sub(r"(^|\s)#.*", "", raw).strip()
        if not bare:
            continue
        said, _, claim = bare.partition("->")
        parts = [said] if said.startswith("plan ") else re.split(r",\s+", said)
        commands = tuple(parse_command(part) for part in parts)
        lines.append(Line(number, bare, commands, parse_claim(claim.strip())))
    return lines


class Runner(ABC):
    """What carries out a script's commands and answers each with facts."""

    verbs: ClassVar[tuple[str, ...]] = (
        *("plan", "account", "reserve", "settle", "release", "charge", "grant", "claw_back", "refund"),
        *("adjust", "amend", "order", "complete", "fail", "return_order", "upkeep", "show", "crash", "cut"),
    )

    def __init__(self) -> None:
        self.now = START
        self.current = ""

    async def answer(self, command: Command) -> Facts:
        """Carry out one command and return the facts of its answer."""
        if command.verb == "tick":
            [(sign, number, unit)] = re.findall(r"^(-?)(\d+)([smhd])$", command.words[0])
            self.now += timedelta(seconds=int(number) * LENGTHS[unit] * (-1 if sign else 1))
            return {}
        if command.verb == "at":
            zone = ZoneInfo(command.words[2] if len(command.words) > 2 else "UTC")
            at = datetime.fromisoformat(" ".join(command.words[:2])).replace(tzinfo=zone)
            self.now = at.astimezone(UTC)
            return {}
        assert command.verb in self.verbs, f"no such command: {command}"
        if command.verb == "account":
            self.current = command.label
        account = command.account or self.current
        facts = getattr(self, command.verb)(account, command)
        return await facts if isinstance(facts, Awaitable) else facts

    def crash(self, _account: str, _command: Command) -> Any:
        """Fall and come back; what has no process has nothing to lose."""
        return {}

    def cut(self, _account: str, _command: Command) -> Any:
        """Let the next command be cut short by a crash, so many milliseconds after it began, and repeated."""
        return {}

    @abstractmethod
    def account(self, account: str, command: Command) -> Any:
        """Open an account."""


async def run_script(runner: Runner, text: str) -> None:
    """Carry out a script, and hold every claim against its answer."""
    for line in parse_script(text):
        facts: Facts = {}
        for command in line.commands:
            facts = await runner.answer(command)
        said = {name: str(facts.get(name)) for name in line.claim}
        claimed = {n: v if n in {"level", "until"} else v.replace(",", "") for n, v in line.claim.items()}
        assert said == claimed, f"line {line.number}: {line.text}\n  claimed {claimed}\n  was {facts}"


def plan_document(command: Command) -> dict[str, Any]:
    """Return the document of a `plan` command: a preset's, or the one it writes."""
    name, text = command.words
    if text == "{}":
        with suppress(InvalidInput):
            return preset(name)
    document: dict[str, Any] = tomllib.loads(f"x = {text}", parse_float=Decimal)["x"]
    return {"name": name, **document}


def standing(seen: BalanceView) -> Facts:
    """Return where an account stands, in a script's words."""
    return {
        "available": seen.available,
        "spendable": seen.spendable,
        "remaining": seen.remaining,
        "held": seen.held,
        "debt": seen.debt,
        "used": seen.used,
        "turns": seen.turns,
        "bought": seen.bought,
        "bought_left": seen.bought_left,
        "charged": seen.charged,
        "percent": f"{seen.used_percent:.2f}",
        "level": seen.level,
        "estimated": seen.estimated_turns,
        "ends": until(seen.period_end_at),
    }


def until(at: datetime | None) -> str:
    """Return a moment as scripts write it."""
    return f"{at:%Y-%m-%dT%H:%MZ}" if at is not None else "never"


def done(answer: Any) -> Facts:
    """Return what an operation moved; a receipt of the house and an outcome of the rules say the same."""
    return {
        "outcome": "replay" if answer.replayed else "ok",
        "amount": answer.amount,
        "uncovered": answer.uncovered,
        "written_off": answer.written_off,
        "late": answer.late or "no",
    }


def usage_of(command: Command) -> Usage:
    """Return the usage "16+33": input and output tokens."""
    given, _, out = command.get("usage").partition("+")
    return Usage(input=whole(given), output=whole(out or "0"))


def ends_of(command: Command) -> datetime | None:
    """Return when the lot of a grant ends."""
    ends = command.get("ends")
    return datetime.fromisoformat(ends).replace(tzinfo=UTC) if ends else None
