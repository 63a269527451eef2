"""Terms: plans and rates of a deployment, and the presets that come with tokenhouse."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from importlib import resources
from typing import Any, Final, Literal, get_args

import msgspec

from tokenhouse.errors import InvalidInput, NotFound, StartRefused
from tokenhouse.flow.desk import Desk, checked_flag, checked_text, checked_whole
from tokenhouse.flow.identify import months_ahead
from tokenhouse.rules.amounts import Unit, shown
from tokenhouse.rules.course import Course, State, before
from tokenhouse.rules.periods import AT_MAX, Instant, instant, moment
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.rates import parse_rate, suspicious
from tokenhouse.store import accounts
from tokenhouse.store.pool import Connection

Preset = Literal["chat-tokens", "quota", "points", "money"]
PRESETS: tuple[str, ...] = get_args(Preset)
VERSION_MAX: Final = 2**31 - 1


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a plan, and how it stands: it holds from `starts_at` on, after version `follows`."""

    plan: Plan
    created_at: datetime
    actor: str
    starts_at: datetime
    state: State
    follows: int | None
    withdrawn_at: datetime | None
    withdrawn_by: str


class PlannedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a plan that is to hold from `starts_at` on."""

    plan: Plan
    starts_at: datetime


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
    """Return every plan as it holds now."""
    await _read(desk)
    return desk.catalog.plans


def title_of(desk: Desk, plan: str) -> str:
    """Return what people call a plan: its title, or its name where it has none."""
    known = desk.catalog.plans.get(plan)
    return (known.title if known else "") or plan


async def planned(desk: Desk) -> list[PlannedPlan]:
    """Return the versions of all plans that are to hold later, the first to start first."""
    await _read(desk)
    found = [
        PlannedPlan(plan=plan, starts_at=moment(start))
        for name in desk.catalog.plans
        for start, plan in desk.catalog.ahead(name)
    ]
    return sorted(found, key=lambda one: (one.starts_at, one.plan.name))


async def _read(desk: Desk) -> None:
    """See that this process knows the newest terms."""
    async with desk.pool.acquire() as connection:
        await desk.catalog.refresh(connection)


async def plan_versions(desk: Desk, name: str) -> list[VersionView]:
    """Return every version of a plan, the newest first. Raises: NotFound."""
    checked_text(name, "plan", least=1)
    async with desk.pool.acquire() as connection:
        found = await desk.catalog.list_plan_versions(connection, name)
    if not found:
        raise NotFound("plan_unknown", plan=name)
    now, versions = desk.now(), [one.version for one in found]
    course = Course(versions)
    return [
        VersionView(
            plan=one.plan,
            created_at=one.created_at,
            actor=one.actor,
            starts_at=one.starts_at or one.created_at,
            state=course.state(version, now),
            follows=None if (last := before(version, versions)) is None else last.plan.version,
            withdrawn_at=one.withdrawn_at,
            withdrawn_by=one.withdrawn_by,
        )
        for one, version in zip(found, versions, strict=True)
    ]


async def write_plan(
    desk: Desk,
    document: Mapping[str, Any],
    *,
    actor: str,
    starts_at: datetime | None = None,
    dry_run: bool = False,
) -> Plan:
    """Add a plan, or a newer version of one; its unit must be the deployment's. A dry run only checks it."""
    checked_text(actor, "actor")
    plan = desk.catalog.parse(document)
    check_texts(document, "plan")
    unit = deployment_unit(desk)
    if unit is not None and plan.unit != unit:
        raise InvalidInput("unit_differs", field="unit", value=plan.unit.name, unit=unit.name)
    start = None if starts_at is None else _start(desk, starts_at)
    if checked_flag(dry_run, "dry_run"):
        return plan
    async with desk.pool.acquire() as connection:
        return await desk.catalog.write_plan(connection, dict(document), actor, start)


def _start(desk: Desk, starts_at: datetime) -> Instant:
    """Return when a version is to start: not before now, for what was decided was decided.

    Raises: InvalidInput.
    """
    start = instant(starts_at, "starts_at")
    if start <= desk.now():
        raise InvalidInput("start_past", field="starts_at", value=starts_at.isoformat())
    if start >= AT_MAX:
        raise InvalidInput("instant_out_of_range", field="starts_at", value=starts_at.isoformat())
    return start


async def withdraw_plan(desk: Desk, name: str, version: int, *, actor: str) -> VersionView:
    """Call off a version that has not started yet. Raises: NotFound; InvalidInput once it has."""
    checked_text(actor, "actor")
    checked_whole(version, "version", 1, VERSION_MAX)
    found = _version(await plan_versions(desk, name), name, version)
    if found.state == "withdrawn":
        return found
    async with desk.pool.acquire() as connection:
        await desk.catalog.withdraw_plan(connection, name, version, actor)
    found = _version(await plan_versions(desk, name), name, version)
    if found.state != "withdrawn":
        raise InvalidInput("plan_version_started", field="version", value=version, plan=name)
    return found


def _version(versions: list[VersionView], name: str, version: int) -> VersionView:
    """Return one of a plan's versions. Raises: NotFound."""
    found = next((one for one in versions if one.plan.version == version), None)
    if found is None:
        raise NotFound("plan_version_unknown", plan=name, version=version)
    return found


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
