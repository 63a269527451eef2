"""Shapes that several resources share: an amount with its unit, a page of items, a problem."""

from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tokenhouse.rules import amounts
from tokenhouse.rules.amounts import Unit

Item = TypeVar("Item")


class Shape(BaseModel):
    """The base of all shapes: an unknown field is refused, for a misspelt one must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Amount(Shape):
    """An amount: exact digits of whole units, as text, for no program's numbers hold them all."""

    value: Annotated[str, Field(examples=["99928"], pattern=r"^-?[0-9]+(\.[0-9]+)?$", max_length=64)]
    unit: Annotated[str, Field(examples=["token"], max_length=32)]
    shown: Annotated[str, Field(examples=["99,928"], description="As a person reads it.")]


class Page(Shape, Generic[Item]):
    """A page of items, and where the next one begins: `next` goes into `cursor`; null at the end."""

    items: list[Item]
    next: str | None


class Problem(BaseModel):
    """What went wrong (RFC 9457). Facts such as `field`, `short_by` or `resets_at` stand beside these."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A problem (RFC 9457): its code never changes, its text has the caller's language.",
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
}
"""The answer of every route that is no success."""


def amount(value: int, unit: Unit) -> Amount:
    """Return an amount of the deployment's smallest unit as the API says it."""
    shown = amounts.show(value, unit)
    return Amount(value=amounts.show(value, unit, symbol=False).replace(",", ""), unit=unit.name, shown=shown)
