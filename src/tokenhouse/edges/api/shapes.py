"""Shapes that several resources share: an amount with its unit, a page of items, a problem."""

from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tokenhouse.flow.terms import deployment_unit
from tokenhouse.house import Tokenhouse
from tokenhouse.rules import amounts
from tokenhouse.rules.amounts import Unit

Item = TypeVar("Item")

COMPONENT: Final = "x-component"
"""Where a schema says which component of the document it is: one that the framework does not make."""


def _written(value: object) -> object:
    """Refuse a bare number for a moment: it could count from anywhere."""
    text = value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
    if text.lstrip("+-").replace(".", "", 1).isdecimal():
        raise ValueError("a moment is written as ISO 8601, with its offset")
    return value


AN_ID: Final = "0199f2c7a1b27c3e8d4f5a6b7c8d9e0f"
"""How an id looks that we give."""
Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
"""A moment as a caller writes it."""
Since = Annotated[Moment | None, Query(description="From here on.")]
Until = Annotated[Moment | None, Query(description="Before here.")]


class Shape(BaseModel):
    """The base of all shapes: an unknown field is refused, for a misspelt one must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CamelShape(Shape):
    """A shape whose fields are written `inCamelCase` outside."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class Amount(Shape):
    """An amount: exact digits of whole units, as text, for no program's numbers hold them all."""

    value: Annotated[str, Field(examples=["99928"], pattern=r"^-?[0-9]+(\.[0-9]+)?$", max_length=64)]
    unit: Annotated[str, Field(examples=["token"], max_length=32)]
    shown: Annotated[str, Field(examples=["99,928"], description="As a person reads it.")]


class Page(Shape, Generic[Item]):
    """A page of items, and where the next one begins: `next` goes into `cursor`; null at the end."""

    items: list[Item]
    next: str | None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Return how a generated client calls a page of these items: `AccountPage`."""
        return f"{params[0].__name__}Page"


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
    return Amount(value=amounts.digits(value, unit), unit=unit.name, shown=shown)


Limit = Annotated[int, Query(ge=1, le=1_000, description="Items of a page at most.")]
Cursor = Annotated[
    str | None, Query(max_length=1_000, description="`next` of the page before; none for the first page.")
]
Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        examples=["Goodwill after the outage of Tuesday"],
        description="Why; it goes into the audit log and, where credit moves, into the journal.",
    ),
]
Digits = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        examples=["2500"],
        description="An amount in whole units, as a decimal: exact, so it is text and no number.",
    ),
]
AccountRef = Annotated[str, Field(min_length=1, max_length=200, examples=["alice"])]


def parsed(text: str, house: Tokenhouse, field: str = "amount") -> int:
    """Return an amount that a caller wrote, in the deployment's smallest unit. Raises: InvalidInput."""
    return amounts.parse(text, unit_of(house), field)


def unit_of(house: Tokenhouse) -> Unit:
    """Return what this deployment counts in."""
    return deployment_unit(house.desk) or amounts.TOKEN
