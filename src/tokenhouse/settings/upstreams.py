"""Upstreams: the providers to which calls are sent."""

from typing import Final, Literal

import msgspec

from tokenhouse.errors import StartRefused
from tokenhouse.settings.checks import bounded, parted

MOMENT_S: Final = 0.001
"""The shortest time that can be waited for, in seconds."""


class Upstream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider to which calls are sent: one `[[upstream]]` table of `tokenhouse.toml`."""

    name: str
    """What the operator calls it: in logs, in `GET /v1/models`."""
    url: str
    """Where its paths begin, `/v1` included: `https://api.openai.com/v1`, `https://api.anthropic.com/v1`."""
    protocol: Literal["openai", "anthropic"] = "openai"
    """Which calls it takes: "openai" or "anthropic". None is translated into the other."""
    key: str = ""
    """Its API key, which no text of ours ever shows."""
    key_env: str = ""
    """The variable of the environment that holds the key instead."""
    models: tuple[str, ...] = ("*",)
    """Names, or starts of names and `*`. Among all upstreams the most specific one has the model."""
    rename: dict[str, str] = {}
    """The name that callers use -> the provider's own."""
    headers: dict[str, str] = {}
    """Headers of every request, such as Azure's `api-key`; never shown either."""
    cap_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """Where an OpenAI-compatible provider wants the cap; older ones know only `max_tokens`."""
    asks_usage: bool = True
    """Whether it takes `stream_options`; without it the usage of a stream may have to be estimated."""
    connect_s: float = 10
    """Seconds to reach it, a free connection of the pool included."""
    first_byte_s: float = 600
    """Seconds until its answer begins: a whole one begins when all of it has been thought."""
    idle_s: float = 120
    """Seconds between two pieces of an answer."""
    total_s: float = 840
    """Seconds for a whole call: less than the 15 minutes that a reservation lives in most plans."""

    def __post_init__(self) -> None:
        if not self.name.isprintable() or not 1 <= len(self.name) <= 63:
            raise StartRefused("upstream_name", value=ascii(self.name[:40]))
        place = parted(self.url)
        if place.scheme not in ("http", "https") or not place.hostname or place.username or place.fragment:
            raise StartRefused("upstream_url", name=self.name)
        for pattern in self.models:
            if not pattern or "*" in pattern[:-1]:
                raise StartRefused("upstream_pattern", name=self.name, value=ascii(pattern[:40]))
        words = [self.key, *(word for pair in self.headers.items() for word in pair)]
        if not all(word.isprintable() and word.isascii() for word in words):
            raise StartRefused("upstream_header", name=self.name)
        waits = ("connect_s", "first_byte_s", "idle_s", "total_s")
        bounded(self, "upstream.", *((name, MOMENT_S, 86_400) for name in waits))

    def __repr__(self) -> str:
        """Return its name and place; not what opens it."""
        return f"Upstream(name={self.name!r}, place={self.place!r}, protocol={self.protocol!r})"

    @property
    def place(self) -> str:
        """Return its address without a query, which may hold what opens it."""
        return self.url.partition("?")[0]
