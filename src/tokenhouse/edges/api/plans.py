"""Plans: the terms of accounts. A plan never changes, it only gets a newer version; presets come along."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field, WithJsonSchema

from tokenhouse.edges.api.caller import Auditor, Caller, House, Operator
from tokenhouse.edges.api.shapes import COMPONENT, Moment, Reason, Shape
from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow import audited
from tokenhouse.flow.audit_trail import at_once
from tokenhouse.flow.plain_terms import Topic, plain_terms
from tokenhouse.flow.terms import PRESETS, VERSION_MAX, PlannedPlan, Preset, VersionView, preset
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.course import State
from tokenhouse.rules.plans import Plan as Terms

router = APIRouter(prefix="/api/v1", tags=["plans"])

Document = Annotated[dict[str, Any], WithJsonSchema({"type": "object", COMPONENT: "PlanDocument"})]
"""A plan's document: what may stand in it, the rules' own structs say; see `openapi`."""
Number = Annotated[int, Path(ge=1, le=VERSION_MAX, description="A version's number.", examples=[3])]
Name = Annotated[str, Path(max_length=63, description="The plan's name.", examples=["chat-tokens"])]


class Term(Shape):
    """One sentence of a plan, in the caller's language, and what it is about."""

    topic: Topic
    text: str


class PlannedVersion(Shape):
    """A version that is to hold later."""

    version: int
    starts_at: datetime


class Plan(Shape):
    """The terms of accounts, as this deployment reads them: its environment's variant, defaults filled in."""

    name: Annotated[str, Field(examples=["chat-tokens"])]
    version: Annotated[int, Field(description="0: it is not written, as a preset or a dry run is.")]
    document: Document
    terms: Annotated[list[Term], Field(description="The document in sentences.")]
    planned: Annotated[
        list[PlannedVersion],
        Field(description="What is to hold later, the first to start first; where plans are looked at."),
    ] = Field(default_factory=list)


class Plans(Shape):
    """Every plan, as it holds now."""

    items: list[Plan]


class PlanVersion(Plan):
    """A version of a plan: it holds, or would have held, from `starts_at` on, until the next."""

    created_at: datetime
    actor: str
    starts_at: datetime
    state: State
    follows: Annotated[int | None, Field(description="The version that holds until it starts.")]
    withdrawn_at: Annotated[datetime | None, Field(description="When it was called off.")]
    withdrawn_by: str


class PlanVersions(Shape):
    """Every version of a plan, the newest first."""

    items: list[PlanVersion]


class NewPlan(Shape):
    """A plan, or a newer version of one."""

    document: Document
    starts_at: Annotated[
        Moment | None, Field(description="From when on it is to hold; null: from the next call on.")
    ] = None
    dry_run: Annotated[bool, Field(description="Only check it.")] = False
    follows: Annotated[
        int | None,
        Field(
            description="The version in force that its writer has seen: while another one holds, nothing is"
            " written. Null: whatever holds."
        ),
    ] = None
    reason: Reason


class PlanWithdrawal(Shape):
    """Why a version is called off."""

    reason: Reason


class PresetUse(Shape):
    """Why a preset is used."""

    reason: Reason


@router.get("/plans")
async def list_plans(caller: Auditor, house: House) -> Plans:
    """List every plan as it holds now, with what is planned. For auditors."""
    ahead = await house.planned()
    return Plans(items=[shown(one, caller, ahead) for one in (await house.plans()).values()])


@router.post("/plans", status_code=201)
async def write_plan(asked: NewPlan, caller: Operator, house: House) -> Plan:
    """Add a plan, or a newer version of one.

    It counts from the next call on, on every node; or, with `starts_at`, from the first call at or after
    that instant: each call goes by the clock, so that no job can be late. Of two versions that have started,
    the one that started later counts. Idempotent: a document that equals what would hold then writes none.
    """
    name = str(asked.document.get("name"))
    before = (await house.plans()).get(name)
    await _not_overtaken(house, caller, asked, before)
    known = {one.plan.version for one in await house.plan_versions(name)} if before else set()
    async with at_once(house.desk):
        written = await house.write_plan(
            asked.document, actor=caller.actor, starts_at=asked.starts_at, dry_run=asked.dry_run
        )
        if not asked.dry_run and written.version not in known:
            await _told(house, caller, before, written, asked.reason, asked.starts_at)
    return shown(written, caller, await house.planned())


