"""The catalog: plans and rates as this process knows them, read again when a batch sees newer ones."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from tokenhouse.errors import NotFound
from tokenhouse.rules.plans import Plan, parse_plan
from tokenhouse.rules.rates import Rate, RateTable, parse_rate
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

FIND_CATALOG: Final = sql("find_catalog")
LIST_PLANS: Final = sql("list_plans")
LIST_RATES: Final = sql("list_rates")
WRITE_PLAN: Final = sql("write_plan")
WRITE_RATE: Final = sql("write_rate")
WRITE_CATALOG_VERSION: Final = sql("write_catalog_version")


_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def _decimals(text: str) -> Any:
    """Return a JSON document with its decimals exact."""
    return json.loads(text, parse_float=Decimal)


class Catalog:
    """Plans by name and the rate table, as of `version`. Shared by the lanes of one process."""

    def __init__(self, *, zone: str, environment: str) -> None:
        self.version = 0
        self.rates = RateTable()
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
        own: list[Rate] = []
        listed: list[Rate] = []
        for found in await connection.fetch(LIST_RATES):
            rate = msgspec.structs.replace(parse_rate(_decimals(found["document"])), version=found["version"])
            (listed if found["listed"] else own).append(rate)
        self._plans, self.rates = plans, RateTable(own, listed)
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

    async def write_rate(
        self, connection: Connection, document: dict[str, Any], actor: str, *, listed: bool
    ) -> Rate:
        """Add a dated price, and return it with its version."""
        rate = parse_rate(document)
        text = _encode(document).decode()
        async with connection.transaction():
            await connection.execute(WRITE_CATALOG_VERSION)
            version = await connection.fetchval(WRITE_RATE, text, listed, actor)
            await self.refresh(connection)
        return msgspec.structs.replace(rate, version=version)
