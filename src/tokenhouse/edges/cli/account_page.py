"""One account on one page: who it is, its tree, its balance and lots, and what happened to it last."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.report import BalanceView, EntryView
    from tokenhouse.house import Tokenhouse
    from tokenhouse.store.accounts import Account

CHILDREN_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What `accounts show` answers. `parents` go from the account's own parent up to the root."""

    account: dict[str, Any]
    parents: list[str]
    children: list[str]
    balance: BalanceView | None
    history: list[EntryView]
    next_before: int | None


def document(account: Account, balance: BalanceView | None) -> dict[str, Any]:
    """Return an account and where it stands, for a program."""
    return {**profile(account), "balance": balance}


def profile(account: Account) -> dict[str, Any]:
    """Return who an account is; where it lies in the database is nobody's business outside."""
    return {name: value for name, value in asdict(account).items() if name != "address"}


async def gathered(house: Tokenhouse, ref: str, rows: int, before: int | None) -> Page:
    """Return all that is known of one account, with a page of its history."""
    account = await house.describe(ref)
    parents, above = [], account.parent
    while above is not None:
        parents.append(above)
        above = (await house.describe(above)).parent
    found = await house.history(ref, before=before, rows_max=rows) if rows else []
    return Page(
        account=profile(account),
        parents=parents,
        children=await house.children(ref),
        balance=None if account.state is None else await house.balance(ref),
        history=found,
        next_before=found[-1].seq if found and len(found) == rows and found[-1].seq > 1 else None,
    )


def parts(terminal: Terminal, page: Page) -> list[RenderableType]:
    """Return the page as a person reads it."""
    shown: list[RenderableType] = [_who(terminal, page)]
    if page.parents or page.children:
        shown += [_tree(terminal, page)]
    if page.balance is None:
        return [*shown, terminal.say("accounts.waits", account=page.account["ref"])]
    shown += [_standing(terminal, page.balance)]
    if page.balance.lots:
        shown += [_lots(terminal, page.balance)]
    if page.history:
        shown += [_history(terminal, page.balance, page.history)]
    if page.next_before is not None:
        shown.append(terminal.say("accounts.older", before=page.next_before))
    return shown


def _who(terminal: Terminal, page: Page) -> RenderableType:
    """Return the account's profile, without what it does not say."""
    account = page.account
    tags = ", ".join(f"{name}={value}" for name, value in account["tags"].items())
    pairs = [
        ("kind", terminal.say(f"words.{account['kind']}")),
        ("state", terminal.say(f"words.{account['state'] or 'waiting'}")),
        ("plan", account["plan"]),
        ("own_credit", account["own_credit"]),
        *((name, account[name]) for name in ("name", "email", "locale", "time_zone") if account[name]),
        *([("tags", tags)] if tags else []),
        ("created_at", account["created_at"]),
    ]
    return terminal.figures(
        [(terminal.say(f"balance.{name}"), value) for name, value in pairs], title=account["ref"]
    )


def _tree(terminal: Terminal, page: Page) -> RenderableType:
    """Return the account between those above and below it."""
    from rich.text import Text
    from rich.tree import Tree

    names = [*reversed(page.parents), page.account["ref"]]
    root = at = Tree(Text(terminal.cell(names[0])))
    for name in names[1:]:
        at = at.add(Text(terminal.cell(name)))
    at.label = Text(terminal.cell(names[-1]), style="bold")
    for child in page.children[:CHILDREN_SHOWN]:
        at.add(Text(terminal.cell(child)))
    hidden = len(page.children) - CHILDREN_SHOWN
    if hidden > 0:
        at.add(Text(terminal.say("accounts.more_children", count=hidden)))
    return root


def _standing(terminal: Terminal, balance: BalanceView) -> RenderableType:
    """Return where the account stands."""
    pairs: list[tuple[str, object]] = [
        (name, terminal.amount(getattr(balance, name), balance.unit))
        for name in (
            "available",
            "held",
            "debt",
            "spendable",
            "used",
            "used_total",
            "bought",
            "bought_left",
            "granted",
            "charged",
        )
    ]
    pairs += [
        ("used_percent", f"{balance.used_percent:.2f} %"),
        ("level", terminal.say(f"words.{balance.level}")),
        ("turns", balance.turns),
        ("estimated_turns", balance.estimated_turns),
        ("period_start_at", balance.period_start_at),
        ("period_end_at", balance.period_end_at),
    ]
    title = terminal.say("accounts.balance", unit=balance.unit.name)
    return terminal.figures([(terminal.say(f"balance.{name}"), value) for name, value in pairs], title=title)


def _lots(terminal: Terminal, balance: BalanceView) -> RenderableType:
    """Return the lots in the order in which they are kept."""
    rows = [
        (
            terminal.say(f"words.{lot.source}"),
            terminal.amount(lot.left, balance.unit),
            terminal.amount(lot.amount, balance.unit),
            lot.expires_at or terminal.say("accounts.never"),
        )
        for lot in balance.lots
    ]
    columns = [headed(terminal, name) for name in ("<source", ">left", ">amount", "<expires_at")]
    return terminal.table(columns, rows, title=terminal.say("accounts.lots"))


def _history(terminal: Terminal, balance: BalanceView, entries: list[EntryView]) -> RenderableType:
    """Return the latest entries: time, type, amount, balance after, description and who, model and tokens."""
    names = ("<at", "<type", ">amount", ">balance_after", "description", "details")
    rows = [
        (
            terminal.time(entry.at, offset=False),
            terminal.say(f"words.{entry.kind}"),
            terminal.amount(entry.amount, balance.unit),
            terminal.amount(entry.balance_after, balance.unit),
            " · ".join(filter(None, (entry.note, entry.actor))),
            _details(terminal, entry),
        )
        for entry in entries
    ]
    title = terminal.say("accounts.history", zone=terminal.settings.time_zone)
    return terminal.table([headed(terminal, name) for name in names], rows, title=title)


def _details(terminal: Terminal, entry: EntryView) -> str:
    """Return an entry's model and its tokens by kind."""
    tokens = [f"{terminal.say(f'words.{name}')} {count:,}" for name, count in (entry.usage or {}).items()]
    return ": ".join(filter(None, (entry.model, ", ".join(tokens))))


def headed(terminal: Terminal, name: str) -> str:
    """Return the head of a column, with the sign that says how it stands."""
    sign = name[0] if name[0] in "<>" else ""
    return sign + terminal.say(f"balance.{name.removeprefix(sign)}")
