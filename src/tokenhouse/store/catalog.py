"""The catalog: plans and rates as this process knows them, read again when a batch sees newer ones."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import asyncpg
import msgspec

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.rules.course import Course, Version
from tokenhouse.rules.periods import Instant, instant, moment
from tokenhouse.rules.plans import Plan, parse_plan
from tokenhouse.rules.rates import Rate, RateTable, parse_rate
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

FIND_CATALOG: Final = sql("find_catalog")
LIST_PLANS: Final = sql("list_plans")
LIST_PLAN_VERSIONS: Final = sql("list_plan_versions")
LIST_RATES: Final = sql("list_rates")
WRITE_PLAN: Final = sql("write_plan")
WRITE_PLAN_WITHDRAWN: Final = sql("write_plan_withdrawn")
WRITE_RATE: Final = sql("write_rate")
WRITE_CATALOG_VERSION: Final = sql("write_catalog_version")
LOCK_CATALOG: Final = sql("lock_catalog")
WRITE_RATES: Final = sql("write_rates")
LIST_HELD: Final = sql("list_held")
WRITE_HELD: Final = sql("write_held")
LOCK_HELD: Final = sql("lock_held")
WRITE_DECISION: Final = sql("write_decision")

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

FORGOTTEN: Final = -1
"""The version of what nobody can vouch for."""


def _decimals(text: str) -> Any:
    """Return a JSON document with its decimals exact."""
    return json.loads(text, parse_float=Decimal)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A price in quarantine, or one that was decided: `version` is the rate's that it became."""

    id: int
    rate: Rate
    listed: bool
    created_at: datetime
    actor: str
    decided_at: datetime | None
    decided_by: str
    version: int | None


class PlanVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a plan as it is stored: it holds from `starts_at` on, or else from its writing on."""

    plan: Plan
    created_at: datetime
    actor: str
    starts_at: datetime | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""

    @property
    def version(self) -> Version:
        """The same as the rules see it."""
        return Version(
            plan=self.plan,
            written_at=instant(self.created_at),
            starts_at=None if self.starts_at is None else instant(self.starts_at),
            withdrawn=self.withdrawn_at is not None,
        )


Document = dict[str, Any]
Choice = tuple[Sequence[Document], Sequence[Document]]
"""Documents to write as rates, and documents to hold back."""


class Catalog:
    """Plans by name and the rate table, as of `version`. Shared by the lanes of one process."""

    def __init__(self, *, zone: str, environment: str, now: Callable[[], Instant]) -> None:
        self.version = 0
        self.rates = RateTable()
        self.own: tuple[Rate, ...] = ()
        self.listed: tuple[Rate, ...] = ()
        self._rates_seen = 0
        self._courses: dict[str, Course] = {}
        self._zone, self._environment, self._now = zone, environment, now

    @property
    def plans(self) -> dict[str, Plan]:
        """Every plan as it holds now."""
        now = self._now()
        return {name: course.at(now) for name, course in self._courses.items()}

    def plan(self, name: str, at: Instant | None = None) -> Plan:
        """Return the terms called `name` as they hold at an instant, or now. Raises: NotFound."""
        return self._course(name).at(self._now() if at is None else at)

    def ahead(self, name: str) -> list[tuple[Instant, Plan]]:
        """Return what a plan is to say later: each version with its start. Raises: NotFound."""
        return self._course(name).after(self._now())

    def _course(self, name: str) -> Course:
        try:
            return self._courses[name]
        except KeyError:
            raise NotFound("plan_unknown", plan=name) from None

    def parse(self, document: Mapping[str, Any]) -> Plan:
        """Return the plan of a document as this deployment reads it.

        Its environment's variant, its time zone.
        """
        return parse_plan(document, environment=self._environment, zone=self._zone)

    async def keep_up(self, connection: Connection) -> None:
        """Read plans and rates again if some process has written newer ones."""
        row = await connection.fetchrow(FIND_CATALOG)
        if row is None or row["version"] != self.version:
            await self.refresh(connection)

    def forget(self) -> None:
        """Have everything read anew when it is next needed: what was read may never be there.

        Until then it stands, for calls that are under way.
        """
        self.version = FORGOTTEN

    async def refresh(self, connection: Connection) -> None:
        """Read plans and rates again, in one snapshot with the version that names them."""
        row = await connection.fetchrow(FIND_CATALOG)
        courses: dict[str, list[Version]] = {}
        for found in await connection.fetch(LIST_PLANS):
            courses.setdefault(found["name"], []).append(self._stored(found).version)
        if self.version == FORGOTTEN:
            self._rates_seen, self.own, self.listed = 0, (), ()
        seen, own, listed = self._rates_seen, [*self.own], [*self.listed]
        for found in await connection.fetch(LIST_RATES, seen):
            rate = msgspec.structs.replace(parse_rate(_decimals(found["document"])), version=found["version"])
            (listed if found["listed"] else own).append(rate)
            seen = rate.version
        if seen != self._rates_seen:
            self.rates = RateTable(own, listed)
            self.own, self.listed, self._rates_seen = tuple(own), tuple(listed), seen
        self._courses = {name: Course(versions) for name, versions in courses.items()}
        self.version = row["version"] if row else 0

    def _stored(self, found: asyncpg.Record) -> PlanVersion:
        """Return a version out of its row."""
        plan = msgspec.structs.replace(self.parse(_decimals(found["document"])), version=found["version"])
        told = ("created_at", "actor", "starts_at", "withdrawn_at", "withdrawn_by")
        return PlanVersion(plan=plan, **{name: found[name] for name in told})

    async def write_plan(
        self, connection: Connection, document: dict[str, Any], actor: str, starts_at: Instant | None = None
    ) -> Plan:
        """Add a plan, or a newer version of one, and return it; every process sees it with its next batch.

        It holds at once, or from an instant on. A document that equals what would hold then changes nothing.
        Raises: InvalidInput for the first version of a plan that is not to hold at once.
        """
        plan, now = self.parse(document), self._now()
        text = _encode(document).decode()
        begins = None if starts_at is None else moment(starts_at)
        async with connection.transaction():
            await connection.execute(WRITE_CATALOG_VERSION)
            await self.refresh(connection)
            course = self._courses.get(plan.name)
            if course is None and begins is not None:
                raise InvalidInput("start_first", field="starts_at", value=begins.isoformat(), plan=plan.name)
            held = course.at(now if starts_at is None else starts_at) if course else plan
            written = await connection.fetchval(
                WRITE_PLAN, plan.name, text, actor, moment(now), begins, held.version
            )
            await self.refresh(connection)
        return held if written is None else msgspec.structs.replace(plan, version=written)

    async def withdraw_plan(self, connection: Connection, name: str, version: int, actor: str) -> bool:
        """Call off a version that has not started; return whether it still could be."""
        async with connection.transaction():
            await connection.execute(WRITE_CATALOG_VERSION)
            gone = await connection.fetchval(WRITE_PLAN_WITHDRAWN, name, version, moment(self._now()), actor)
            await self.refresh(connection)
        return gone is not None

    async def list_plan_versions(self, connection: Connection, name: str) -> list[PlanVersion]:
        """Return every version of a plan, the newest first."""
        return [self._stored(found) for found in await connection.fetch(LIST_PLAN_VERSIONS, name)]

    async def write_rate(
        self, connection: Connection, document: Document, actor: str, *, listed: bool
    ) -> Rate:
        """Add a dated price, and return it with its version."""
        rate = parse_rate(document)
        async with connection.transaction():
            await connection.execute(WRITE_CATALOG_VERSION)
            version = await connection.fetchval(WRITE_RATE, _encode(document).decode(), listed, actor)
        await self.refresh(connection)
        return msgspec.structs.replace(rate, version=version)

    async def write_rates(
        self, connection: Connection, choose: Callable[[list[Held]], Choice], actor: str, *, listed: bool
    ) -> None:
        """Write what `choose` picks when it has seen the newest catalog and all that is held; all or nothing.

        Where it picks nothing, nothing is written, not even a version.
        """
        async with connection.transaction():
            await connection.fetchval(LOCK_CATALOG)
            await self.refresh(connection)
            rates, held = choose(await self.list_held(connection))
            if rates or held:
                await connection.execute(WRITE_CATALOG_VERSION)
                await connection.fetch(WRITE_RATES, [_encode(one).decode() for one in rates], listed, actor)
                await connection.execute(WRITE_HELD, [_encode(one).decode() for one in held], listed, actor)
        await self.refresh(connection)

    async def list_held(self, connection: Connection) -> list[Held]:
        """Return every price that is or was in quarantine, oldest first."""
        return [
            Held(
                rate=parse_rate(_decimals(found["document"])),
                version=found["rate"],
                **{name: found[name] for name in ("id", "listed", "created_at", "actor")},
                **{name: found[name] for name in ("decided_at", "decided_by")},
            )
            for found in await connection.fetch(LIST_HELD)
        ]

    async def decide(self, connection: Connection, held_id: int, actor: str, *, accept: bool) -> Rate | None:
        """Accept a held price as a rate, or discard it; return the rate. Raises: NotFound, InvalidInput."""
        version = None
        async with connection.transaction():
            await connection.fetchval(LOCK_CATALOG)
            found = await connection.fetchrow(LOCK_HELD, held_id)
            if found is None:
                raise NotFound("rate_not_held", id=held_id)
            if found["decided_at"] is not None:
                raise InvalidInput("rate_decided", field="id", value=held_id)
            if accept:
                await connection.execute(WRITE_CATALOG_VERSION)
                version = await connection.fetchval(WRITE_RATE, found["document"], found["listed"], actor)
            await connection.execute(WRITE_DECISION, held_id, actor, version)
        await self.refresh(connection)
        if version is None:
            return None
        return msgspec.structs.replace(parse_rate(_decimals(found["document"])), version=version)
