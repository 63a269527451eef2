"""Terms: plans and rates of a deployment, and the presets that come with tokenhouse."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib import resources
from typing import Any, Literal, get_args

from tokenhouse.errors import InvalidInput, NotFound, StartRefused
from tokenhouse.flow.desk import Desk, checked_flag, checked_text
from tokenhouse.flow.identify import months_ahead
from tokenhouse.rules.amounts import Unit, shown
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.rates import parse_rate, suspicious
from tokenhouse.store import accounts
from tokenhouse.store.catalog import PlanVersion
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
        unit = deployment_unit(desk)
        if unit is not None and desk.catalog.parse(preset(name)).unit != unit:
            raise StartRefused("setting_plan_unit", value=name, unit=unit.name)
        await desk.catalog.write_plan(connection, preset(name), "tokenhouse")
    await accounts.write_months(connection, months_ahead(desk.clock()))


async def plans(desk: Desk) -> dict[str, Plan]:
    """Return the newest version of every plan."""
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            await desk.catalog.refresh(connection)
    return desk.catalog.plans


async def plan_versions(desk: Desk, name: str) -> list[PlanVersion]:
    """Return every version of a plan, the newest first. Raises: NotFound."""
    checked_text(name, "plan", least=1)
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            found = await desk.catalog.list_plan_versions(connection, name)
    if not found:
        raise NotFound("plan_unknown", plan=name)
    return found


async def write_plan(desk: Desk, document: Mapping[str, Any], *, actor: str, dry_run: bool = False) -> Plan:
    """Add a plan, or a newer version of one; its unit must be the deployment's. A dry run only checks it."""
    checked_text(actor, "actor")
    plan = desk.catalog.parse(document)
    check_texts(document, "plan")
    unit = deployment_unit(desk)
    if unit is not None and plan.unit != unit:
        raise InvalidInput("unit_differs", field="unit", value=plan.unit.name, unit=unit.name)
    if checked_flag(dry_run, "dry_run"):
        return plan
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            return await desk.catalog.write_plan(connection, dict(document), actor)


async def write_preset(desk: Desk, name: str) -> Plan:
    """Add a plan that comes with tokenhouse."""
    return await write_plan(desk, preset(name), actor="tokenhouse")


async def write_rate(desk: Desk, document: Mapping[str, Any], *, listed: bool, actor: str) -> int:
    """Add a dated price, unless it is absurd; return its version."""
    checked_flag(listed, "listed")
    rate = parse_rate(document)
    absurd = suspicious(rate)
    if absurd is not None:
        raise absurd
    unit = deployment_unit(desk)
    if unit is not None and rate.prices.unit not in (None, unit.name):
        facts = {"unit": unit.name, "model": rate.model}
        raise InvalidInput("rate_unit", field="unit", value=shown(rate.prices.unit), **facts)
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            written = await desk.catalog.write_rate(
                connection, dict(document), checked_text(actor, "actor"), listed=listed
            )
    return written.version


def check_texts(part: object, place: str) -> None:
    """Refuse a document with a text that could not be stored, wherever it stands."""
    if isinstance(part, str):
        checked_text(part, place, most=1_000)
    elif isinstance(part, Mapping):
        for name, value in part.items():
            check_texts(value, f"{place}.{checked_text(name, place)}")
    elif isinstance(part, list | tuple):
        for value in part:
            check_texts(value, place)


def deployment_unit(desk: Desk) -> Unit | None:
    """Return the unit of this deployment: its plans' one; None before it has any."""
    return next((plan.unit for plan in desk.catalog.plans.values()), None)
