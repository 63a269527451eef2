"""`tokenhouse openapi`: the REST API as a document, for generators of clients, or as a Postman collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from tokenhouse.edges.cli.terminal import Terminal


@click.command(cls=frame.Command)
@click.option("--postman", is_flag=True)
@frame.pass_terminal
def command(terminal: Terminal, postman: bool) -> None:
    """Print the document; no database is asked."""
    import json

    from tokenhouse.edges.api import assembled
    from tokenhouse.edges.api.postman import collection

    document = assembled().openapi()
    wanted = collection(document) if postman else document
    terminal.answer(wanted)
    terminal.show(json.dumps(wanted, indent=2, ensure_ascii=False))
