"""What `simulate` and `replay` have in common: which trace, read how, under which assumptions and plans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from tokenhouse.edges.cli import frame
from tokenhouse.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.simulate import Assumptions
    from tokenhouse.flow.tally import Totals
    from tokenhouse.flow.traces import Trace
    from tokenhouse.rules.plans import Plan
    from tokenhouse.rules.rates import RateTable

F = TypeVar("F", bound="Callable[..., Any]")

OPTIONS: Final = (
    click.argument("trace", required=False, type=click.Path(path_type=Path)),
    click.option("--sample", is_flag=True),
    click.option("--start", type=frame.TIME),
    click.option("--grant", metavar="AMOUNT"),
    click.option("--time-zone", metavar="ZONE"),
    click.option("--scale", default="1", show_default=True, metavar="FACTOR"),
    click.option("--one-account", is_flag=True),
    click.option("--output-cap", type=frame.COUNT),
)


def options(command: F) -> F:
    """Give a command the options that say which traffic it is about; they become a `Traffic`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The shared options, as they were given."""

    trace: Path | None
    sample: bool
    start: datetime | None
    grant: str | None
    time_zone: str | None
    scale: str
    one_account: bool
    output_cap: int | None

    def read(self) -> Trace:
        """Return the trace, scaled and pooled as was asked for."""
        from tokenhouse.flow.traces import read_trace, sample_trace

        if (self.trace is None) == (not self.sample):
            raise InvalidInput("trace_or_sample", field="TRACE", value=str(self.trace or ""))
        trace = read_trace(self.trace) if self.trace is not None else sample_trace()
        factor = self._factor()
        if factor != 1:
            trace = trace.scaled(factor)
        return trace.pooled() if self.one_account else trace

    def plan(self, name: str, terminal: Terminal) -> Plan:
        """Return a plan that is no house's: a preset, a TOML file, or the sample's."""
        from tokenhouse.flow.documents import find_plan

        return find_plan(name, environment=terminal.settings.environment, zone=self.zone(terminal))

    def zone(self, terminal: Terminal) -> str:
        """Return the time zone of calendar periods."""
        from tokenhouse.rules.periods import zone_of

        if self.time_zone is not None:
            zone_of(self.time_zone, "--time-zone")
        return self.time_zone or terminal.settings.time_zone

    def given_times(self) -> Assumptions:
        """Return the assumptions about time alone."""
        from tokenhouse.flow.simulate import Assumptions

        return Assumptions(start_at=self.start)

    def given(self, plan: Plan, rates: RateTable | None = None) -> Assumptions:
        """Return the assumptions under `plan`, in whose unit the grant is."""
        from tokenhouse.flow.simulate import OUTPUT_CAP, Assumptions
        from tokenhouse.rules.amounts import checked_amount, parse

        return Assumptions(
            start_at=self.start,
            grant=checked_amount(parse(self.grant, plan.unit, "--grant"), "--grant") if self.grant else 0,
            output_cap=self.output_cap or OUTPUT_CAP,
            rates=rates,
        )

    def _factor(self) -> Any:
        """Return by what token counts are multiplied, exactly."""
        from fractions import Fraction

        from tokenhouse.rules.amounts import checked_number

        factor = Fraction(checked_number(self.scale, "--scale"))
        if not 0 < factor <= 1_000_000:
            raise InvalidInput(
                "number_out_of_range", field="--scale", value=self.scale, least=0, most=1_000_000
            )
        return factor


def law(terminal: Terminal, name: str) -> str:
    """Return what a person calls a law: a limit's own name, or the sentence of another."""
    return name if "/" in name else terminal.say(f"law.{name}")


def figures(terminal: Terminal, plan: Plan, totals: Totals) -> list[tuple[str, object]]:
    """Return the figures of a tally with their names, in the order in which a person asks for them."""
    say, unit = terminal.say, plan.unit

    def share(part: int, whole: int) -> str:
        return f"{part:,} ({part * 100 / whole if whole else 0:.1f} %)"

    def amount(value: int) -> str:
        return terminal.named(value, unit)

    stated = plan.reserve.how != "worst-case" and totals.overspend
    laws = [
        (say("traffic.refused_by", law=law(terminal, name)), f"{count:,}")
        for name, count in totals.refused_by.items()
    ]
    costs = [(say("traffic.cost"), f"${totals.cost / 10**9:,.2f}")] if totals.cost else []
    return [
        (say("traffic.requests"), totals.requests),
        (say("traffic.allowed"), share(totals.allowed, totals.requests)),
        (say("traffic.refused"), share(totals.refused, totals.requests)),
        *laws,
        (say("traffic.shortened"), totals.shortened),
        (say("traffic.accounts"), totals.accounts),
        (say("traffic.blocked"), share(totals.accounts_blocked, totals.accounts)),
        (say("traffic.tokens"), totals.tokens),
        (say("traffic.tokens_refused"), totals.tokens_refused),
        (say("traffic.charged"), amount(totals.charged)),
        *costs,
        (say("traffic.left"), amount(totals.left)),
        (say("traffic.overspend_stated" if stated else "traffic.overspend"), amount(totals.overspend)),
    ]
