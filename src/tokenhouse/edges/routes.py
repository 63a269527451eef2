"""Routes: which upstream has a model.

Among the patterns of all upstreams that speak the call's protocol, the most specific one has the model: an
exact name goes before a pattern, a longer pattern before a shorter one, and after that the file's order. No
call is translated: OpenAI's go to those who speak OpenAI's protocol, Anthropic's to those who speak theirs.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from tokenhouse.errors import NotFound
from tokenhouse.rules.amounts import shown
from tokenhouse.settings import Settings, Upstream

REMEMBERED_MAX: Final = 10_000
"""Models whose routes a process remembers."""
DEMO: Final = "demo"
DEMO_PATTERNS: Final = ("demo", "demo-*")
DEMO_TOTAL_S: Final = 840.0
ANY: Final = ("openai", "anthropic")
INSTEAD: Final = {"openai": "/v1/messages", "anthropic": "/v1/chat/completions"}


class Route(NamedTuple):
    """Where a model is: an upstream, what callers call the model, and what it is called there."""

    upstream: str
    name: str
    model: str
    protocols: tuple[str, ...]
    total_s: float


def with_demo(settings: Settings) -> bool:
    """Tell whether the demonstration model is there: while developing, and where there is no other."""
    return settings.environment == "development" or not settings.upstream


class Routes:
    """The routes of one process."""

    def __init__(self, upstreams: Iterable[Upstream], *, demo: bool) -> None:
        known = tuple(upstreams)
        self._renames = {one.name: one.rename for one in known}
        self._remembered: dict[str, tuple[Route, ...]] = {}
        found = []
        for one in known:
            route = Route(one.name, "", "", (one.protocol,), one.total_s)
            found += [(pattern, route) for pattern in dict.fromkeys((*one.models, *one.rename))]
        if demo:
            found += [(pattern, Route(DEMO, "", "", ANY, DEMO_TOTAL_S)) for pattern in DEMO_PATTERNS]
        self.patterns = sorted(found, key=lambda pair: (pair[0].endswith("*"), -len(pair[0])))
        """Which upstream has which models, the most specific pattern first."""

    def find(self, model: str, protocol: str) -> Route:
        """Return where a model is that is asked for in `protocol`. Raises: NotFound."""
        known = self.list(model)
        for one in known:
            if protocol in one.protocols:
                return one
        if known:
            raise NotFound("model_other_protocol", model=shown(model), path=INSTEAD[protocol])
        raise NotFound("model_unknown", model=shown(model))

    def list(self, model: str) -> tuple[Route, ...]:
        """Return every place that has a model, the most specific one first."""
        known = self._remembered.get(model)
        if known is None:
            known = tuple(
                route._replace(name=model, model=self._renames.get(route.upstream, {}).get(model, model))
                for pattern, route in self.patterns
                if pattern == model or (pattern.endswith("*") and model.startswith(pattern[:-1]))
            )
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[model] = known
        return known
