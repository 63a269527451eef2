"""Fields of a caller's body: those that the meter depends on checked, all others left to the provider."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.rates import MODEL_LENGTH_MAX
from tokenhouse.rules.usage import TOKENS_MAX

CHOICES_MAX: Final = 1_024
"""Answers that one call may ask for: several times what any provider allows."""

_ANYTHING: Final = msgspec.json.Decoder()
_VERBATIM: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PROBLEM_LENGTH_MAX: Final = 120
_HALF: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
HALF: Final = "half of a surrogate pair"
"""What is said of an emoji that was cut in two. Providers refuse it too; our reader names another cause."""


def document_of(body: bytes, metered: frozenset[str]) -> dict[str, Any]:
    """Return the body as a document.

    A name of `metered` in other letters, such as `Max_Tokens`, is refused: providers written in Go take it
    for the field itself, and a cap could be raised behind the meter's back.

    Raises: InvalidInput `document_unreadable`, `table_wanted`, `field_unknown`.
    """
    document = _decoded(_ANYTHING, body)
    if not isinstance(document, dict):
        raise InvalidInput("table_wanted", field="body", value=shown(document))
    for name in document:
        if name not in metered and name.lower() in metered:
            raise InvalidInput("field_unknown", field="body", value=shown(name), known=name.lower())
    return document


def model_of(document: Mapping[str, Any]) -> str:
    """Return the model that the caller names.

    Raises: InvalidInput `field_missing`, `text_expected`, `text_length`, `text_unprintable`.
    """
    model = document.get("model")
    if model is None:
        raise InvalidInput("field_missing", field="model", value="")
    if not isinstance(model, str):
        raise InvalidInput("text_expected", field="model", value=type(model).__name__)
    if not 1 <= len(model) <= MODEL_LENGTH_MAX:
        facts = {"length": len(model), "least": 1, "most": MODEL_LENGTH_MAX}
        raise InvalidInput("text_length", field="model", value=model[:40], **facts)
    if not model.isprintable():
        raise InvalidInput("text_unprintable", field="model", value=ascii(model[:40]))
    return model


def flag(document: Mapping[str, Any], name: str, within: str = "") -> bool:
    """Return a field that is true or false; absent and null are false. Raises: InvalidInput."""
    value = document.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidInput("choice_unknown", field=within + name, value=shown(value), known="true, false")


def table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a field that is a table; absent and null are an empty one. Raises: InvalidInput."""
    value = document.get(name)
    if value is None or isinstance(value, dict):
        return value or {}
    raise InvalidInput("table_wanted", field=name, value=shown(value))


def cap_of(document: Mapping[str, Any], *names: str) -> int | None:
    """Return the smallest cap among the fields `names`; None where none is set. Raises: InvalidInput."""
    caps = [_whole(document, name, TOKENS_MAX) for name in names if document.get(name) is not None]
    return min(caps, default=None)


def choices_of(document: Mapping[str, Any]) -> int:
    """Return how many answers to each prompt may be produced, and paid. Raises: InvalidInput."""
    asked = [
        _whole(document, name, CHOICES_MAX) for name in ("n", "best_of") if document.get(name) is not None
    ]
    return max(asked, default=1)


def changed(body: bytes, changes: Mapping[str, Any]) -> bytes:
    """Return `body` with some fields set; every other value keeps its bytes, and all their order.

    So integers of any size and decimals of any length pass. A name that came twice goes once, with the value
    that counts here, the last: a provider that takes the first would be asked for what nobody has metered.
    Without such a name and without changes it is `body` itself.

    Raises: InvalidInput `document_unreadable`, for a body nested so deeply that here, further down the stack,
    it is too deep after all.
    """
    fields: dict[str, msgspec.Raw] = _decoded(_VERBATIM, body)
    for name, value in changes.items():
        fields[name] = msgspec.Raw(msgspec.json.encode(value))
    written = msgspec.json.encode(fields)
    if changes:
        return written
    return body if len(written) == len(body) or _dense(written) == _dense(body) else written


def _dense(body: bytes) -> int:
    """Return how many bytes of a document are no white space."""
    return len(body.translate(None, b" \t\r\n"))


def lowered(own: int | None, cap: int | None) -> int | None:
    """Return the cap to send where `cap` lowers the caller's `own`, or is the first; None: leave it."""
    return cap if cap is not None and (own is None or cap < own) else None


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """Return what `decoder` makes of `body`. Raises: InvalidInput `document_unreadable`."""
    try:
        return decoder.decode(body)
    except RecursionError:
        raise InvalidInput("document_unreadable", field="body", problem="nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        told = HALF if _HALF.search(body) else str(problem)[:_PROBLEM_LENGTH_MAX]
        raise InvalidInput("document_unreadable", field="body", problem=told) from None


def _whole(document: Mapping[str, Any], name: str, high: int) -> int:
    """Return a field that is a whole number from 1 to `high`. Raises: InvalidInput `out_of_range`."""
    value = document[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
        raise InvalidInput("out_of_range", field=name, value=shown(value), low=1, high=high)
    return value
