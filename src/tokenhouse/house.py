"""Tokenhouse, the house: open it, ask it, close it. One method a verb; everything else is behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tokenhouse import settings as settings_of
from tokenhouse.errors import InvalidInput, Refused
from tokenhouse.flow import estimate, fund, identify, notify, report, reserve, settle, terms, upkeep
from tokenhouse.flow.attending import Attending
from tokenhouse.flow.browsing import Browsing
from tokenhouse.flow.bus import Bus
from tokenhouse.flow.caretaker import Caretaker
from tokenhouse.flow.chatting import Chatting
from tokenhouse.flow.deployment import Deployment
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.doorkeeper import Doorkeeper
from tokenhouse.flow.insight import Insight
from tokenhouse.flow.membership import Membership
from tokenhouse.flow.noticing import Noticing
from tokenhouse.flow.pace import Pace
from tokenhouse.flow.planning import Planning
from tokenhouse.flow.pricing import Pricing
from tokenhouse.flow.refusals import Refusals
from tokenhouse.flow.remembered import Remembered
from tokenhouse.flow.report import BalanceView, EntryView
from tokenhouse.flow.reserve import Reservation
from tokenhouse.flow.settle import Receipt
from tokenhouse.flow.shop import Shop
from tokenhouse.flow.sources import Sources
from tokenhouse.flow.terms import Preset
from tokenhouse.flow.upkeep import Swept
from tokenhouse.rules.charges import Explanation
from tokenhouse.rules.periods import instant
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.quotes import Quote
from tokenhouse.rules.usage import Usage, checked_usage
from tokenhouse.rules.verdict import payer_of
from tokenhouse.settings import Settings
from tokenhouse.store.accounts import Account
from tokenhouse.store.catalog import Catalog
from tokenhouse.store.embedded import Lease, open_embedded
from tokenhouse.store.migrate import migrate
from tokenhouse.store.pool import connect, open_pool
from tokenhouse.store.shelf import open_shelf
from tokenhouse.store.writer import LaneConnection, Writer

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the time of this machine, in UTC."""
    return datetime.now(UTC)


