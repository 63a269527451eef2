"""The sieve: which lines of an import cannot be imported, and what would become of all others."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.tables import invalid_line
from tokenhouse.store.importing import Dropped

REFUSALS_MAX: Final = 1_000
"""Lines that cannot be imported of which is told, each with why."""


class RefusedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that cannot be imported: where it begins, which column, and why."""

    line: int
    column: str
    reason: str
    facts: dict[str, Any]

    @property
    def problem(self) -> InvalidInput:
        """Why."""
        return InvalidInput(self.reason, **self.facts)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What an import would change, or has changed."""

    rows: int
    """Lines of the file."""
    new: int
    changed: int
    """Accounts that are there and get the balance that they lacked."""
    unchanged: int
    differing: int
    """Of the accounts that are there, those of which the file says something else; they stay as they are."""
    refused: int
    """Lines that cannot be imported."""
    pasts_refused: int
    """Of these, lines whose past their plan does not allow."""
    lines: tuple[RefusedLine, ...]
    """The first of these."""


@dataclass(slots=True)
class Sieve:
    """Lines that cannot be imported. A strict one takes no file that has any: the first ends it all."""

    strict: bool
    refused: int = 0
    told: list[InvalidInput] = field(default_factory=list)

    def refuse(self, problem: InvalidInput) -> None:
        """Leave a line out. Raises: InvalidInput, where none may be."""
        if self.strict:
            raise problem
        self.refused += 1
        if len(self.told) < REFUSALS_MAX:
            self.told.append(problem)

    def refuse_all(
        self, found: list[Dropped], file: str, column: str, why: Callable[[Dropped], InvalidInput]
    ) -> None:
        """Leave lines out that were taken off the waiting table, told of or not."""
        for one in found:
            self.refuse(invalid_line(file, one.line, column, why(one)))
        if found:
            self.refused += found[0].dropped - len(found)

    def survey(self, rows: int, new: int, changed: int, differing: int, pasts: int) -> Survey:
        """Return what became of the lines of a file."""
        return Survey(
            rows=rows,
            new=new,
            changed=changed,
            unchanged=rows - self.refused - new - changed,
            differing=differing,
            refused=self.refused,
            pasts_refused=pasts,
            lines=self._lines(),
        )

    def _lines(self) -> tuple[RefusedLine, ...]:
        """Return the lines that are told of, in the order of the file."""
        found = []
        for one in sorted(self.told, key=lambda told: int(told.facts["line"])):
            why = one.facts["problem"]
            where = {"line": one.facts["line"], "column": one.facts["column"]}
            found.append(RefusedLine(**where, reason=why.reason, facts=why.facts))
        return tuple(found)
