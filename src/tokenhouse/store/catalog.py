"""The catalog: plans and rates as this process knows them, read again when a batch sees newer ones."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.rules.plans import Plan, parse_plan
from tokenhouse.rules.rates import Rate, RateTable, parse_rate
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

FIND_CATALOG: Final = sql("find_catalog")
LIST_PLANS: Final = sql("list_plans")
LIST_PLAN_VERSIONS: Final = sql("list_plan_versions")
LIST_RATES: Final = sql("list_rates")
WRITE_PLAN: Final = sql("write_plan")
WRITE_RATE: Final = sql("write_rate")
WRITE_CATALOG_VERSION: Final = sql("write_catalog_version")
LOCK_CATALOG: Final = sql("lock_catalog")
WRITE_RATES: Final = sql("write_rates")
LIST_HELD: Final = sql("list_held")
WRITE_HELD: Final = sql("write_held")
LOCK_HELD: Final = sql("lock_held")
WRITE_DECISION: Final = sql("write_decision")

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


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
    """What a plan said from `created_at` on, until its next version."""

    plan: Plan
    created_at: datetime
    actor: str


Document = dict[str, Any]
Choice = tuple[Sequence[Document], Sequence[Document]]
"""Documents to write as rates, and documents to hold back."""


class Catalog:
    """Plans by name and the rate table, as of `version`. Shared by the lanes of one process."""

    def __init__(self, *, zone: str, environment: str) -> None:
        self.version = 0
        self.rates = RateTable()
        self.own: tuple[Rate, ...] = ()
        self.listed: tuple[Rate, ...] = ()
        self._rates_seen = 0
        self._plans: dict[str, Plan] = {}
        self._zone, self._environment = zone, environment

    @property
    def plans(self) -> dict[str, Plan]:
        """The newest version of every plan."""
        return dict(self._plans)

    def plan(self, name: str) -> Plan:
        """Return the terms called `name`. Raises: NotFound."""
        try:
            return self._plans[name]
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

    async def refresh(self, connection: Connection) -> None:
        """Read plans and rates again, in one snapshot with the version that names them."""
        row = await connection.fetchrow(FIND_CATALOG)
        plans = {
            found["name"]: msgspec.structs.replace(
                self.parse(_decimals(found["document"])), version=found["version"]
            )
            for found in await connection.fetch(LIST_PLANS)
        }
        seen, own, listed = self._rates_seen, [*self.own], [*self.listed]
        for found in await connection.fetch(LIST_RATES, seen):
            rate = msgspec.structs.replace(parse_rate(_decimals(found["document"])), version=found["version"])
            (listed if found["listed"] else own).append(rate)
            seen = rate.version
        if seen != self._rates_seen:
            self.rates = RateTable(own, listed)
            self.own, self.listed, self._rates_seen = tuple(own), tuple(listed), seen
        self._plans = plans
        self.version = row["version"] if row else 0

    async def write_plan(self, connection: Connection, document: dict[str, Any], actor: str) -> Plan:
        """Add a plan, or a newer version of one, and return it; every process sees it with its next batch.

        A document that equals the newest version changes nothing.
        """
        plan = self.parse(document)
        text = _encode(document).decode()
        async with connection.transaction():
            await connection.execute(WRITE_CATALOG_VERSION)
            await connection.execute(WRITE_PLAN, plan.name, text, actor)
            await self.refresh(connection)
        return self.plan(plan.name)

    async def list_plan_versions(self, connection: Connection, name: str) -> list[PlanVersion]:
        """Return every version of a plan, the newest first."""
        return [
            PlanVersion(
                plan=msgspec.structs.replace(
                    self.parse(_decimals(found["document"])), version=found["version"]
                ),
                created_at=found["created_at"],
                actor=found["actor"],
            )
            for found in await connection.fetch(LIST_PLAN_VERSIONS, name)
        ]

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
