"""Notify: tell accounts that they near their end, each level once; hourly for all, and at the crossing.

In a tree it is the payer that is told, the account whose credit it is: its person can buy more. Those who
draw on it are warned by the answers to their calls.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

import msgspec

from tokenhouse.flow.bell import Event, Waiting
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.wording import Reader, worded
from tokenhouse.rules.amounts import Unit, digits
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.notices import hundredths, level_of, percents, reached, round_of, standing
from tokenhouse.rules.periods import DAY, Instant, moment
from tokenhouse.rules.plans import Channel, Plan
from tokenhouse.rules.renewal import renew
from tokenhouse.store import notices, outbox
from tokenhouse.store.accounts import CELLS
from tokenhouse.store.notices import Addressee, Draft
from tokenhouse.store.outbox import Delivery, Endpoint
from tokenhouse.store.pool import Connection

ROWS: Final = 1_000
"""Accounts in one page of the hourly look: what is in memory at a time, and in one transaction."""
EXPIRING_WITHIN: Final = 7 * DAY
"""How long before credit ends its owner is told."""
BOUGHT_WITHIN: Final = timedelta(days=1)
"""How far back the hourly look searches for purchases of which nobody was told."""
OWN_LEVELS_MAX: Final = 200_000
"""Accounts with levels of their own that a process keeps in mind; the rest are told within the hour."""

_encode: Final = msgspec.json.Encoder().encode

Page = Callable[[Connection, int, int], Awaitable[list[Addressee]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """How many notices were written: of levels, of credit that will end, and of purchases not told before."""

    levels: int
    expiring: int
    bought: int


async def attend(desk: Desk, connection: Connection) -> None:
    """Have crossings told from now on, by the levels that accounts have at the moment."""
    desk.bell.own = await notices.list_own_levels(connection, OWN_LEVELS_MAX)
    desk.bell.tell = partial(tell, desk)


async def notify(desk: Desk) -> Notified:
    """Tell every account that has reached a level as of now, and everyone whose credit will soon end.

    Idempotent: a level is told once a period and never twice in 24 hours, whoever runs this and how often.
    Memory does not grow with the accounts, a page of which is looked at in one transaction.
    """
    async with desk.pool.acquire() as connection:
        await desk.catalog.keep_up(connection)
        await attend(desk, connection)
    least = {plan.name: plan.told_at[0] for plan in desk.catalog.plans.values() if plan.told_at}

    async def near(connection: Connection, cell: int, after: int) -> list[Addressee]:
        return await notices.list_near_level(connection, cell, after, desk.now(), least, ROWS)

    async def ending(connection: Connection, cell: int, after: int) -> list[Addressee]:
        now = desk.now()
        return await notices.list_expiring(connection, cell, after, now, now + EXPIRING_WITHIN, ROWS)

    levels = await _walk(desk, near, _of_level)
    return Notified(
        levels=levels, expiring=await _walk(desk, ending, _of_lots), bought=await _tell_bought(desk)
    )


async def _walk(desk: Desk, page: Page, drafts_of: Callable[[Desk, Addressee, Instant], list[Draft]]) -> int:
    """Tell all whom a look at every cell finds, page by page; return how many notices were written."""
    told = 0
    for cell in range(CELLS):
        after = -1
        while True:
            async with desk.pool.acquire() as connection:
                found = await page(connection, cell, after)
                now = desk.now()
                drafts = [draft for one in found for draft in drafts_of(desk, one, now)]
                told += await write(desk, connection, drafts)
            if len(found) < ROWS:
                break
            after = found[-1].account
    return told


async def _tell_bought(desk: Desk) -> int:
    """Tell of purchases of the last day that a process which died could not tell of."""
    since = desk.clock() - BOUGHT_WITHIN
    async with desk.pool.acquire() as connection:
        found = await notices.list_purchases_untold(connection, since, ROWS)
    events = [
        Event(cell=cell, account=account, kind="bought", subject=order, facts={"amount": credit})
        for cell, account, order, credit in found
    ]
    return await tell(desk, ([], events)) if events else 0


async def tell(desk: Desk, waiting: Waiting) -> int:
    """Tell those who have just crossed a level, and those to whom something has happened."""
    crossed, events = waiting
    places = sorted({*crossed, *((event.cell, event.account) for event in events)})
    async with desk.pool.acquire() as connection:
        found = {one.account: one for one in await notices.list_addressees(connection, places)}
        now = desk.now()
        drafts = [draft for place in crossed for draft in _of_level(desk, found[place[1]], now)]
        drafts += [
            Draft(
                id=desk.new_id(),
                to=to,
                kind=event.kind,
                subject=event.subject,
                facts=standing(*_forward(desk, to, now)) | event.facts,
            )
            for event in events
            if (to := found.get(event.account)) is not None
        ]
        return await write(desk, connection, drafts)


async def write(desk: Desk, connection: Connection, drafts: Sequence[Draft]) -> int:
    """Write notices and put them on their way, both or neither; return how many were new."""
    if not drafts:
        return 0
    at = desk.clock()
    async with connection.transaction():
        levels = [draft for draft in drafts if draft.kind == "level"]
        events = [draft for draft in drafts if draft.kind != "level"]
        written = await notices.write_levels(connection, levels, at) if levels else set()
        if events:
            written |= await notices.write_events(connection, events, at)
        made = [draft for draft in drafts if draft.id in written]
        if made:
            places = sorted({(draft.to.cell, draft.to.account) for draft in made})
            endpoints = await outbox.list_endpoints_for(connection, places)
            deliveries = [one for draft in made for one in _deliveries(desk, draft, endpoints)]
            if deliveries:
                await outbox.write_deliveries(connection, deliveries, at)
    return len(made)


def _forward(desk: Desk, to: Addressee, now: Instant) -> tuple[Balance, Plan]:
    """Return an account as it stands now, though nobody has touched it since, and its terms."""
    balance, plan = to.balance, desk.catalog.plan(to.balance.plan)
    if now >= balance.due_at:
        balance = balance.copy()
        renew(balance, plan, [], now)
    return balance, plan


def _of_level(desk: Desk, to: Addressee, now: Instant) -> list[Draft]:
    """Return the notice of the highest level that an account has reached; none below all of them."""
    balance, plan = _forward(desk, to, now)
    share = reached(balance, plan.told_at if to.levels is None else to.levels)
    if share is None or balance.state != "active":
        return []
    return [
        Draft(
            id=desk.new_id(),
            to=to,
            kind="level",
            subject=str(share),
            share=share,
            round=round_of(balance, plan),
            level=level_of(share, plan),
            percent=hundredths(balance),
            facts=standing(balance, plan) | {"share": share},
        )
    ]


def _of_lots(desk: Desk, to: Addressee, now: Instant) -> list[Draft]:
    """Return a notice of each lot that will soon end, other than an allowance, which comes again."""
    balance, plan = _forward(desk, to, now)
    return [
        Draft(
            id=desk.new_id(),
            to=to,
            kind="expiring",
            subject=f"lot:{lot.id}",
            facts=standing(balance, plan)
            | {"amount": lot.left, "source": lot.source, "expires_at": lot.expires_at},
        )
        for lot in balance.lots
        if lot.left and lot.source != "allowance" and now < lot.expires_at <= now + EXPIRING_WITHIN
    ]


def _deliveries(desk: Desk, draft: Draft, endpoints: Sequence[Endpoint]) -> list[Delivery]:
    """Return the ways out of the house that a notice takes."""
    plan, to = desk.catalog.plan(draft.to.balance.plan), draft.to
    deliveries = []

    def add(channel: Channel, target: str, payload: dict[str, Any], endpoint: str | None = None) -> None:
        deliveries.append(
            Delivery(
                cell=to.cell,
                id=desk.new_id(),
                account=to.account,
                notice=draft.id,
                channel=channel,
                endpoint=endpoint,
                target=target,
                payload=_encode(payload).decode(),
            )
        )

    settings = desk.settings
    own = Reader(
        locale=to.locale or settings.locale,
        zone=to.time_zone or to.balance.zone or plan.zone,
        purchase_url=settings.purchase_url,
    )
    if settings.smtp is not None and to.email and to.by_email and "email" in plan.notify.channels:
        add("email", to.email, document(desk, draft, own))
    house = Reader(locale=settings.locale, zone=settings.time_zone, purchase_url=settings.purchase_url)
    for one in endpoints:
        mine = one.place in (None, (to.cell, to.account))
        if mine and one.channel in plan.notify.channels and (not one.kinds or draft.kind in one.kinds):
            reader = house if one.place is None else own
            add(one.channel, one.name, document(desk, draft, reader), one.id)
    return deliveries


def document(desk: Desk, draft: Draft, reader: Reader) -> dict[str, Any]:
    """Return a notice as it leaves the house: for a program, and in words for a person."""
    words = worded(draft.kind, draft.level, draft.percent, draft.facts, reader)
    facts = draft.facts
    unit = Unit(*facts["unit"])
    plain: dict[str, Any] = {
        "notice": draft.id,
        "kind": draft.kind,
        "account": draft.to.ref,
        "at": desk.clock(),
        "language": reader.locale[:2].lower(),
        "title": words.title,
        "text": words.text,
        "purchase_url": words.link,
        "unit": unit.name,
    }
    plain |= {name: digits(facts[name], unit) for name in ("remaining", "used", "amount") if name in facts}
    for name in ("resets_at", "expires_at"):
        if name in facts:
            plain[name] = None if facts[name] is None else moment(facts[name])
    if draft.kind == "level":
        used, left = percents(draft.percent)
        plain |= {"level": draft.level, "used_percent": used, "left_percent": left}
    return plain
