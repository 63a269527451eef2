"""`tokenhouse verify`: every balance rebuilt from the journal, every law held against it. Read only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.audit import Verdict
    from tokenhouse.house import Tokenhouse


@click.command(cls=frame.Command)
@click.option("--account", metavar="REF")
@click.option("--cell", type=frame.Count(0, 63))
@click.option("--findings", "findings_max", type=frame.Count(0, 10_000), default=20)
@frame.pass_terminal
def command(terminal: Terminal, account: str | None, cell: int | None, findings_max: int) -> int:
    """Do it and tell of it; the exit code says whether every law holds."""

    async def work(house: Tokenhouse) -> Verdict:
        total = await house.journal_size(account=account, cell=cell)
        with terminal.progress(total, terminal.say("verify.progress")) as advance:
            return await house.verify(account=account, cell=cell, findings_max=findings_max, progress=advance)

    verdict = terminal.with_house(work)
    terminal.answer(_document(verdict))
    terminal.show(_checks(terminal, verdict))
    if verdict.findings:
        terminal.show(_findings(terminal, verdict))
    hidden = verdict.found - len(verdict.findings)
    if hidden:
        terminal.show(terminal.say("verify.more", count=hidden))
    terminal.show(
        terminal.say(
            "verify.read",
            entries=verdict.entries,
            accounts=verdict.accounts,
            seconds=verdict.seconds,
            rate=verdict.entries_per_s,
        ),
        terminal.say("verify.clean" if verdict.clean else "verify.broken", found=verdict.found),
    )
    return 0 if verdict.clean else frame.FOUND


def _checks(terminal: Terminal, verdict: Verdict) -> Table:
    """Return what was checked, how often, and whether it held."""
    say = terminal.say
    rows = [
        (
            check.name,
            say(f"verify.{check.name}"),
            check.checked,
            check.failed,
            say("verify.ok" if check.held else "verify.failed"),
        )
        for check in verdict.checks
    ]
    columns = ("name", "meaning", ">checked", ">findings", "result")
    titles = [f">{say(f'verify.{one[1:]}')}" if one[0] == ">" else say(f"verify.{one}") for one in columns]
    return terminal.table(titles, rows, title=say("verify.title"))


def _findings(terminal: Terminal, verdict: Verdict) -> Table:
    """Return what does not agree: whose, which figure, what it must be and what it is."""
    rows = [
        (
            one.account,
            one.check,
            one.figure,
            one.seq or None,
            *(str(value) if value is not None else None for value in (one.expected, one.found)),
        )
        for one in verdict.findings
    ]
    columns = ("account", "name", "figure", ">entry", "expected", "found")
    titles = [
        f">{terminal.say('verify.entry')}" if one == ">entry" else terminal.say(f"verify.{one}")
        for one in columns
    ]
    return terminal.table(titles, rows, title=terminal.say("verify.findings"))


def _document(verdict: Verdict) -> dict[str, object]:
    """Return the verdict for programs."""
    from dataclasses import asdict

    return {
        **asdict(verdict),
        "checks": [{**asdict(check), "held": check.held} for check in verdict.checks],
        "findings": verdict.findings,
        "entries_per_s": round(verdict.entries_per_s),
        "clean": verdict.clean,
    }
