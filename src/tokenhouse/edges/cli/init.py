"""`tokenhouse init`: a balance and first allowance for every account that has none, and the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame, reports
from tokenhouse.edges.cli.reports import Section
from tokenhouse.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.initialise import Initialised
    from tokenhouse.flow.statistics import Line
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.amounts import Unit

SUFFIXES = {".json": "json", ".csv": "csv", ".md": "markdown", ".txt": "text"}


@click.command(cls=frame.Command)
@click.option("--dry-run", is_flag=True)
@click.option("--rows", type=frame.Count(0, 100_000), default=20)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), default=None)
@click.option("--form", type=frame.Choice(reports.FORMS), default="text")
@frame.signed
@frame.pass_terminal
def command(terminal: Terminal, dry_run: bool, rows: int, report: Path | None, form: str) -> int:
    """Do it and tell of it; the exit code says whether an account failed or a check found something."""
    if report is not None and report.suffix not in SUFFIXES:
        raise InvalidInput("report_form", field="--report", value=report.name)

    async def work(house: Tokenhouse) -> tuple[Initialised, list[Line], Unit]:
        total, _ = await house.waiting()
        with (
            terminal.progress(total, terminal.say("init.progress")) as advance,
            terminal.changing(house, "account.initialise", "*", lambda waiting: {"waiting": waiting}),
        ):
            done = await house.initialise(dry_run=dry_run, actor=terminal.actor, progress=advance)
        unit = next(iter((await house.plans()).values())).unit
        if report is not None:
            await _write_report(terminal, report, done, house.lines(), unit)
        return done, [line async for line in _first(house.lines(), rows)], unit

    done, lines, unit = terminal.with_house(work)
    amount = reports.amounts(terminal, form, unit)
    terminal.answer(_document(done, lines))
    name = "init.planned" if dry_run else "init.done"
    if form == "text":
        terminal.show(terminal.say(name, made=done.made, kept=done.kept, failed=done.failed))
    reports.sections(terminal, form, [*_sections(terminal, done, amount), _accounts(terminal, lines, amount)])
    hidden = done.after.with_balance - len(lines)
    if hidden > 0 and report is None and form == "text":
        terminal.show(terminal.say("init.more", count=hidden))
    for failure in done.failures:
        problem = failure.trouble.message(terminal.locale)
        terminal.remark(terminal.say("init.failure", account=failure.account, problem=problem))
    if report is not None:
        terminal.remark(terminal.say("init.written", file=report))
    return 0 if not done.failed and all(check.held for check in done.integrity) else frame.FOUND


def _sections(terminal: Terminal, done: Initialised, amount: reports.Amounts) -> list[Section]:
    """Return the parts of the report but for the accounts."""
    say = terminal.say
    totals = reports.figures(
        terminal,
        amount,
        done.before,
        done.after,
        titles=[say("init.before"), say("init.after")],
        title=say("init.totals"),
    )
    buckets = [[say("check.unused"), done.unused], [say("check.active"), done.after.active]]
    buckets += [
        [say(f"init.{name}"), getattr(done.distribution, name)] for name in done.distribution.__slots__
    ]
    checks = [
        [
            say(f"init.{check.name}"),
            check.expected,
            check.found,
            say("init.held" if check.held else "init.broken"),
        ]
        for check in done.integrity
    ]
    parts = [
        totals,
        Section(say("init.distribution"), [say("init.bucket"), ">" + say("init.count")], buckets),
    ]
    if checks:
        columns = [say("init.check"), *(">" + say(f"init.{name}") for name in ("expected", "found"))]
        parts.append(Section(say("init.integrity"), [*columns, say("init.result")], checks))
    return parts


def _accounts(terminal: Terminal, lines: list[Line], amount: reports.Amounts) -> Section:
    """Return the accounts one by one."""
    rows = [reports.line_cells(terminal, amount, line) for line in lines]
    return Section(terminal.say("init.accounts"), reports.line_columns(terminal), rows)


async def _first(lines: AsyncIterator[Line], count: int) -> AsyncIterator[Line]:
    """Yield the first lines."""
    if not count:
        return
    nth = 0
    async for line in lines:
        yield line
        nth += 1
        if nth == count:
            return


def _document(done: Initialised, lines: list[Line]) -> dict[str, object]:
    """Return the report for programs."""
    from dataclasses import asdict

    document = asdict(done)
    document["failures"] = [
        {"account": one.account, "code": one.trouble.code, "message": one.trouble.message()}
        for one in done.failures
    ]
    document["integrity"] = [{**asdict(check), "held": check.held} for check in done.integrity]
    return {**document, "accounts": [asdict(line) for line in lines]}


async def _write_report(
    terminal: Terminal, file: Path, done: Initialised, lines: AsyncIterator[Line], unit: Unit
) -> None:
    """Write the report with every account, in constant memory; the file gets its name when it is whole."""
    from tokenhouse.flow.exporting import whole_file

    form = SUFFIXES[file.suffix]
    amount = reports.amounts(terminal, form, unit)
    with whole_file(file) as output:

        def write(text: str) -> None:
            output.write(text.encode() + b"\n")

        if form == "json":
            await _write_json(write, done, lines)
        elif form == "csv":
            for text in reports.csv_lines(reports.line_columns(terminal), ()):
                write(text)
            async for line in lines:
                for text in list(reports.csv_lines((), [reports.line_cells(terminal, amount, line)]))[1:]:
                    write(text)
        else:
            await _write_pages(terminal, write, done, lines, amount)


async def _write_json(write: Callable[[str], None], done: Initialised, lines: AsyncIterator[Line]) -> None:
    """Write one JSON document whose last member, the accounts, is written one by one."""
    import msgspec

    head = msgspec.json.encode(_document(done, [])).decode()
    write(head.removesuffix("]}"))
    comma = ""
    async for line in lines:
        write(comma + msgspec.json.encode(line).decode())
        comma = ","
    write("]}")


async def _write_pages(
    terminal: Terminal,
    write: Callable[[str], None],
    done: Initialised,
    lines: AsyncIterator[Line],
    amount: reports.Amounts,
) -> None:
    """Write the report as Markdown, which is also what a .txt file holds."""
    for section in _sections(terminal, done, amount):
        for text in reports.as_markdown(terminal, section):
            write(text)
    write(f"## {terminal.say('init.accounts')}")
    write("")
    for text in reports.markdown_head(reports.line_columns(terminal)):
        write(text)
    async for line in lines:
        write(reports.markdown_row(terminal, reports.line_cells(terminal, amount, line)))
