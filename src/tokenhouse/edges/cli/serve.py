"""`tokenhouse serve`: the server, in this process or several, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib.metadata import version
from os import getpid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    import socket

    from rich.table import Table

    from tokenhouse.edges.cli.demo import Demo
    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.house import Tokenhouse
    from tokenhouse.settings import Settings

log: Final = logging.getLogger("tokenhouse.serve")

LEVELS: Final = ("debug", "info", "warning", "error")
PAGES: Final = "/app/"
LOCAL: Final = ("127.", "::1", "localhost")
"""How hosts begin that only this machine reaches."""


@click.command(cls=frame.Command)
@click.option("--host", metavar="ADDRESS")
@click.option("--port", type=frame.Count(0, 65_535))
@click.option("--workers", type=frame.Count(1, 64))
@click.option("--log-level", type=frame.Choice(LEVELS), default="info", show_default=True)
@frame.pass_terminal
def command(
    terminal: Terminal, host: str | None, port: int | None, workers: int | None, log_level: str
) -> None:
    """Serve the gateway until told to stop."""
    from tokenhouse.edges import listening
    from tokenhouse.edges.logs import log_to_stderr

    chosen = {"host": host, "port": port, "workers": workers}
    terminal.given |= {name: value for name, value in chosen.items() if value is not None}
    settings = terminal.settings
    log_to_stderr(log_level, settings.log_format)
    sockets = listening.bind(settings.host, settings.port, settings.workers)
    url = listening.url(settings.host, sockets[0].getsockname()[1])
    if not settings.host.startswith(LOCAL):
        terminal.remark(terminal.say("serve.open_to_others", host=settings.host))
    try:
        terminal.run(lambda: _serve(terminal, settings, sockets, url, log_level))
    finally:
        for one in sockets:
            one.close()
    log.info("stopped: %s", url)


async def _serve(
    terminal: Terminal, settings: Settings, sockets: list[socket.socket], url: str, log_level: str
) -> None:
    """Open the house, serve until told to stop, and close it."""
    from tokenhouse.edges import server
    from tokenhouse.edges.crew import Crew
    from tokenhouse.edges.listening import Listener
    from tokenhouse.edges.metrics import Place, Process

    greeting: Greeting

    def told() -> None:
        greeting.tell(terminal)
        log.info("started: %s, processes that serve: %d", url, settings.workers)

    if settings.workers == 1:
        application = server.build(settings, clock=terminal.clock)
        listener = Listener(application, settings, told)
        log.debug("opening the house")
        async with application.opened() as house:
            greeting = await _greeting(house, settings, url)
            await listener.serve(sockets)
            log.info("stopping: what is owed is settled, the database is let go")
    else:
        server.build(settings, upkeep=False)  # What no worker would start with is said here, once.
        with TemporaryDirectory(prefix="tokenhouse-") as folder:
            place = Place(folder=Path(folder), worker=0)
            async with (
                server.kept(settings=settings, clock=terminal.clock) as house,
                Process(house=house, crew=place).telling(),
            ):
                greeting = await _greeting(house, settings, url)
                await Crew(settings, sockets, log_level, place.folder).run(told)
                log.info("stopping: the database is let go")


@dataclass(frozen=True, kw_only=True)
class Greeting:
    """What is said once the server serves."""

    url: str
    settings: Settings
    database: str
    models: dict[str, list[str]]
    """Upstream -> what it answers for: names of models, or patterns of them."""
    demo: Demo | None
    empty: bool
    owner: str | None
    """The link by which somebody becomes the first owner; None where there is one."""

    def tell(self, terminal: Terminal) -> None:
        """Say where it listens and how to call it: to a person, or in one document to a program."""
        terminal.answer(self.document())
        heading = terminal.say("serve.listens", version=version("tokenhouse"), url=self.url)
        terminal.show(heading, self.figures(terminal), *self.hints(terminal))

    def figures(self, terminal: Terminal) -> Table:
        """Return what it serves, line by line."""
        from tokenhouse.flow.examine import kind_of, without_secret

        chosen = self.settings
        where = str(chosen.folder) if chosen.database_url is None else without_secret(chosen.database_url)
        place = terminal.say(f"serve.{kind_of(chosen)}", version=self.database, where=where)
        models = [f"{name}: {', '.join(patterns)}" for name, patterns in self.models.items()]
        pairs = [
            (terminal.say("serve.database"), place),
            (terminal.say("serve.models"), "\n".join(models)),
            (terminal.say("serve.workers"), f"{chosen.workers} ({chosen.environment})"),
            (terminal.say("serve.pages"), self.url + PAGES),
        ]
        if self.demo is not None:
            left = terminal.named(self.demo.balance.remaining, self.demo.balance.unit)
            name = "serve.opened" if self.demo.made else "serve.there"
            told = terminal.say(name, account=self.demo.balance.account, left=left, file=str(self.demo.file))
            pairs.append((terminal.say("serve.account"), told))
        return terminal.figures(pairs)

    def hints(self, terminal: Terminal) -> list[str]:
        """Return lines that work as they are printed; none where remarks are unwanted."""
        from tokenhouse.edges.cli.demo import curl, python

        if terminal.quiet:
            return []
        if self.demo is None:
            name = "serve.no_account" if self.empty else "serve.no_key"
            lines = ["", terminal.say(name, command=terminal.command)]
            if self.owner is not None:
                lines += [terminal.say("serve.owner"), f"  {self.owner}"]
            return lines
        lines = [""]
        if self.owner is not None:
            lines += [terminal.say("serve.owner"), f"  {self.owner}", ""]
        for name, line in (
            ("serve.whole", curl(self.url, self.demo.secret)),
            ("serve.streamed", curl(self.url, self.demo.secret, stream=True)),
            ("serve.sdk", python(self.url, self.demo.secret)),
            ("serve.cost", f"{terminal.command} accounts show {self.demo.balance.account}"),
        ):
            lines += [terminal.say(name), f"  {line}"]
        return [*lines, "", terminal.say("serve.stop")]

    def document(self) -> dict[str, Any]:
        """Return the same for a program."""
        demo = self.demo and {
            "account": self.demo.balance.account,
            "made": self.demo.made,
            "key": self.demo.secret,
            "remaining": self.demo.balance.remaining,
        }
        return {
            "url": self.url,
            "version": version("tokenhouse"),
            "pid": getpid(),
            "workers": self.settings.workers,
            "environment": self.settings.environment,
            "database": self.database,
            "models": self.models,
            "demo": demo,
            "owner_link": self.owner,
        }


async def _greeting(house: Tokenhouse, settings: Settings, url: str) -> Greeting:
    """Look around an open house, whose demo account is opened if it has no account at all."""
    from tokenhouse.edges.cli.demo import demo
    from tokenhouse.edges.upstream import Upstreams

    models: dict[str, list[str]] = {}
    for pattern, route in Upstreams(settings).routes.patterns:
        models.setdefault(route.upstream, []).append(pattern)
    ours = await demo(house, settings)
    return Greeting(
        url=url,
        settings=settings,
        database=await house.ready(),
        models=models,
        demo=ours,
        empty=not await house.accounts(rows_max=1),
        owner=await _ownership(house, settings, url, "" if ours is None else ours.balance.account),
    )


async def _ownership(house: Tokenhouse, settings: Settings, url: str, account: str) -> str | None:
    """Return a link for the first owner; in production nobody should find one in a log: `people` makes it."""
    if settings.environment == "production":
        return None
    offered = await house.offer_ownership(account, actor="tokenhouse serve")
    return None if offered is None else f"{url}{PAGES}owner#{offered.link}"
