"""Planning: the part of the house that tries terms on before anybody lives by them."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow import simulations, terms, works
from tokenhouse.flow.desk import Desk, checked_list
from tokenhouse.flow.simulations import Simulation, What
from tokenhouse.flow.terms import PRESETS, PlannedPlan, VersionView, preset
from tokenhouse.flow.works import WorkPage
from tokenhouse.rules.plans import Plan

PLANS_MAX = 4


class Planning:
    """Versions that start later, and simulations of plans over real traffic. Each method is one flow."""

    _desk: Desk

    async def planned(self) -> list[PlannedPlan]:
        """Return the versions of all plans that are to hold later, the first to start first."""
        return await terms.planned(self._desk)

    async def plan_versions(self, name: str) -> list[VersionView]:
        """Return every version of a plan, the newest first. Raises: NotFound."""
        return await terms.plan_versions(self._desk, name)

    async def withdraw_plan(self, name: str, version: int, *, actor: str = "") -> VersionView:
        """Call off a version of a plan that has not started yet; it stays on record. Idempotent.

        Raises: NotFound; InvalidInput once it has started.
        """
        return await terms.withdraw_plan(self._desk, name, version, actor=actor)

    async def start_simulation(
        self,
        plans: Sequence[str] = (),
        *,
        documents: Sequence[Mapping[str, Any]] = (),
        what: What = What(),  # noqa: B008 -- frozen
        actor: str = "",
    ) -> Simulation:
        """Begin to run traffic under plans of this house, presets, or documents of plans; one at a time.

        Without a plan it is the deployment's own. It changes nothing but its own record.

        Raises: NotFound, InvalidInput; StillRunning while another one is at work.
        """
        known = await terms.plans(self._desk)
        names = list(checked_list(plans, "plans"))
        drafts = checked_list(documents, "documents")
        if not names and not drafts:
            names = [self._desk.settings.plan]
        if len(names) + len(drafts) > PLANS_MAX:
            raise InvalidInput("too_many", field="plans", value=len(names) + len(drafts), most=PLANS_MAX)
        wanted = [self._planned(name, known) for name in names]
        wanted += [self._drafted(one) for one in drafts]
        if not isinstance(what, What):
            raise InvalidInput("table_wanted", field="what", value=type(what).__name__)
        return await simulations.start(self._desk, wanted, what, actor=actor)

    async def simulation(self, simulation: str) -> Simulation:
        """Return a simulation: how far it is, and what came out."""
        return await works.find(self._desk, simulations.KIND, simulation)

    async def simulations(self, *, after: str | None = None, rows_max: int = 20) -> WorkPage[Simulation]:
        """Return the latest simulations, newest first, without what came out of them."""
        return await works.page(self._desk, simulations.KIND, after, rows_max)

    def _drafted(self, document: Mapping[str, Any]) -> Plan:
        """Return the terms that a document describes. Raises: InvalidInput."""
        plan = self._desk.catalog.parse(document)
        terms.check_texts(document, "plan")
        return plan

    def _planned(self, name: object, known: Mapping[str, Plan]) -> Plan:
        """Return the terms of this house, or else of a preset, that have a name. Raises: NotFound."""
        if isinstance(name, str) and name in known:
            return known[name]
        if name not in PRESETS:
            raise NotFound("plan_unknown", plan=str(name))
        return self._desk.catalog.parse(preset(str(name)))
