"""Estimates: what a request needs, told from its body before the application has seen it."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from tokenhouse.edges.middleware.endpoints import Endpoint
from tokenhouse.flow.call import Needs
from tokenhouse.providers import tokens
from tokenhouse.providers.base import Request
from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.providers.tokens import Counted
from tokenhouse.rules.rates import MODEL_LENGTH_MAX
from tokenhouse.rules.usage import TOKENS_MAX

log: Final = logging.getLogger("tokenhouse.middleware")

OPAQUE: Final = (
    *("multipart/", "audio/", "image/", "video/", "application/octet-stream", "application/pdf"),
    *("application/zip", "application/x-www-form-urlencoded"),
)
"""Kinds of bodies that are not read: they go through as they come, and cost their endpoint's default."""

_decode: Final = msgspec.json.Decoder().decode


def readable(endpoint: Endpoint, content_type: str) -> bool:
    """Return whether a body is read before the application gets it; a kind that is not named, is."""
    return endpoint.dialect is not None or not content_type.startswith(OPAQUE)


def needs(endpoint: Endpoint, content_type: str, body: bytes | None) -> tuple[Needs, Request | None]:
    """Return what a request needs, and how its wire format reads it where it has one of those.

    In this order: the endpoint's dialect; its own rule; the texts of its fields; its default.

    Args:
        endpoint: what is known of the path.
        content_type: of the body, in lower case.
        body: None for one that is not read.

    Raises: InvalidInput for a body that its endpoint's dialect cannot read.
    """
    if endpoint.dialect is not None:
        request = DIALECTS[endpoint.dialect].read(body or b"")
        known = Needs.of(request, endpoint.model or None)
        return (known if known.output is not None else replace(known, output=endpoint.output)), request
    document = _document(content_type, body)
    model = endpoint.model or _model(document)
    found = _found(endpoint, document)
    if isinstance(found, int):
        return _fixed(endpoint, model, found), None
    texts = [text for text in found if text]
    if not texts:
        return _fixed(endpoint, model, endpoint.default), None
    size = sum(len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")) for text in texts)
    return Needs(model=model, bound=size, count=_counting(model, texts), output=endpoint.output), None


def texts_of(document: object, fields: Collection[str]) -> Iterator[str]:
    """Yield the texts that stand under one of `fields`, in order, at whatever depth; no recursion.

    A list under such a name counts for each text in it; a table under it is looked through like any other.
    """
    rest: list[tuple[bool, object]] = [(isinstance(document, str), document)]
    while rest:
        named, one = rest.pop()
        if isinstance(one, str):
            if named:
                yield one
        elif isinstance(one, Mapping):
            rest.extend((name in fields, one[name]) for name in reversed(list(one)))
        elif isinstance(one, list):
            rest.extend((named, value) for value in reversed(one))


def _found(endpoint: Endpoint, document: object) -> int | list[str]:
    """Return the tokens or the texts that the endpoint's rule finds in a body."""
    if document is None:
        return []
    if endpoint.estimate is None:
        return list(texts_of(document, endpoint.fields))
    try:
        told = endpoint.estimate(document)
    except Exception:
        log.exception("the estimate of %s failed; its default holds", endpoint.path)
        return []
    if isinstance(told, int):
        return min(max(told, 0), TOKENS_MAX)
    return [told] if told else []


def _document(content_type: str, body: bytes | None) -> object:
    """Return a body decoded: JSON, whatever it calls itself, or the text of a plain one; None for neither."""
    if not body:
        return None
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode("utf-8", "replace") if content_type.startswith("text/") else None


def _model(document: object) -> str:
    """Return the model that a body names, if that can be one."""
    named = document.get("model") if isinstance(document, Mapping) else None
    sound = isinstance(named, str) and len(named) <= MODEL_LENGTH_MAX and named.isprintable()
    return str(named) if sound else ""


def _fixed(endpoint: Endpoint, model: str, asked: int) -> Needs:
    """Return the needs of a request whose tokens are not counted but stated."""
    counted = Counted(asked, estimated=True)
    return Needs(model=model, bound=asked, count=lambda: counted, output=endpoint.output)


def _counting(model: str, texts: list[str]) -> Callable[[], Counted]:
    """Return what counts texts with the model's vocabulary."""

    def count() -> Counted:
        vocabulary = tokens.vocabulary(model)
        parts = [vocabulary.counted(text) for text in texts]
        return Counted(sum(part.tokens for part in parts), any(part.estimated for part in parts))

    return count
