"""Plans: the terms of accounts. A plan never changes, it only gets a newer version; presets come along."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field, WithJsonSchema

from tokenhouse.edges.api.caller import Auditor, Caller, House, Operator
from tokenhouse.edges.api.shapes import COMPONENT, Reason, Shape
from tokenhouse.errors import NotFound
from tokenhouse.flow import audited
from tokenhouse.flow.plain_terms import plain_terms
from tokenhouse.flow.terms import PRESETS, Preset, preset
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.plans import Plan as Terms

router = APIRouter(prefix="/api/v1", tags=["plans"])

Document = Annotated[dict[str, Any], WithJsonSchema({"type": "object", COMPONENT: "PlanDocument"})]
"""A plan's document: what may stand in it, the rules' own structs say; see `openapi`."""
Name = Annotated[str, Path(max_length=63, description="The plan's name.", examples=["chat-tokens"])]


class Term(Shape):
    """One sentence of a plan, in the caller's language, and what it is about."""

    topic: Literal["credit", "spend", "price", "stop", "limits", "models", "call", "notify"]
    text: str


class Plan(Shape):
    """The terms of accounts, as this deployment reads them: its environment's variant, defaults filled in."""

    name: Annotated[str, Field(examples=["chat-tokens"])]
    version: Annotated[int, Field(description="0: it is not written, as a preset or a dry run is.")]
    document: Document
    terms: Annotated[list[Term], Field(description="The document in sentences.")]


class Plans(Shape):
    """The newest version of every plan."""

    items: list[Plan]


class PlanVersion(Plan):
    """What a plan said from `created_at` on, until its next version."""

    created_at: datetime
    actor: str


class PlanVersions(Shape):
    """Every version of a plan, the newest first."""

    items: list[PlanVersion]


class NewPlan(Shape):
    """A plan, or a newer version of one."""

    document: Document
    dry_run: Annotated[bool, Field(description="Only check it.")] = False
    reason: Reason


class PresetUse(Shape):
    """Why a preset is used."""

    reason: Reason


@router.get("/plans")
async def list_plans(caller: Auditor, house: House) -> Plans:
    """List the newest version of every plan. For auditors."""
    return Plans(items=[shown(one, caller) for one in (await house.plans()).values()])


@router.post("/plans", status_code=201)
async def write_plan(asked: NewPlan, caller: Operator, house: House) -> Plan:
    """Add a plan, or a newer version of one; it counts from the next call on, on every node.

    Idempotent: a document that equals the newest version writes none.
    """
    before = (await house.plans()).get(str(asked.document.get("name")))
    written = await house.write_plan(asked.document, actor=caller.actor, dry_run=asked.dry_run)
    if not asked.dry_run:
        await _told(house, caller, before, written, asked.reason)
    return shown(written, caller)


@router.get("/plans/{name}")
async def show_plan(name: Name, caller: Auditor, house: House) -> Plan:
    """Return the newest version of a plan. For auditors."""
    found = (await house.plans()).get(name)
    if found is None:
        raise NotFound("plan_unknown", plan=name)
    return shown(found, caller)


@router.get("/plans/{name}/versions")
async def list_plan_versions(name: Name, caller: Auditor, house: House) -> PlanVersions:
    """List every version of a plan, the newest first. For auditors."""
    return PlanVersions(
        items=[
            PlanVersion(created_at=one.created_at, actor=one.actor, **shown(one.plan, caller).model_dump())
            for one in await house.plan_versions(name)
        ]
    )


@router.get("/presets")
async def list_presets(caller: Auditor, house: House) -> Plans:
    """List the plans that come with tokenhouse, written or not. For auditors."""
    return Plans(items=[shown(house.desk.catalog.parse(preset(name)), caller) for name in PRESETS])


@router.post("/presets/{name}", status_code=201)
async def use_preset(name: Preset, asked: PresetUse, caller: Operator, house: House) -> Plan:
    """Add a plan that comes with tokenhouse, if its unit is the deployment's. Idempotent."""
    before = (await house.plans()).get(name)
    written = await house.preset(name)
    await _told(house, caller, before, written, asked.reason)
    return shown(written, caller)


async def _told(house: Tokenhouse, caller: Caller, before: Terms | None, written: Terms, reason: str) -> None:
    """See a new version of a plan into the audit log; the same again is none."""
    if before is None or before.version != written.version:
        await caller.record(
            house,
            "plan.write",
            written.name,
            before=before and audited.plan(before),
            after=audited.plan(written),
            reason=reason,
        )


def shown(plan: Terms, caller: Caller) -> Plan:
    """Return a plan as the API says it."""
    return Plan(
        name=plan.name,
        version=plan.version,
        document=audited.plan(plan),
        terms=[
            Term(topic=one.topic, text=one.text)  # type: ignore[arg-type]  # TOPICS are these.
            for one in plain_terms(plan, caller.locale)
        ],
    )
