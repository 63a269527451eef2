"""The terminal: to whom a command speaks, a person or a program, and in which language."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from tokenhouse import messages
from tokenhouse.errors import StartRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from rich.console import Console, RenderableType
    from rich.table import Table

    from tokenhouse.house import Clock, Tokenhouse
    from tokenhouse.rules.amounts import Unit
    from tokenhouse.settings import Settings

T = TypeVar("T")

FLAGS: Final = ("json", "quiet", "debug")
"""Shared options that are no settings; each is also TOKENHOUSE_<NAME> in the environment."""
LINE_EVERY_S: Final = 5.0
"""How often progress is told where there is no terminal to draw a bar on."""
UNBOUNDED: Final = 10_000
"""Width of what goes into a file or a pipe: nothing is folded there."""
TEXT_WIDTH: Final = 8
"""To what width a column of text may be folded to make room for figures."""
NOTHING: Final = "–"  # noqa: RUF001 -- what stands in a cell without a value


class Terminal:
    """What a command is given: settings, language, and ways to say something.

    `given` holds the shared options of the command line; they go before the environment.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.given: dict[str, object] = {}
        self._clock = clock
        self._answered = False

    @property
    def json(self) -> bool:
        """Whether a program reads: one JSON document on stdout, and nothing else there."""
        return self._flag("json")

    @property
    def quiet(self) -> bool:
        """Whether remarks and progress are unwanted."""
        return self._flag("quiet")

    @property
    def debug(self) -> bool:
        """Whether a fault shows where it happened."""
        return self._flag("debug")

    @cached_property
    def clock(self) -> Clock:
        """Return the clock of the house: this machine's, unless a test brought another."""
        from tokenhouse.house import system_clock

        return self._clock or system_clock

    @cached_property
    def settings(self) -> Settings:
        """Return the settings in force: command line, environment, `tokenhouse.toml`, defaults."""
        from tokenhouse.settings import PREFIX, read

        ours = {f"{PREFIX}{name.upper()}" for name in FLAGS}
        surroundings = {name: value for name, value in os.environ.items() if name not in ours}
        chosen = {
            f"{PREFIX}{name.upper()}": str(value) for name, value in self.given.items() if name not in FLAGS
        }
        return read(surroundings | chosen)

    @property
    def command(self) -> str:
        """Return how this program is called again from here, for hints that work as they are printed."""
        from tokenhouse.settings import Settings

        called = Path(sys.argv[0])
        name = called.name if shutil.which(called.name) else _from_here(called)
        home = self.settings.folder
        return name if home == Settings().folder else f"{name} --home {_from_here(home)}"

    @cached_property
    def locale(self) -> str:
        """Return the reader's language, also where the settings cannot be read."""
        try:
            return self.settings.locale
        except StartRefused:
            return str(self.given.get("locale") or os.environ.get("TOKENHOUSE_LOCALE") or "en")

    @cached_property
    def actor(self) -> str:
        """Who runs this command, as journal and audit log say it: `--actor`, else this machine's user."""
        import getpass

        try:
            return f"cli:{getpass.getuser()}"
        except (ImportError, KeyError, OSError):  # A container may run as a user that has no name.
            return "cli"

    def with_house(self, work: Callable[[Tokenhouse], Awaitable[T]], *, whole: bool = False) -> T:
        """Open the house, run `work` on it, close it, and return what the work returned.

        What a `whole` work writes, its record in the audit log as well, is written at once or not at all.
        """
        from contextlib import nullcontext

        from tokenhouse.flow.audit_trail import at_once
        from tokenhouse.house import Tokenhouse

        async def run() -> T:
            async with (
                Tokenhouse.open(settings=self.settings, clock=self.clock) as house,
                at_once(house.desk) if whole else nullcontext(),
            ):
                return await work(house)

        return self.run(run)

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run asynchronous work on the fastest loop there is. Ctrl-C ends it in order."""
        import asyncio

        async def awaited() -> T:
            return await work()

        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(awaited())

    async def record(
        self,
        house: Tokenhouse,
        action: str,
        subject: str,
        *,
        before: Any = None,
        after: Any = None,
        reason: str = "",
    ) -> None:
        """Append a change that this command made to the audit log, as the REST API does of its callers."""
        await house.record(action, subject, actor=self.actor, before=before, after=after, reason=reason)

    def changing(
        self, house: Tokenhouse, action: str, subject: str, told: Callable[[Any], Any]
    ) -> AbstractContextManager[None]:
        """Have the first change that this command makes within recorded by what makes it; a repeat is not.

        `told` says of what was made how it is now.
        """
        from tokenhouse.flow.audit_trail import with_record

        return with_record(house.desk, told, actor=self.actor, action=action, subject=subject)

    def say(self, name: str, /, **facts: Any) -> str:
        """Return a sentence in the reader's language."""
        return messages.say(name, self.locale, **facts)

    def show(self, *parts: str | RenderableType) -> None:
        """Show a result to a person, one part below the other; a program gets its `answer` instead.

        What is drawn stands apart from its neighbours by an empty line.
        """
        if self.json:
            return
        for part, before in zip(parts, (None, *parts), strict=False):
            texts = isinstance(part, str) and isinstance(before, str)
            if before is not None and not texts and "" not in (part, before):
                click.echo()
            click.echo(printable(part) if isinstance(part, str) else self._drawn(part))

    def remark(self, text: str) -> None:
        """Say something beside the result, on one line of stderr."""
        if not self.quiet:
            click.echo(text, err=True)

    def answer(self, value: Any) -> None:
        """Give a program its one document; without --json nothing happens."""
        if self.json and not self._answered:
            self._answered = True
            click.echo(encoded(value))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> Table:
        """Return a table. What stands in a column ">name" (right) or "<name" (left) stays on one line.

        Other columns give way first where a terminal is narrow; where they cannot give enough, the terminal
        folds the lines. Nothing is ever cut.
        """
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            title=Text(title, style="bold") if title else None,
            title_justify="left",
            min_width=self._room(title),
        )
        for column in columns:
            table.add_column(
                Text(column.lstrip("<>")),
                justify="right" if column.startswith(">") else "left",
                no_wrap=column.startswith(("<", ">")),
                overflow="fold",
            )
        for row in rows:
            table.add_row(*(value if isinstance(value, Text) else Text(self.cell(value)) for value in row))
        return table

    def figures(self, pairs: Iterable[tuple[str, object]], title: str = "") -> Table:
        """Return names and values below each other."""
        from rich.table import Table
        from rich.text import Text

        table = Table(
            box=None,
            show_header=False,
            pad_edge=False,
            padding=(0, 2, 0, 0),
            title=Text(title, style="bold") if title else None,
            title_justify="left",
            min_width=self._room(title),
        )
        table.add_column(overflow="fold")
        table.add_column(overflow="fold")
        for name, value in pairs:
            table.add_row(
                Text(name, style="dim"), value if isinstance(value, Text) else Text(self.cell(value))
            )
        return table

    def cell(self, value: object) -> str:
        """Return a value as it stands in a table."""
        if value is None or value == "":
            return NOTHING
        if isinstance(value, bool):
            return self.say("cli.yes" if value else "cli.no")
        if isinstance(value, int):
            return f"{value:,}"
        if isinstance(value, datetime):
            return self.time(value)
        return printable(str(value))

    def amount(self, amount: int, unit: Unit) -> str:
        """Return an amount in whole units, as people write it."""
        from tokenhouse.rules.amounts import show

        return show(amount, unit)

    def named(self, amount: int, unit: Unit) -> str:
        """Return an amount with its unit, as people say it."""
        from tokenhouse.rules.amounts import named

        return named(amount, unit, self.locale)

    def time(self, at: datetime, *, offset: bool = True) -> str:
        """Return a time in the deployment's zone, to the second; no offset where the zone is named."""
        from zoneinfo import ZoneInfo

        local = at.astimezone(ZoneInfo(self.settings.time_zone))
        return (local if offset else local.replace(tzinfo=None)).isoformat(" ", "seconds")

    @contextmanager
    def progress(self, total: int | None, label: str) -> Iterator[Callable[[int], None]]:
        """Show how far a long work is; give `advance(n)` to whoever does it, from this thread or another."""
        if self.quiet:
            yield lambda _more: None
        elif sys.stderr.isatty():
            with _bar(total, label) as advance:
                yield advance
        else:
            yield self._lines(total, label)

    def _lines(self, total: int | None, label: str) -> Callable[[int], None]:
        """Return an `advance` that writes a line now and then, and one at the end."""
        seen, told_at = 0, time.monotonic()

        def advance(n: int) -> None:
            nonlocal seen, told_at
            seen += n
            now = time.monotonic()
            if now - told_at >= LINE_EVERY_S or (total is not None and seen >= total > seen - n):
                told_at = now
                self.remark(f"{label} {seen:,}" + (f" / {total:,}" if total is not None else ""))

        return advance

    def _flag(self, name: str) -> bool:
        """Tell whether a flag is set, on the command line or in the environment."""
        said = os.environ.get(f"TOKENHOUSE_{name.upper()}", "").lower()
        return bool(self.given.get(name)) or said in ("1", "true", "yes", "on")

    def _room(self, title: str) -> int | None:
        """Return the width that a title needs: it would fold at the width of its table."""
        from rich.cells import cell_len

        width = _console(None).width if sys.stdout.isatty() else UNBOUNDED
        return min(cell_len(title), width) if title else None

    def _drawn(self, part: RenderableType) -> str:
        """Return a renderable as text: as wide as the terminal, or plain and as wide as it is itself."""
        person = sys.stdout.isatty()
        console = _console(None if person else UNBOUNDED)
        least = _least(part, console)
        if not person or least > console.width:
            console = _console(least if person else max(console.measure(part).maximum, 1))
        with console.capture() as captured:
            console.print(part)
        lines = [line.rstrip() for line in captured.get().splitlines()]
        return "\n".join(lines).strip("\n")


