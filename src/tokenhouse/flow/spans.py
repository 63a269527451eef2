"""Spans: one for each step of a call, for whoever traces; and next to nothing while nobody does.

identify, estimate, reserve, call, measure, settle: each step is a span of its name below its request's; the
call itself is named as the GenAI conventions of OpenTelemetry have it. Those are still in development, so
every name of theirs stands here and nowhere else. OpenTelemetry is imported by whoever calls `use`.
"""

from collections.abc import Iterable, MutableMapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from tokenhouse.rules.usage import Usage

if TYPE_CHECKING:
    from types import TracebackType

STATUS: Final = "http.response.status_code"
METHOD: Final = "http.request.method"
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
MAX_TOKENS: Final = "gen_ai.request.max_tokens"
TOKENS_INPUT: Final = "gen_ai.usage.input_tokens"
TOKENS_OUTPUT: Final = "gen_ai.usage.output_tokens"
TOKENS_CACHED: Final = "gen_ai.usage.cache_read.input_tokens"
ERROR: Final = "error.type"
ACCOUNT: Final = "tokenhouse.account"
AMOUNT: Final = "tokenhouse.amount"
CHARGE: Final = "tokenhouse.charge"
RESERVATION: Final = "tokenhouse.reservation"
OUTCOME: Final = "tokenhouse.outcome"
EDGE: Final = "tokenhouse.edge"

OPERATIONS: Final = {
    "openai-chat": "chat",
    "openai-responses": "chat",
    "anthropic-messages": "chat",
    "openai-completions": "text_completion",
    "openai-embeddings": "embeddings",
}
"""Wire format -> what the conventions call its calls."""


class Span(Protocol):
    """A step under way."""

    def tell(self, **facts: Any) -> None:
        """Say more about it; None is not said."""


class Tracer(Protocol):
    """What begins spans, and knows how a trace is told to others: `edges.tracing` has one."""

    def step(self, name: str, facts: dict[str, Any], *, asks: bool) -> AbstractContextManager[Span]:
        """Begin a span below the one at work; `asks`: its work is another service's."""

    def request(
        self, name: str, facts: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]
    ) -> AbstractContextManager[Span]:
        """Begin the span of a request, below its caller's if its headers name one."""

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Name the span at work in the headers of a request to another service."""


class _Nothing:
    """A span that nobody looks at."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        return None

    def tell(self, **facts: Any) -> None:
        """Say nothing."""


NOTHING: Final = _Nothing()

_tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Trace from now on, in this process; with None no more."""
    global _tracer  # noqa: PLW0603 -- a step's span is begun wherever the step is, which knows no server
    _tracer = tracer


def step(name: str, /, **facts: Any) -> AbstractContextManager[Span]:
    """Return the span of one of our steps."""
    return NOTHING if _tracer is None else _tracer.step(name, facts, asks=False)


def call(dialect: str, model: str, provider: str, cap: int | None) -> AbstractContextManager[Span]:
    """Return the span of a call to a provider."""
    if _tracer is None:
        return NOTHING
    operation = OPERATIONS.get(dialect, "chat")
    facts = {OPERATION: operation, MODEL: model, PROVIDER: provider, MAX_TOKENS: cap}
    return _tracer.step(f"{operation} {model}", facts, asks=True)


def request(method: str, edge: str, headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[Span]:
    """Return the span of a request to us."""
    if _tracer is None:
        return NOTHING
    return _tracer.request(f"{method} {edge}", {METHOD: method, EDGE: edge}, headers)


def inject(headers: MutableMapping[str, str]) -> None:
    """Name the span at work in the headers of a request to a provider; without one, its caller's stays."""
    if _tracer is not None:
        _tracer.inject(headers)


def used(usage: Usage) -> dict[str, int | None]:
    """Return a usage as the conventions say it."""
    return {
        TOKENS_INPUT: usage.tokens_input,
        TOKENS_OUTPUT: usage.tokens_output,
        TOKENS_CACHED: usage.cached_input or None,
    }
