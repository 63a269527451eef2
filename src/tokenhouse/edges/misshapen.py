"""Misshapen: what is wrong with a request that has not the shape of its route, said in our own words.

Those who check shapes for us say it in English, and as programmers do. Of what they find, the kind and its
figures are kept; the sentence is one of ours, in the language of whoever asked, and says the way out.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from tokenhouse import messages
from tokenhouse.errors import InvalidInput, TokenhouseError

OTHER: Final = "other"
KINDS: Final[dict[str, tuple[str, str]]] = {
    "missing": ("missing", ""),
    "extra_forbidden": ("unknown_field", ""),
    "string_too_short": ("text_short", "min_length"),
    "string_too_long": ("text_long", "max_length"),
    "string_pattern_mismatch": ("pattern", "pattern"),
    "greater_than_equal": ("at_least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at_most", "le"),
    "less_than": ("below", "lt"),
    "multiple_of": ("multiple", "multiple_of"),
    "literal_error": ("choice", "expected"),
    "enum": ("choice", "expected"),
    "too_short": ("items_few", "min_length"),
    "too_long": ("items_many", "max_length"),
    "finite_number": ("number", ""),
    "none_required": ("nothing", ""),
    "json_invalid": ("json", ""),
}
"""Kind of pydantic's -> our sentence, and which of its facts that tells."""
FAMILIES: Final = {
    "string": "text",
    "int": "whole",
    "float": "number",
    "decimal": "number",
    "bool": "flag",
    "datetime": "time",
    "timezone": "time",
    "date": "day",
    "list": "list",
    "tuple": "list",
    "set": "list",
    "dict": "object",
    "mapping": "object",
    "model": "object",
    "dataclass": "object",
    "json": "json",
    "url": "url",
}
"""First word of a kind that is not in the table -> our sentence."""
TYPES: Final = {
    "str": "text",
    "int": "whole",
    "float": "number",
    "bool": "flag",
    "array": "list",
    "object": "object",
    "datetime": "time",
    "date": "day",
    "null": "nothing",
}
"""Type as msgspec calls it -> our sentence."""
MEASURES: Final = {
    "of length >=": {"str": "text_short", "array": "items_few", "object": "items_few"},
    "of length <=": {"str": "text_long", "array": "items_many", "object": "items_many"},
    ">=": dict.fromkeys(("int", "float"), "at_least"),
    "<=": dict.fromkeys(("int", "float"), "at_most"),
    ">": dict.fromkeys(("int", "float"), "above"),
    "<": dict.fromkeys(("int", "float"), "below"),
}
"""How msgspec compares -> our sentence, by the type that it compares."""
SAID: Final = re.compile(
    r"Object (?P<lack>missing required|contains unknown) field `(?P<name>.*)`"
    r"|Expected `(?P<type>[^`]*)`(?:, got .*| matching regex '(?P<pattern>.*)'"
    r"| (?P<measure>of length [<>]=|[<>]=?) (?P<bound>\S+))"
    r"|Invalid RFC3339 encoded (?P<date>datetime|date)"
    r"|.*\(byte (?P<place>\d+)\)"
    r"|(?P<cut>Input data was truncated)",
    re.DOTALL,
)
"""Every sentence of msgspec's that has one of ours."""


class Flaw(TokenhouseError):
    """What is wrong with one field: never raised, but told inside the error that names the field."""

    def message(self, locale: str = "en") -> str:
        """Return the sentence for a person, without its full stop."""
        return messages.say(f"shape.{self.reason}", locale, **self.facts)


def misshapen(field: str, reason: str, **facts: Any) -> InvalidInput:
    """Return the error of a field that has a flaw."""
    return InvalidInput("shape", field=field[:200] or "body", value="", problem=Flaw(reason, **facts))


def by_pydantic(found: Mapping[str, Any]) -> InvalidInput:
    """Return the error for what pydantic, by way of the framework, found wrong."""
    kind: str = found["type"]
    where = [str(part) for part in found["loc"]]
    reason, told = KINDS.get(kind) or (FAMILIES.get(kind.partition("_")[0], OTHER), "")
    if kind == "json_invalid":  # Its place is a character of the body, and no field.
        return misshapen("body", "json_at", place=where[-1])
    facts = {"bound": _plain(found.get("ctx", {}).get(told, ""))} if told else {}
    return misshapen(".".join(where[1:]) or where[0], reason, **facts)


def by_msgspec(wrong: Exception) -> InvalidInput:
    """Return the error for what msgspec found wrong."""
    said, _, place = str(wrong).partition(" - at ")
    field = place.strip("`").removeprefix("$").removeprefix(".")
    found = SAID.fullmatch(said)
    if found is None:
        return misshapen(field, "json" if isinstance(wrong, UnicodeDecodeError) else OTHER)
    if found["lack"]:
        field = ".".join(filter(None, (field, found["name"])))
        return misshapen(field, "missing" if found["lack"].startswith("missing") else "unknown_field")
    if found["place"] or found["cut"]:
        return misshapen("body", "json_at", place=found["place"]) if found["place"] else misshapen("", "json")
    if found["date"]:
        return misshapen(field, TYPES[found["date"]])
    if found["pattern"] is not None:
        return misshapen(field, "pattern", bound=found["pattern"])
    first = found["type"].partition(" ")[0]
    if found["measure"]:
        reason = MEASURES[found["measure"]].get(first, OTHER)
        return misshapen(field, reason, bound=found["bound"].removesuffix(".0"))
    return misshapen(field, TYPES.get(first, OTHER))


def _plain(fact: Any) -> str:
    """Return a figure as text; choices without the English between them."""
    return str(fact).replace(" or ", ", ").replace("'", "")
