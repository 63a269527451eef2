"""Examples: a value that a JSON schema allows, for tool calls and structured answers."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tokenhouse.providers.demo.words import WORDS

DEPTH_MAX: Final = 8


def example(schema: Any, chance: Iterator[int], root: Any = None, depth: int = 0) -> Any:
    """Return a value of `schema`; what it does not say, or says in words not known here, is a word."""
    root = schema if root is None else root
    if not isinstance(schema, Mapping) or depth > DEPTH_MAX:
        return WORDS[next(chance) % len(WORDS)]
    if "$ref" in schema:
        return example(_referred(schema["$ref"], root), chance, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][next(chance) % len(schema["enum"])]
    for several in ("anyOf", "oneOf", "allOf"):
        if schema.get(several):
            return example(schema[several][0], chance, root, depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        known = schema.get("properties") or {}
        return {name: example(one, chance, root, depth + 1) for name, one in known.items()}
    if kind == "array":
        number = max(int(schema.get("minItems", 1)), 1)
        return [example(schema.get("items"), chance, root, depth + 1) for _ in range(min(number, 10))]
    return _plain(kind, schema, chance)


def _plain(kind: Any, schema: Mapping[str, Any], chance: Iterator[int]) -> Any:
    """Return a value without parts."""
    if kind in {"integer", "number"}:
        low = int(schema.get("minimum", schema.get("exclusiveMinimum", 0)))
        high = int(schema.get("maximum", low + 100))
        return min(low + 1 + next(chance) % 10, max(high, low))
    if kind == "boolean":
        return next(chance) % 2 == 0
    if kind == "null":
        return None
    return WORDS[next(chance) % len(WORDS)]


def _referred(name: object, root: Any) -> Any:
    """Return the part of a schema that `#/$defs/Name` means."""
    found = root
    for step in str(name).removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