class Tokenhouse(
    Chatting,
    Doorkeeper,
    Shop,
    Pricing,
    Deployment,
    Membership,
    Caretaker,
    Browsing,
    Attending,
    Planning,
    Sources,
    Noticing,
    Insight,
):
    """The bank for an application's tokens, over one PostgreSQL. Open it with `Tokenhouse.open`.

    Accounts are named by `ref`, the outside name (a user's id or e-mail). Amounts are whole numbers of the
    deployment's smallest unit. A write takes an idempotency `key`: repeated under it, the first answer comes
    again. Expected noes are `Refused` exceptions with a stable `code`.
    """

    def __init__(self, desk: Desk, lease: Lease | None, dsn: str) -> None:
        self._desk, self._lease, self._dsn = desk, lease, dsn

    @classmethod
    @asynccontextmanager
    async def open(
        cls, dsn: str | None = None, *, settings: Settings | None = None, clock: Clock = system_clock
    ) -> AsyncIterator[Self]:
        """Open the house: database found or started, schema brought up to date, lanes at work.

        Closed at the end.

        Args:
            dsn: a PostgreSQL to use; otherwise the settings' one, otherwise the embedded one.
            settings: otherwise read from environment and `tokenhouse.toml`.
            clock: the only clock there is; tests pass one that they move.

        Raises: StartRefused, DatabaseTrouble.
        """
        chosen = settings or settings_of.read()
        lease = None
        dsn = dsn or chosen.database_url
        if dsn is None:
            lease = await asyncio.to_thread(open_embedded, Path(chosen.folder) / "postgres")
            dsn = lease.dsn
        try:
            house = cls(await _desk(dsn, lease, chosen, clock), lease, dsn)
            try:
                yield house
            finally:
                await house._close()
        finally:
            if lease is not None:
                await asyncio.to_thread(lease.close)

    async def _close(self) -> None:
        """Take nothing more, carry out what waits, and let the database go."""
        await self._close_schedule()
        await self._desk.under_way.close()
        await self._close_calls()
        await self._desk.refusals.close()
        await self._desk.bell.close()
        await self._desk.bus.close()
        await self._desk.remembered.close()
        await self._desk.keyring.close()
        await self._desk.writer.close()
        await self._desk.pace.close()
        await self._desk.pool.close()

    @asynccontextmanager
    async def _beside(self, clock: Clock) -> AsyncIterator[Desk]:
        """Open a desk on the same database that lives in another time."""
        async with type(self).open(self._dsn, settings=self._desk.settings, clock=clock) as other:
            yield other.desk

    @property
    def desk(self) -> Desk:
        """The inside of the house, for its own flows and tools."""
        return self._desk

    async def ready(self) -> str:
        """Return the version of the database, which answers now; an embedded one is started if need be.

        Raises: DatabaseTrouble.
        """
        if self._lease is not None:
            await asyncio.to_thread(self._lease.ensure)
        return await upkeep.answering(self._desk)

    # Accounts

    async def account(
        self, ref: str, *, parent: str | None = None, actor: str = "", **profile: Any
    ) -> Account:
        """Return the account called `ref`, opening it with balance and first allowance if it is new.

        `profile`: kind (user, team, company), plan, own_credit, name, email, locale, time_zone, tags. An
        account below a `parent` draws on its nearest ancestor with credit unless `own_credit=True`.
        """
        above = await self._desk.address(parent) if parent is not None else None
        checked = identify.checked_profile(ref=ref, above=above, **profile)
        return await identify.open_account(self._desk, checked, actor=actor)

    async def describe(self, ref: str) -> Account:
        """Return an account that exists. Raises: NotFound."""
        return await identify.describe(self._desk, ref)

    async def accounts(self, *, after: tuple[int, int] = (-1, 0), rows_max: int = 100) -> list[Account]:
        """Return a page of accounts; pass the last one's `(address.cell, address.account)` for the next."""
        return await identify.page(self._desk, after, rows_max)

    async def children(self, ref: str) -> list[str]:
        """Return the refs of the accounts directly below one."""
        return await identify.children(self._desk, ref)

    async def amend(
        self,
        ref: str,
        *,
        state: str | None = None,
        plan: str | None = None,
        key: str | None = None,
        actor: str = "",
        note: str = "",
    ) -> BalanceView:
        """Change an account's state (active, suspended, closed) or plan, on every node at once."""
        await identify.amend(self._desk, ref, state=state, plan=plan, key=key, actor=actor, note=note)
        return await self.balance(ref)

    # Calls

    async def quote(self, ref: str, model: str, usage: Usage, *, expected: Usage | None = None) -> Quote:
        """Return the most that a request can cost this account.

        `usage` is its input, and its output at the cap.
        """
        return estimate.estimate(self._desk, await self._payer_plan(ref), model, usage, expected)

    async def explain(self, ref: str, model: str, usage: Usage) -> Explanation:
        """Return how the charge of a usage comes about.

        Tokens x rate x multiplier, and the rate's version.
        """
        return estimate.explain(self._desk, await self._payer_plan(ref), model, usage)

    async def reserve(
        self,
        ref: str,
        amount: int,
        *,
        least: int | None = None,
        tokens: int = 0,
        model: str = "",
        api_key: str = "",
        lapse_charge: int = 0,
        key: str | None = None,
    ) -> Reservation:
        """Set `amount` aside for one call, or at least `least` of it; durable when this returns.

        Raises: AccountClosed, ModelRefused, LimitReached, InsufficientCredit (in this order), NotFound,
        KeyReused, Busy.
        """
        try:
            return await reserve.reserve(
                self._desk,
                ref,
                amount,
                least=least,
                tokens=tokens,
                model=model,
                api_key=api_key,
                lapse_charge=lapse_charge,
                key=key,
            )
        except Refused as no:
            self._desk.refused(ref, no)
            raise

    async def settle(
        self,
        ref: str,
        reservation: str,
        charge: int | None = None,
        *,
        usage: Usage | None = None,
        model: str = "",
        rate: int = 0,
        source: str = "provider",
        actor: str = "",
        note: str = "",
    ) -> Receipt:
        """End a reservation with a charge, given or computed from `usage` by the plan's rates. Never refused.

        Repeated with the same charge, the first answer comes again; with another one KeyReused is raised.
        """
        if charge is None:
            charge, rate = await self._price(ref, model, usage)
        return await settle.settle(
            self._desk,
            ref,
            reservation,
            charge,
            usage=usage,
            model=model,
            rate=rate,
            source=source,
            actor=actor,
            note=note,
        )

    async def release(self, ref: str, reservation: str, *, actor: str = "", note: str = "") -> Receipt:
        """End a reservation without a charge."""
        return await settle.release(self._desk, ref, reservation, actor=actor, note=note)

    async def charge(
        self,
        ref: str,
        amount: int | None = None,
        *,
        usage: Usage | None = None,
        model: str = "",
        rate: int = 0,
        api_key: str = "",
        key: str | None = None,
        source: str = "provider",
        actor: str = "",
        note: str = "",
    ) -> Receipt:
        """Charge at once, without a reservation.

        Refused, and nothing charged, when the account cannot pay it all.
        """
        if amount is None:
            amount, rate = await self._price(ref, model, usage)
        try:
            return await settle.charge(
                self._desk,
                ref,
                amount,
                usage=usage,
                model=model,
                rate=rate,
                api_key=api_key,
                key=key,
                source=source,
                actor=actor,
                note=note,
            )
        except Refused as no:
            self._desk.refused(ref, no)
            raise

    # Credit

    async def grant(
        self,
        ref: str,
        amount: int,
        *,
        source: str = "bonus",
        priority: int = 0,
        expires_at: datetime | None = None,
        key: str | None = None,
        actor: str = "",
        note: str = "",
    ) -> Receipt:
        """Give credit: purchase, bonus, refund, coupon, adjustment or import.

        Open debt is repaid from it first.
        """
        return await fund.grant(
            self._desk,
            ref,
            amount,
            source=source,
            priority=priority,
            expires_at=expires_at,
            key=key,
            actor=actor,
            note=note,
        )

    async def claw_back(
        self, ref: str, grant: str, amount: int, *, key: str | None = None, actor: str = "", note: str = ""
    ) -> Receipt:
        """Take back a grant by its id: what is unspent.

        The rest becomes debt or is written off, as the plan says.
        """
        return await fund.claw_back(self._desk, ref, grant, amount, key=key, actor=actor, note=note)

    async def refund(
        self, ref: str, charge: str, amount: int, *, key: str | None = None, actor: str = "", note: str = ""
    ) -> Receipt:
        """Give back a charge by its id (its reservation's), wholly or in part.

        Never more than was charged.
        """
        return await fund.refund(self._desk, ref, charge, amount, key=key, actor=actor, note=note)

    async def adjust(
        self, ref: str, amount: int, *, key: str | None = None, actor: str = "", note: str = ""
    ) -> Receipt:
        """Correct a balance by hand, up or down, with who and why in the journal."""
        return await fund.adjust(self._desk, ref, amount, key=key, actor=actor, note=note)

    # Reports

    async def balance(self, ref: str) -> BalanceView:
        """Return where an account stands now.

        Available, held, used, used percent, period, level, estimated turns.
        """
        return await report.balance(self._desk, ref)

    async def history(
        self, ref: str, *, before: int | None = None, kinds: tuple[str, ...] = (), rows_max: int = 20
    ) -> list[EntryView]:
        """Return a page of an account's journal, newest first.

        Pass the last `seq` as `before` for the next page.
        """
        return await report.history(self._desk, ref, before=before, kinds=kinds, rows_max=rows_max)

    # Terms

    async def plans(self) -> dict[str, Plan]:
        """Return every plan as it holds now."""
        return await terms.plans(self._desk)

    async def write_plan(
        self,
        document: Mapping[str, Any],
        *,
        actor: str = "",
        starts_at: datetime | None = None,
        dry_run: bool = False,
    ) -> Plan:
        """Add a plan, or a newer version of one; it counts from the next operation on, on every node.

        With `starts_at` it counts from the first operation at or after that instant.
        """
        return await terms.write_plan(self._desk, document, actor=actor, starts_at=starts_at, dry_run=dry_run)

    async def write_rate(self, document: Mapping[str, Any], *, listed: bool = False, actor: str = "") -> int:
        """Add a dated price of a model and return its version."""
        return await terms.write_rate(self._desk, document, listed=listed, actor=actor)

    async def preset(self, name: Preset) -> Plan:
        """Add a plan that comes with tokenhouse."""
        return await terms.write_preset(self._desk, name)

    async def sweep(self) -> Swept:
        """Bring idle accounts forward to now.

        Reservations lapse, lots expire, periods end, allowances come.
        """
        return await upkeep.sweep(self._desk)

    async def _payer_plan(self, ref: str) -> Plan:
        """Return the plan that prices an account's calls: its payer's."""
        path = await report.read_path(self._desk, await self._desk.address(ref))
        return payer_of(path).plan

    async def _price(self, ref: str, model: str, usage: Usage | None) -> tuple[int, int]:
        """Return what a usage costs an account, and the version of the rate."""
        if usage is None:
            raise InvalidInput("charge_or_usage", field="charge", value="")
        price = estimate.price(self._desk, await self._payer_plan(ref), model)
        return price.charge(checked_usage(usage)), price.rate.version


