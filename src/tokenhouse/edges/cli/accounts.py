"""`tokenhouse accounts`: list accounts with their balances; show, open and change one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import account_page, frame
from tokenhouse.edges.cli.account_page import headed
from tokenhouse.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.report import BalanceView
    from tokenhouse.house import Tokenhouse
    from tokenhouse.store.accounts import Account

PAGE_MAX = 1_000


@click.group(cls=frame.Group, invoke_without_command=True)
@click.option("--rows", type=frame.Count(1, PAGE_MAX), default=50, show_default=True)
@click.option("--after", metavar="REF")
@click.pass_context
def command(context: click.Context, rows: int, after: str | None) -> None:
    """List a page of accounts, unless one of the commands below is named."""
    if context.invoked_subcommand is None:
        listed(frame.terminal_of(context), rows, after)


def listed(terminal: Terminal, rows: int, after: str | None) -> None:
    """Show one page of accounts in the ledger's own order, and where the next one begins."""

    async def work(house: Tokenhouse) -> list[tuple[Account, BalanceView | None]]:
        start = (-1, 0)
        if after is not None:
            last = (await house.describe(after)).address
            start = (last.cell, last.account)
        return [
            (one, await standing(house, one)) for one in await house.accounts(after=start, rows_max=rows + 1)
        ]

    found = terminal.with_house(work)
    page, more = found[:rows], len(found) > rows
    following = page[-1][0].ref if more else None
    terminal.answer(
        {"accounts": [account_page.document(one, balance) for one, balance in page], "next_after": following}
    )
    terminal.show(terminal.table(_columns(terminal), [_row(terminal, *pair) for pair in page]))
    if following is not None:
        terminal.remark(terminal.say("accounts.more", after=following))


async def standing(house: Tokenhouse, account: Account) -> BalanceView | None:
    """Return where an account stands; None while it waits for `init`."""
    return None if account.state is None else await house.balance(account.ref)


@command.command("show")
@click.argument("ref")
@click.option("--history", type=frame.Count(0, PAGE_MAX), default=10, show_default=True)
@click.option("--before", type=frame.COUNT)
@frame.pass_terminal
def show(terminal: Terminal, ref: str, history: int, before: int | None) -> None:
    """Show all that is known of one account."""
    page = terminal.with_house(lambda house: account_page.gathered(house, ref, history, before))
    terminal.answer(page)
    terminal.show(*account_page.parts(terminal, page))


@command.command("open")
@click.argument("ref")
@click.option("--kind", default="user", show_default=True)
@click.option("--parent", metavar="REF")
@click.option("--plan")
@click.option("--own-credit/--no-own-credit", default=None)
@click.option("--name", default="")
@click.option("--email", default="")
@click.option("--language", default="")
@click.option("--time-zone", default="")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE")
@frame.signed
@frame.pass_terminal
def open_(terminal: Terminal, ref: str, language: str, tags: tuple[str, ...], **profile: Any) -> None:
    """Open an account with its balance and first allowance; one that exists stays as it is."""
    named = dict(_tag(one) for one in tags)

    async def work(house: Tokenhouse) -> tuple[bool, Account, BalanceView | None]:
        from tokenhouse.flow import audited

        try:
            await house.describe(ref)
            known = True
        except NotFound:
            known = False
        with terminal.changing(house, "account.create", ref, audited.account):
            account = await house.account(
                ref, locale=language, tags=named or None, actor=terminal.actor, **profile
            )
        return known, account, await standing(house, account)

    known, account, balance = terminal.with_house(work)
    terminal.answer({"opened": not known, **account_page.document(account, balance)})
    terminal.show(
        terminal.say("accounts.kept" if known else "accounts.opened", account=ref),
        terminal.table(_columns(terminal), [_row(terminal, account, balance)]),
    )


def _tag(text: str) -> tuple[str, str]:
    """Return the two sides of NAME=VALUE."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise InvalidInput("tag_unreadable", field="--tag", value=text[:40])
    return name, value


@command.command("set")
@click.argument("ref")
@click.option("--state")
@click.option("--plan")
@click.option("--note", default="")
@click.option("--key")
@frame.signed
@frame.pass_terminal
def set_(terminal: Terminal, ref: str, note: str, **change: Any) -> None:
    """Change an account's state or plan."""

    async def work(house: Tokenhouse) -> tuple[Account, BalanceView]:
        from tokenhouse.flow import audited
        from tokenhouse.flow.audit_trail import with_amendment

        before = audited.account(await house.describe(ref))
        was, now = audited.changed(
            before, {name: change[name] for name in ("state", "plan") if change[name] is not None}
        )
        with with_amendment(house.desk, ref, was, now, actor=terminal.actor, reason=note):
            balance = await house.amend(ref, note=note, actor=terminal.actor, **change)
        account = await house.describe(ref)
        return account, balance

    account, balance = terminal.with_house(work)
    terminal.answer(account_page.document(account, balance))
    terminal.show(
        terminal.say("accounts.changed", account=ref),
        terminal.table(_columns(terminal), [_row(terminal, account, balance)]),
    )


def _columns(terminal: Terminal) -> list[str]:
    """Return the heads of a list of accounts."""
    names = ("account", "plan", "<state", ">available", ">used", ">used_percent", "<level")
    return [headed(terminal, name) for name in names]


def _row(terminal: Terminal, account: Account, balance: BalanceView | None) -> list[object]:
    """Return an account's line in a list."""
    who = [account.ref, account.plan]
    if balance is None:
        return [*who, terminal.say("words.waiting"), None, None, None, None]
    return [
        *who,
        terminal.say(f"words.{balance.state}"),
        terminal.amount(balance.available, balance.unit),
        terminal.amount(balance.used, balance.unit),
        f"{balance.used_percent:.2f} %",
        terminal.say(f"words.{balance.level}"),
    ]
