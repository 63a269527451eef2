"""`tokenhouse people`: make somebody who signs in, list them, give them a new link, change what they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.people import Invited
    from tokenhouse.house import Tokenhouse
    from tokenhouse.store.keys import Role
    from tokenhouse.store.people import Person

ROLES = ("user", "auditor", "operator", "owner")


@click.group(cls=frame.Group)
def command() -> None:
    """Make, list, invite and change the people who sign in."""


@command.command("add")
@click.argument("email")
@click.option("--role", type=frame.Choice(ROLES), default="user", show_default=True)
@click.option("--account", default="")
@click.option("--name", default="")
@click.option("--language", type=frame.Choice(("en", "ko")), default=None)
@click.option("--time-zone", default="")
@frame.signed
@frame.pass_terminal
def add(
    terminal: Terminal,
    email: str,
    role: Role,
    account: str,
    name: str,
    language: str | None,
    time_zone: str,
) -> None:
    """Make somebody, and print the one-time link by which they choose a password."""
    invited = terminal.with_house(
        lambda house: house.create_person(
            email,
            role=role,
            account=account,
            name=name,
            locale=language or "",
            time_zone=time_zone,
            actor=terminal.actor,
        )
    )
    _tell(terminal, invited)


@command.command("list")
@click.option("--rows", type=frame.Count(1, 1_000), default=100, show_default=True)
@frame.pass_terminal
def list_(terminal: Terminal, rows: int) -> None:
    """List people, by e-mail."""
    found = terminal.with_house(lambda house: house.people(rows_max=rows))
    terminal.answer({"people": [document(one) for one in found]})
    terminal.show(_table(terminal, found) if found else terminal.say("people.none", command=terminal.command))


@command.command("link")
@click.argument("person")
@frame.signed
@frame.pass_terminal
def link(terminal: Terminal, person: str) -> None:
    """Print a new one-time link for somebody, for a forgotten password."""

    async def work(house: Tokenhouse) -> Invited:
        return await house.invite((await house.person(person)).id, actor=terminal.actor)

    _tell(terminal, terminal.with_house(work))


@command.command("change")
@click.argument("person")
@click.option("--role", type=frame.Choice(ROLES))
@click.option("--account")
@click.option("--name")
@click.option("--disable/--enable", "disabled", default=None)
@click.option("--reason", default="")
@frame.signed
@frame.pass_terminal
def change(terminal: Terminal, person: str, reason: str, **changes: Any) -> None:
    """Change somebody's role, account or name, or let them in no more; at once on every node."""
    wanted = {name: value for name, value in changes.items() if value is not None}

    async def work(house: Tokenhouse) -> Person:
        known = await house.person(person)
        return await house.change_person(known.id, wanted, actor=terminal.actor, reason=reason)

    changed = terminal.with_house(work)
    terminal.answer(document(changed))
    terminal.show(_table(terminal, [changed]))


@command.command("sign-out")
@click.argument("person")
@frame.signed
@frame.pass_terminal
def sign_out(terminal: Terminal, person: str) -> None:
    """Sign somebody out wherever they are signed in."""

    async def work(house: Tokenhouse) -> int:
        return await house.sign_out_everywhere((await house.person(person)).id, actor=terminal.actor)

    ended = terminal.with_house(work)
    terminal.answer({"sessions": ended})
    terminal.show(terminal.say("people.signed_out", count=ended))


def document(person: Person) -> dict[str, Any]:
    """Return a person as programs read it."""
    from dataclasses import asdict

    return {**asdict(person), "state": person.state}


def _tell(terminal: Terminal, invited: Invited) -> None:
    """Show a person and their link, this once."""
    from tokenhouse.flow.people import link_of

    secret = link_of(terminal.settings, invited.link)
    terminal.answer({**document(invited.person), "link": secret, "expires_at": invited.expires_at})
    until = terminal.time(invited.expires_at)
    terminal.show(
        terminal.say("people.link", email=invited.person.email, until=until),
        secret,
        _table(terminal, [invited.person]),
    )


def _table(terminal: Terminal, found: list[Person]) -> Table:
    """Return people below each other."""
    states = {"active": "people.active", "invited": "people.invited", "disabled": "people.disabled"}
    heads = ("<email", "name", "<role", "account", "<state", "seen_at")
    columns = [name[: name[0] == "<"] + terminal.say(f"people.{name.lstrip('<')}") for name in heads]
    rows = [
        (
            one.email,
            one.name or None,
            one.role,
            one.account or None,
            terminal.say(states[one.state]),
            terminal.time(one.seen_at) if one.seen_at else terminal.say("people.never"),
        )
        for one in found
    ]
    return terminal.table(columns, rows)