async def _not_overtaken(house: House, caller: Caller, asked: NewPlan, before: Terms | None) -> None:
    """See that no other version holds than its writer has seen, or one that says the same.

    Raises: InvalidInput.
    """
    if asked.follows is None or before is None or before.version == asked.follows:
        return
    read = await house.write_plan(asked.document, actor=caller.actor, dry_run=True)
    if audited.plan(read) != audited.plan(before):
        seen, holds = str(asked.follows), before.version
        raise InvalidInput("plan_overtaken", field="follows", value=seen, plan=before.name, version=holds)


@router.get("/plans/{name}")
async def show_plan(name: Name, caller: Auditor, house: House) -> Plan:
    """Return a plan as it holds now, with what is planned. For auditors."""
    found = (await house.plans()).get(name)
    if found is None:
        raise NotFound("plan_unknown", plan=name)
    return shown(found, caller, await house.planned())


@router.get("/plans/{name}/versions")
async def list_plan_versions(name: Name, caller: Auditor, house: House) -> PlanVersions:
    """List every version of a plan, the newest first: past, in force, planned, called off. For auditors."""
    return PlanVersions(items=[shown_version(one, caller) for one in await house.plan_versions(name)])


@router.post("/plans/{name}/versions/{version}/withdraw")
async def withdraw_plan_version(
    name: Name, version: Number, asked: PlanWithdrawal, caller: Operator, house: House
) -> PlanVersion:
    """Call off a version that has not started yet: it will never hold, and stays on record. Idempotent."""
    before = {one.plan.version: one.state for one in await house.plan_versions(name)}
    async with at_once(house.desk):
        found = await house.withdraw_plan(name, version, actor=caller.actor)
        if before.get(version) != "withdrawn":
            was = {"version": version, "starts_at": found.starts_at.isoformat()}
            await caller.record(house, "plan.withdraw", name, before=was, after=None, reason=asked.reason)
    return shown_version(found, caller)


@router.get("/presets")
async def list_presets(caller: Auditor, house: House) -> Plans:
    """List the plans that come with tokenhouse, written or not. For auditors."""
    return Plans(items=[shown(house.desk.catalog.parse(preset(name)), caller) for name in PRESETS])


@router.post("/presets/{name}", status_code=201)
async def use_preset(name: Preset, asked: PresetUse, caller: Operator, house: House) -> Plan:
    """Add a plan that comes with tokenhouse, if its unit is the deployment's. Idempotent."""
    before = (await house.plans()).get(name)
    async with at_once(house.desk):
        written = await house.preset(name)
        if before is None or before.version != written.version:
            await _told(house, caller, before, written, asked.reason)
    return shown(written, caller)


async def _told(
    house: Tokenhouse,
    caller: Caller,
    before: Terms | None,
    written: Terms,
    reason: str,
    starts_at: datetime | None = None,
) -> None:
    """See a new version of a plan into the audit log."""
    start = {"starts_at": starts_at.isoformat()} if starts_at else {}
    await caller.record(
        house,
        "plan.write",
        written.name,
        before=before and audited.plan(before),
        after=audited.plan(written) | start,
        reason=reason,
    )


def shown(plan: Terms, caller: Caller, ahead: Sequence[PlannedPlan] = ()) -> Plan:
    """Return a plan as the API says it."""
    planned = [one for one in ahead if one.plan.name == plan.name]
    return Plan(
        **_said(plan, caller),
        planned=[PlannedVersion(version=one.plan.version, starts_at=one.starts_at) for one in planned],
    )


def shown_version(found: VersionView, caller: Caller) -> PlanVersion:
    """Return a version of a plan as the API says it."""
    return PlanVersion(
        **_said(found.plan, caller),
        created_at=found.created_at,
        actor=found.actor,
        starts_at=found.starts_at,
        state=found.state,
        follows=found.follows,
        withdrawn_at=found.withdrawn_at,
        withdrawn_by=found.withdrawn_by,
    )


def _said(plan: Terms, caller: Caller) -> dict[str, Any]:
    """Return what the API says of terms: as a document, and in sentences."""
    terms = [{"topic": one.topic, "text": one.text} for one in plain_terms(plan, caller.locale)]
    return {"name": plan.name, "version": plan.version, "document": audited.plan(plan), "terms": terms}
