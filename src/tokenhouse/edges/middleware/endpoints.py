"""Endpoints: which requests are metered, and what is known of each before it is read."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final

from tokenhouse.edges.problems import Protocol
from tokenhouse.errors import StartRefused
from tokenhouse.providers.dialects import DIALECTS

TEXT_FIELDS: Final = (
    *("message", "messages", "prompt", "text", "texts", "content", "contents", "query", "input", "inputs"),
    *("question", "instruction", "instructions", "system", "context"),
)
"""Members of a request that hold what a model will read, at whatever depth."""
ANSWER_FIELDS: Final = (
    *("message", "text", "content", "answer", "reply", "response", "result", "output", "completion"),
    *("summary", "delta", "thinking", "reasoning"),
)
"""Members of an answer that hold what a model wrote."""
FALLBACK: Final = 500
"""Input tokens of a request that shows none, at an endpoint that states no default."""

Estimate = Callable[[Any], int | str | None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path whose requests are metered, and how.

    `path`: one that ends in `/` covers itself and everything below it; in any other, `{name}` stands for one
    segment and `{name:path}` for the rest. Of several endpoints the first that fits counts.
    """

    path: str
    _: KW_ONLY
    methods: Sequence[str] = ("POST",)
    dialect: str | None = None
    """The wire format of its bodies, such as "openai-chat", "anthropic-messages"; None: an app's own JSON."""
    model: str = ""
    """The model that it calls; without one, what the body names as `model`."""
    default: int = FALLBACK
    """Input tokens of a request that shows none: a form, a file, a body without text."""
    output: int | None = None
    """Output tokens that it produces at most; None: what the plan says of a call."""
    fields: Collection[str] = TEXT_FIELDS
    """Members of a body whose texts are counted, at whatever depth."""
    answer_fields: Collection[str] = ANSWER_FIELDS
    """The same of an answer that says nothing of usage."""
    estimate: Estimate | None = None
    """Your own rule in place of `fields`: of a decoded body, its tokens, or the text to count, or None."""
    errors: Protocol | None = None
    """The shape of a refusal; None: the dialect's own, or RFC 9457 problems."""

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise StartRefused("endpoint_path", value=self.path)
        if not self.methods or isinstance(self.methods, str):
            raise StartRefused("endpoint_methods", path=self.path, value=str(self.methods))
        if self.dialect is not None and self.dialect not in DIALECTS:
            known = ", ".join(DIALECTS)
            raise StartRefused("endpoint_dialect", path=self.path, value=self.dialect, known=known)
        if isinstance(self.fields, str) or isinstance(self.answer_fields, str):
            raise StartRefused("endpoint_fields", path=self.path)
        if self.default < 0 or (self.output is not None and self.output < 1):
            raise StartRefused("endpoint_tokens", path=self.path)

    @property
    def protocol(self) -> Protocol:
        """Return the shape in which this endpoint's callers read a refusal."""
        if self.errors is not None:
            return self.errors
        spoken = "problem" if self.dialect is None else DIALECTS[self.dialect].protocol
        return "anthropic" if spoken == "anthropic" else "openai" if spoken == "openai" else "problem"


QUOTA_ENDPOINTS: Final = (
    Endpoint("/api/v1/agents/", default=1_000),
    Endpoint("/api/v1/board-ai/", default=800),
    Endpoint("/api/v1/collect/v1/clipper/", default=1_500),
    Endpoint("/api/v1/embedding/", default=500, output=1),
    Endpoint("/api/v1/ai/", default=1_000),
    Endpoint("/audio/", default=2_000),
    Endpoint("/api/v1/clipper/", default=1_500),
    Endpoint("/api/v1/content/", default=1_000),
)
"""The eight prefixes of the back end that the preset `quota` replaces: an example to copy."""


class Endpoints:
    """Finds the endpoint of a request: one look-up and one match, whether there are two or two hundred."""

    def __init__(self, endpoints: Iterable[Endpoint | str]) -> None:
        all_ = [one if isinstance(one, Endpoint) else Endpoint(one) for one in endpoints]
        if not all_:
            raise StartRefused("endpoints_none")
        self._by_method: dict[str, tuple[Callable[[str], re.Match[str] | None], list[Endpoint]]] = {}
        for method in {method.upper() for one in all_ for method in one.methods}:
            ours = [one for one in all_ if method in {named.upper() for named in one.methods}]
            whole = re.compile("|".join(f"({_pattern(one.path)})" for one in ours))
            self._by_method[method] = (whole.fullmatch, ours)

    def find(self, scope: Mapping[str, Any]) -> Endpoint | None:
        """Return the endpoint of a request, as the application itself sees its path."""
        known = self._by_method.get(scope["method"])
        if known is None:
            return None
        path, mounted = scope["path"], scope.get("root_path", "")
        if mounted and (path == mounted or path.startswith(mounted + "/")):
            path = path[len(mounted) :]
        fits, endpoints = known
        found = fits(path)
        return endpoints[found.lastindex - 1] if found is not None and found.lastindex else None


def _pattern(path: str) -> str:
    """Return a path as a regular expression without groups of its own. Raises: StartRefused."""
    if path.endswith("/"):
        return re.escape(path[:-1]) + r"(?:/[\s\S]*)?"
    parts = re.split(r"\{([^{}]*)\}", path)
    names = parts[1::2]
    if any(not re.fullmatch(r"[A-Za-z_]\w*(:path)?", name) for name in names):
        raise StartRefused("endpoint_path", value=path)
    parts[1::2] = [r"[\s\S]+" if name.endswith(":path") else "[^/]+" for name in names]
    parts[::2] = [re.escape(part) for part in parts[::2]]
    return "".join(parts)
