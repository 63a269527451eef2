"""Packages and coupons: what a deployment sells, and the codes that it gives away."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.desk import Desk, checked_choice, checked_id, checked_list, checked_text, checked_whole
from tokenhouse.flow.terms import plans
from tokenhouse.rules.amounts import checked_amount, checked_number, shown
from tokenhouse.rules.periods import AT_MAX, instant
from tokenhouse.rules.plans import POINTS
from tokenhouse.rules.shop import DAYS_MAX, Package, bare, normalised, parse_package
from tokenhouse.store import shop
from tokenhouse.store.shop import STATES, Coupon, Redemption

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Letters of codes that we make: none is taken for another."""
LENGTH: Final = 12
"""Sixty bits, which nobody guesses."""
CODES_MAX: Final = 1_000
USES_MAX: Final = 2**31 - 1
PAGE_MAX: Final = 1_000


async def packages(desk: Desk) -> list[Package]:
    """Return the newest version of every package, whether it is sold now or not."""
    async with desk.pool.acquire() as connection:
        return await shop.list_packages(connection)


async def find_package(desk: Desk, name: str, version: int | None = None) -> Package:
    """Return a package in its newest version, or in a certain one. Raises: NotFound."""
    checked_text(name, "package")
    async with desk.pool.acquire() as connection:
        found = await shop.find_package(connection, name, version)
    if found is None:
        raise NotFound("package_unknown", package=name)
    return found


async def write_package(desk: Desk, document: Mapping[str, Any], *, actor: str) -> Package:
    """Add a package, or a newer version of one: orders under way keep the one that they were opened with."""
    package = parse_package(document)
    checked_text(actor, "actor")
    await _known(desk, [*package.plans, *([package.plan] if package.plan else [])])
    async with desk.pool.acquire() as connection:
        return await shop.write_package(connection, package, desk.clock(), actor)


async def write_coupons(
    desk: Desk,
    *,
    code: str = "",
    count: int = 1,
    credit: int = 0,
    discount: Decimal | str | int = 0,
    credit_days: int = 0,
    uses_max: int | None = 1,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    only_plans: Sequence[str] = (),
    only_packages: Sequence[str] = (),
    note: str = "",
    actor: str = "",
) -> list[Coupon]:
    """Make coupons: one with a `code` of its own, or `count` with codes that nobody guesses.

    Raises: InvalidInput, also for a code that is taken.
    """
    checked_whole(count, "count", 1, 1 if code != "" else CODES_MAX)
    if uses_max is not None:
        checked_whole(uses_max, "uses_max", 1, USES_MAX)
    share = int(checked_number(discount, "discount", most=Decimal(1)) * POINTS)
    given = checked_amount(credit, "credit", least=0)
    if (given > 0) == (share > 0):
        raise InvalidInput("coupon_gives", field="credit", value=given)
    from_at = desk.clock() if valid_from is None else valid_from
    last_at = from_at if valid_until is None else valid_until
    for at, field in ((from_at, "valid_from"), (last_at, "valid_until")):
        if instant(at, field) >= AT_MAX:
            raise InvalidInput("instant_out_of_range", field=field, value=str(at))
    if valid_until is not None and valid_until <= max(from_at, desk.clock()):
        raise InvalidInput("expires_in_past", field="valid_until", value=str(valid_until))
    await _known(desk, checked_list(only_plans, "only_plans"))
    for name in checked_list(only_packages, "only_packages"):
        await find_package(desk, name)
    coupons = [
        Coupon(
            code=normalised(code) if code != "" else _new_code(),
            credit=given,
            discount=share,
            credit_days=checked_whole(credit_days, "credit_days", 0, DAYS_MAX),
            uses_max=uses_max,
            uses=0,
            valid_from=from_at,
            valid_until=valid_until,
            plans=tuple(only_plans),
            packages=tuple(only_packages),
            note=checked_text(note, "note", most=1_000),
            created_at=desk.clock(),
            actor=checked_text(actor, "actor"),
            ended_at=None,
        )
        for _ in range(count)
    ]
    async with desk.pool.acquire() as connection, connection.transaction():
        for one in coupons:
            if await shop.write_coupon(connection, one) is None:
                raise InvalidInput("coupon_taken", field="code", value=one.code)
    return coupons


async def coupons(
    desk: Desk, *, after: str = "", state: str = "", search: str = "", rows_max: int = 100
) -> list[Coupon]:
    """Return the coupons whose code comes after one, in order: all, or those in a state.

    `search`: only those whose note holds it, or whose code does, however it is typed.
    """
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    checked_text(after, "after")
    checked_text(search, "search")
    if state != "":
        checked_choice(state, "state", STATES)
    async with desk.pool.acquire() as connection:
        return await shop.list_coupons(
            connection, after, rows_max, now=desk.clock(), state=state, noted=search, coded=bare(search)
        )


async def redemptions(
    desk: Desk, code: str, *, before: str | None = None, rows_max: int = 100
) -> list[Redemption]:
    """Return who used a coupon and what it brought, newest first. Raises: NotFound, InvalidInput."""
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    last = None if before is None else checked_id(before, "cursor")
    wanted = (await find_coupon(desk, code)).code
    async with desk.pool.acquire() as connection:
        return await shop.list_redemptions(connection, wanted, last, rows_max)


async def find_coupon(desk: Desk, code: str) -> Coupon:
    """Return a coupon, however its code is typed. Raises: NotFound, InvalidInput."""
    wanted = normalised(code)
    async with desk.pool.acquire() as connection:
        found = await shop.find_coupon(connection, wanted)
    if found is None:
        raise NotFound("coupon_unknown", code=shown(code))
    return found


async def end_coupon(desk: Desk, code: str) -> Coupon:
    """End a coupon: nobody can use it any more, and what it gave stays. Idempotent."""
    wanted = (await find_coupon(desk, code)).code
    async with desk.pool.acquire() as connection, connection.transaction():
        ended = await shop.write_coupon_ended(connection, wanted, desk.clock())
        if ended is not None:
            await keep(connection, ended)
    return ended or await find_coupon(desk, wanted)


def _new_code() -> str:
    """Return a code that nobody guesses."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


async def _known(desk: Desk, names: Sequence[str]) -> None:
    """Return if there are such plans. Raises: NotFound."""
    known = await plans(desk) if names else {}
    for name in names:
        if name not in known:
            raise NotFound("plan_unknown", plan=shown(name))
