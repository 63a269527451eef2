"""The frame of every figure: turns beside a reference, median and spread, one table, and the surroundings."""

import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

Contender = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How much is measured: `turns` times each, for `seconds` where a rate is taken."""

    turns: int = 5
    seconds: float = 3.0
    quick: bool = False

    def of(self, full: int, quick: int) -> int:
        """Return the size for this form."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, turn by turn, and beside it the reference of the same turns.

    `target` bounds the ratio to the reference, or the value itself where `absolute`; from above where `most`.
    """

    name: str
    unit: str
    values: Sequence[float]
    reference: str = ""
    references: Sequence[float] = ()
    target: float | None = None
    most: bool = False
    absolute: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The median of the turns' own ratios: what two neighbours in time say of each other."""
        if not self.references:
            return None
        return median(mine / other for mine, other in zip(self.values, self.references, strict=True))

    @property
    def reached(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        figure = median(self.values) if self.absolute else self.ratio
        if self.target is None or figure is None:
            return None
        return figure <= self.target if self.most else figure >= self.target

    def plain(self) -> dict[str, Any]:
        """Return the figure for programs."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return named | {"median": median(self.values), "ratio": self.ratio, "reached": self.reached}


@dataclass(slots=True)
class Findings:
    """Everything that one run found: figures, and lines on what they were taken on."""

    figures: list[Figure] = field(default_factory=list)
    surroundings: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


async def in_turn(form: Form, contenders: Mapping[str, Contender]) -> dict[str, list[float]]:
    """Let each contender run once, in their order, and that `turns` times: A B A B …"""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(form.turns):
        for name, contender in contenders.items():
            _progress(f"  turn {turn + 1}/{form.turns}: {name}")
            taken[name].append(await contender())
    _progress("")
    return taken


def _progress(line: str) -> None:
    """Show what is measured now, to whoever watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def machine() -> dict[str, str]:
    """Return what the figures depend on and is not ours."""
    packages = ("asyncpg", "msgspec", "uvloop")
    return {
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def spread(values: Sequence[float], unit: str) -> str:
    """Return the median, and the lowest and highest in brackets."""

    def said(value: float) -> str:
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"

    middle = said(median(values))
    return f"{middle} {unit} ({said(min(values))}-{said(max(values))})"


def show(found: Findings, *, as_json: bool) -> None:
    """Print all of it: one table for people, one document for programs."""
    if as_json:
        document = {"figures": [figure.plain() for figure in found.figures]}
        print(json.dumps(document | {"on": found.surroundings, "remarks": found.remarks}, indent=1))
        return
    table = Table("figure", "median (spread)", "reference", "ratio", "target", "", box=None, pad_edge=False)
    marks = {True: "reached", False: "[bold red]missed[/]", None: ""}
    for figure in found.figures:
        target = ""
        if figure.target is not None:
            bound = "<=" if figure.most else ">="
            target = f"{bound} {figure.target:,g} {figure.unit if figure.absolute else 'x'}"
        beside = f"{figure.reference}: {spread(figure.references, figure.unit)}" if figure.references else ""
        table.add_row(
            f"{figure.name}\n[dim]{figure.note}[/]" if figure.note else figure.name,
            spread(figure.values, figure.unit),
            beside,
            f"{figure.ratio:.2f} x" if figure.ratio is not None else "",
            target,
            marks[figure.reached],
        )
    console = Console(width=None if sys.stdout.isatty() else 190)
    console.print(table)
    console.print("\n" + ", ".join(f"{name} {value}" for name, value in found.surroundings.items()))
    for remark in found.remarks:
        console.print(remark)