def _console(width: int | None) -> Console:
    """Return what measures and colours for stdout: a terminal's own width, or the one given."""
    from rich.console import Console

    person = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        force_terminal=person,
        no_color=None if person else True,
        width=width,
        highlight=False,
        emoji=False,
        markup=False,
    )


def _least(part: RenderableType, console: Console) -> int:
    """Return the width below which a table would have to cut what must stay on one line."""
    from rich.table import Table

    if not isinstance(part, Table):
        return 1
    widths = [
        max(console.measure(cell).maximum for cell in (column.header, *column.cells))
        for column in part.columns
    ]
    kept = [
        width if column.no_wrap else min(width, TEXT_WIDTH)
        for width, column in zip(widths, part.columns, strict=True)
    ]
    return sum(kept) + 3 * len(kept)


def printable(text: str) -> str:
    """Return text of unknown origin without what could steer a terminal; its lines stay lines."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def encoded(value: Any) -> str:
    """Return a document as indented JSON: amounts as integers, times as ISO 8601 with their zone."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()


def _loop_factory() -> Callable[[], Any] | None:
    """Return uvloop's maker of loops where there is a uvloop."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextmanager
def _bar(total: int | None, label: str) -> Iterator[Callable[[int], None]]:
    """Draw a bar on stderr."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total)

        def advance(n: int) -> None:
            progress.advance(task, n)

        yield advance


def _from_here(path: Path) -> str:
    """Return a path as one would type it in the folder where one is."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)