async def _desk(dsn: str, lease: Lease | None, settings: Settings, clock: Clock) -> Desk:
    """Return the desk of a house: schema up to date, plans known, lanes at work."""

    async def lane_connection() -> LaneConnection:
        if lease is not None:
            await asyncio.to_thread(lease.ensure)
        return await connect(dsn, application_name="tokenhouse lane")

    async def ear() -> LaneConnection:
        return await connect(dsn, application_name="tokenhouse bus")

    pool = await open_pool(dsn)
    try:
        catalog = Catalog(
            zone=settings.time_zone, environment=settings.environment, now=lambda: instant(clock())
        )
        writer = Writer(
            lane_connection,
            catalog,
            lambda: instant(clock()),
            lanes=settings.lanes,
            rows_max=settings.batch_rows_max,
            queue_max=settings.queue_rows_max,
            retry_s=settings.retry_s,
        )
        spool = settings.folder / "spool" / _fingerprint(dsn)
        shelf = open_shelf(settings.redis_url, spool.name) if settings.redis_url else None
        bus = Bus(pool, ear)
        desk = Desk(
            settings=settings,
            pool=pool,
            writer=writer,
            catalog=catalog,
            clock=clock,
            system_time=clock is system_clock,
            bus=bus,
            refusals=Refusals(pool, settings.time_zone),
            pace=Pace(pool, clock),
            remembered=Remembered(clock, bus, shelf),
            spool=spool,
        )
        async with pool.acquire() as connection:
            await migrate(connection)
            await terms.prepare(desk, connection)
            await notify.attend(desk, connection)
        writer.start()
    except BaseException:
        await pool.close()
        raise
    return desk


def _fingerprint(dsn: str) -> str:
    """Return a name for a database that its password does not change."""
    place = urlsplit(dsn)
    plain = f"{place.hostname or ''}:{place.port or ''}{place.path}?{place.query}"
    return sha256(plain.encode()).hexdigest()[:16]
