"""`tokenhouse keys`: make an API key for an account, list its keys, revoke one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from datetime import datetime

    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.keys import NewKey
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.periods import Instant
    from tokenhouse.store.keys import Key, Role

ROLES = ("user", "auditor", "operator", "owner")


@click.group(cls=frame.Group)
def command() -> None:
    """Make, list and revoke API keys."""


@command.command("create")
@click.argument("account", required=False, default="")
@click.option("--role", type=click.Choice(ROLES), default="user", show_default=True)
@click.option("--name", default="")
@click.option("--models", multiple=True, metavar="PATTERN")
@click.option("--expires", type=frame.TIME)
@frame.signed
@frame.pass_terminal
def create(
    terminal: Terminal,
    account: str,
    role: Role,
    name: str,
    models: tuple[str, ...],
    expires: datetime | None,
) -> None:
    """Make a key and show its secret, this once: for an account, or with another role for none."""

    async def work(house: Tokenhouse) -> NewKey:
        from tokenhouse.flow import audited

        made = await house.create_key(
            account, role=role, name=name, models=models, expires_at=expires, actor=terminal.actor
        )
        subject = made.key.account or made.key.prefix
        await terminal.record(house, "key.create", subject, after=audited.key(made.key))
        return made

    made = terminal.with_house(work, whole=True)
    terminal.answer({"secret": made.secret, **document(made.key, _now(terminal))})
    terminal.show(
        terminal.say("keys.made", account=account or role), made.secret, _table(terminal, [made.key])
    )


@command.command("list")
@click.argument("account", required=False, default="")
@click.option("--rows", type=frame.Count(1, 10_000), default=100, show_default=True)
@frame.pass_terminal
def list_(terminal: Terminal, account: str, rows: int) -> None:
    """List an account's newest keys, or those of back ends, which have none."""
    found = terminal.with_house(lambda house: house.keys(account, rows_max=rows))
    terminal.answer({"account": account, "keys": [document(key, _now(terminal)) for key in found]})
    none = terminal.say("keys.none", account=account) if account else terminal.say("keys.none_of_roles")
    terminal.show(_table(terminal, found) if found else none)


@command.command("revoke")
@click.argument("key_id", metavar="ID")
@frame.signed
@frame.pass_terminal
def revoke(terminal: Terminal, key_id: str) -> None:
    """End a key for good."""
    from tokenhouse.flow.keyring import KEPT_S

    async def work(house: Tokenhouse) -> Key:
        from tokenhouse.flow import audited

        now = terminal.clock()
        key = await house.revoke_key(key_id, actor=terminal.actor)
        if key.revoked_at is not None and key.revoked_at >= now:  # Revoked again, it keeps the first time.
            subject = key.account or key.prefix
            await terminal.record(house, "key.revoke", subject, after=audited.key(key))
        return key

    key = terminal.with_house(work, whole=True)
    terminal.answer(document(key, _now(terminal)))
    facts = {"prefix": f"{key.prefix}…", "account": key.account or key.role, "seconds": KEPT_S}
    terminal.show(terminal.say("keys.revoked", **facts))


def document(key: Key, now: Instant) -> dict[str, Any]:
    """Return a key as programs read it."""
    from dataclasses import asdict

    return {**asdict(key), "state": key.state(now)}


def _now(terminal: Terminal) -> Instant:
    """Return the time by which a key's state is told."""
    from tokenhouse.rules.periods import instant

    return instant(terminal.clock())


def _table(terminal: Terminal, found: list[Key]) -> Table:
    """Return keys below each other; a secret's first characters stand for it."""
    states = {"active": "keys.active", "expired": "keys.expired", "revoked": "keys.gone"}
    heads = ("<id", "<prefix", "name", "role", "models", "<state", "created_at", "expires_at", "last_used_at")
    columns = [name[: name[0] in "<>"] + terminal.say(f"keys.{name.lstrip('<>')}") for name in heads]
    rows = [
        (
            key.id,
            f"{key.prefix}…",
            key.name or None,
            key.role,
            ", ".join(key.models) or terminal.say("keys.any"),
            terminal.say(states[key.state(_now(terminal))]),
            terminal.time(key.created_at),
            terminal.time(key.expires_at) if key.expires_at else terminal.say("keys.never"),
            terminal.time(key.last_used_at) if key.last_used_at else terminal.say("keys.never"),
        )
        for key in found
    ]
    return terminal.table(columns, rows)
