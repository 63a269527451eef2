"""Terms: plans and rates of a deployment, and the presets that come with tokenhouse."""

import tomllib
from decimal import Decimal
from importlib import resources
from typing import Any, Literal, get_args

from msgspec.structs import replace

from tokenhouse.errors import InvalidInput, StartRefused
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.identify import months_ahead
from tokenhouse.rules.amounts import Unit, shown
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.rates import parse_rate, suspicious
from tokenhouse.store import accounts
from tokenhouse.store.pool import Connection, trouble_translated

Preset = Literal["chat-tokens", "quota", "points", "money"]
PRESETS: tuple[str, ...] = get_args(Preset)


def preset(name: str) -> dict[str, Any]:
    """Return the document of a plan that comes with tokenhouse, decimals exact. Raises: InvalidInput."""
    if name not in PRESETS:
        raise InvalidInput("choice_unknown", field="preset", value=shown(name), known=", ".join(PRESETS))
    text = resources.files("tokenhouse.presets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


async def prepare(desk: Desk, connection: Connection) -> None:
    """Make a fresh database ready: the plan that the settings name, its unit, and the journal's months."""
    await desk.catalog.refresh(connection)
    name = desk.settings.plan
    if name not in desk.catalog.plans:
        if name not in PRESETS:
            raise StartRefused(
                "setting_unknown_plan", value=name, known=", ".join([*desk.catalog.plans, *PRESETS])
            )
        await desk.catalog.write_plan(connection, preset(name), "tokenhouse")
    await accounts.write_months(connection, months_ahead(desk.clock()))


async def plans(desk: Desk) -> dict[str, Plan]:
    """Return the newest version of every plan."""
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            await desk.catalog.refresh(connection)
    return desk.catalog.plans


async def write_plan(desk: Desk, document: dict[str, Any], *, actor: str, dry_run: bool = False) -> Plan:
    """Add a plan, or a newer version of one, or only return what that would be.

    Its unit must be the deployment's.
    """
    checked_text(actor, "actor")
    plan = desk.catalog.parse(document)
    unit = deployment_unit(desk)
    if unit is not None and plan.unit != unit:
        raise InvalidInput("unit_differs", field="unit", value=plan.unit.name, unit=unit.name)
    if dry_run:
        return would_write(desk, plan)
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            return await desk.catalog.write_plan(connection, document, actor)


def would_write(desk: Desk, plan: Plan) -> Plan:
    """Return a plan with the version that writing it would give; one that changes nothing keeps its own."""
    newest = desk.catalog.plans.get(plan.name)
    if newest is None:
        return replace(plan, version=1)
    same = replace(plan, version=newest.version)
    return same if same == newest else replace(plan, version=newest.version + 1)


async def write_preset(desk: Desk, name: str) -> Plan:
    """Add a plan that comes with tokenhouse."""
    return await write_plan(desk, preset(name), actor="tokenhouse")


async def write_rate(desk: Desk, document: dict[str, Any], *, listed: bool, actor: str) -> int:
    """Add a dated price, unless it is absurd; return its version."""
    absurd = suspicious(parse_rate(document))
    if absurd is not None:
        raise absurd
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            rate = await desk.catalog.write_rate(
                connection, document, checked_text(actor, "actor"), listed=listed
            )
    return rate.version


def deployment_unit(desk: Desk) -> Unit | None:
    """Return the unit of this deployment: its plans' one; None before it has any."""
    return next((plan.unit for plan in desk.catalog.plans.values()), None)
