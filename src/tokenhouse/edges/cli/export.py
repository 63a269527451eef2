"""`tokenhouse export`: accounts, balances, entries or orders as CSV or Parquet, however many there are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame
from tokenhouse.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.house import Tokenhouse


@click.command(cls=frame.Command)
@click.argument("what", type=frame.Choice(("accounts", "balances", "entries", "orders")))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "form", type=frame.Choice(("csv", "parquet")), default="csv")
@click.option("--since", type=frame.TIME)
@click.option("--until", type=frame.TIME)
@click.option("--account")
@frame.pass_terminal
def command(
    terminal: Terminal,
    what: Any,
    output: Path | None,
    form: Any,
    since: datetime | None,
    until: datetime | None,
    account: str | None,
) -> None:
    """Write it into a file, or as CSV to standard output."""
    if output is None and (form != "csv" or terminal.json):
        raise InvalidInput("export_needs_file", field="--output", value="")

    async def work(house: Tokenhouse) -> int:
        from tokenhouse.flow.exporting import whole_file

        bounds: dict[str, Any] = {"since": since, "until": until, "account": account}
        with terminal.progress(None, terminal.say("export.progress")) as advance:
            if output is None:
                return await house.export(what, sys.stdout.buffer, form=form, progress=advance, **bounds)
            with whole_file(output) as file:
                return await house.export(what, file, form=form, progress=advance, **bounds)

    rows = terminal.with_house(work)
    if output is not None:
        terminal.answer({"what": what, "rows": rows, "file": str(output)})
        terminal.show(terminal.say("export.written", rows=rows, what=what, file=output))
