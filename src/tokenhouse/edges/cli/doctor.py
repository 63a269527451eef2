"""`tokenhouse doctor`: look at the whole installation and say what is not well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame
from tokenhouse.errors import TokenhouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.examine import Finding
    from tokenhouse.settings import Settings

BY_HAND = ("manual",)
"""Who says that something was paid, where no provider does."""
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command(cls=frame.Command)
@frame.pass_terminal
def command(terminal: Terminal) -> int:
    """Show one line a subject, each ok, warn or fail; a failure is also said by the exit code."""
    from tokenhouse.flow.examine import examine

    async def work() -> list[Finding]:
        found = [one async for one in examine(terminal.settings, terminal.clock)]
        return [*found, *offered(terminal.settings)]

    findings = terminal.run(work)
    failed = any(found.verdict == "fail" for found in findings)
    terminal.answer({"healthy": not failed, "findings": [_document(terminal, found) for found in findings]})
    rows = [
        (_mark(terminal, found), terminal.say(f"doctor.{found.subject}"), _said(terminal, found))
        for found in findings
    ]
    columns = [terminal.say(f"doctor.{name}") for name in ("verdict", "subject", "what")]
    terminal.show(terminal.table(columns, rows))
    return frame.FOUND if failed else 0


def offered(settings: Settings) -> Iterator[Finding]:
    """Yield how the service stands to those who use it: who reaches it, who answers, where they buy more."""
    from tokenhouse.edges.api.card import BUY
    from tokenhouse.edges.cli.serve import LOCAL
    from tokenhouse.edges.routes import Routes, with_demo
    from tokenhouse.flow.examine import finding

    host, environment = settings.host, settings.environment
    exposed = environment == "development" and not host.startswith(LOCAL)
    yield finding("access", "warn" if exposed else "ok", host=host, environment=environment)
    routes = Routes(settings.upstream, demo=with_demo(settings))
    models = [settings.chat.model, *settings.chat.models]
    missing = [model for model in models if not routes.list(model)]
    yield finding("chat", "warn" if missing else "ok", models=models, missing=missing)
    link = settings.purchase_url or settings.place + BUY
    sells = settings.purchase_url or settings.payments.providers != BY_HAND
    yield finding("purchase", "ok" if sells else "warn", purchase_url=link)


def _mark(terminal: Terminal, found: Finding) -> Text:
    """Return the verdict, coloured."""
    from rich.text import Text

    return Text(terminal.say(f"doctor.{found.verdict}"), style=STYLES[found.verdict])


def _document(terminal: Terminal, found: Finding) -> dict[str, Any]:
    """Return a finding for a program; a trouble becomes its code and sentence."""
    facts = dict(found.facts)
    error = facts.pop("error", None)
    if isinstance(error, TokenhouseError):
        facts["error"] = {
            "code": error.code,
            "reason": error.reason,
            "message": error.message(terminal.locale),
        }
    return {"subject": found.subject, "verdict": found.verdict, "facts": facts}


def _said(terminal: Terminal, found: Finding) -> str:
    """Return a finding's facts in one cell, with what to do about it."""
    from tokenhouse.flow.examine import remedy, said

    line = said(found, terminal.locale, terminal.cell)
    better = remedy(found, terminal.locale)
    return f"{line}\n{better}" if better else line
