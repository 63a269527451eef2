"""Usage: how many tokens of each kind one model call took, each token counted in exactly one kind."""

from typing import Annotated, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import known_table, shown

TOKENS_MAX: Final = 10**12
"""Tokens of one kind in one call at most: a million times today's longest context, so more is nonsense."""

Count = Annotated[int, msgspec.Meta(ge=0)]


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Tokens of one call, or of several added up, in *disjoint* kinds: their sum is the total.

    Providers report overlapping counts (cached tokens inside the input, thinking inside the output);
    `from_inside` and `from_beside` take them apart. The constructor trusts its caller: what comes from
    outside goes through `checked_usage`. As JSON a kind that is zero is left out.
    """

    input: Count = 0
    """Text tokens read, in no other kind."""
    cached_input: Count = 0
    """Tokens read from the provider's prompt cache."""
    cache_write: Count = 0
    """Tokens written to the prompt cache for five minutes, or for a time that was not said."""
    cache_write_1h: Count = 0
    """Tokens written to the prompt cache for an hour."""
    output: Count = 0
    """Tokens produced, in no other kind."""
    reasoning: Count = 0
    """Tokens produced as hidden thinking."""
    audio_input: Count = 0
    """Audio tokens read."""
    audio_output: Count = 0
    """Audio tokens produced."""

    @property
    def tokens_input(self) -> int:
        """Return all tokens that the model read or cached."""
        return self.input + self.cached_input + self.cache_write + self.cache_write_1h + self.audio_input

    @property
    def tokens_output(self) -> int:
        """Return all tokens that the model produced."""
        return self.output + self.reasoning + self.audio_output

    @property
    def total(self) -> int:
        """Return all tokens; added up in one step, for every call asks."""
        return (
            self.input
            + self.cached_input
            + self.cache_write
            + self.cache_write_1h
            + self.output
            + self.reasoning
            + self.audio_input
            + self.audio_output
        )

    def __add__(self, other: "Usage") -> "Usage":
        """Return the usage of both, kind by kind; sums know no upper bound."""
        return Usage(
            self.input + other.input,
            self.cached_input + other.cached_input,
            self.cache_write + other.cache_write,
            self.cache_write_1h + other.cache_write_1h,
            self.output + other.output,
            self.reasoning + other.reasoning,
            self.audio_input + other.audio_input,
            self.audio_output + other.audio_output,
        )


KINDS: Final[tuple[str, ...]] = Usage.__struct_fields__
"""The kinds, in the order in which a charge is explained."""
NOTHING: Final = Usage()


def from_inside(
    tokens_input: int,
    tokens_output: int = 0,
    *,
    cached: int = 0,
    cache_write: int = 0,
    cache_write_1h: int = 0,
    reasoning: int = 0,
    audio_input: int = 0,
    audio_output: int = 0,
) -> Usage:
    """Return the usage of a provider that counts cached tokens *inside* the input: OpenAI, Gemini.

    Every further count is a part of `tokens_input` or `tokens_output`, and `cache_write_1h` a part of
    `cache_write`. Parts are believed as reported; a remainder below zero becomes 0 (OpenRouter reports
    cached + written > prompt). Counts outside 0..`TOKENS_MAX` are clamped: usage is read when the answer
    is already with the user, so nonsense must not stop the charge.
    """
    kept, written, hour = _within(cached), _within(cache_write), _within(cache_write_1h)
    heard, thought, spoken = _within(audio_input), _within(reasoning), _within(audio_output)
    return Usage(
        max(_within(tokens_input) - kept - max(written, hour) - heard, 0),
        kept,
        max(written - hour, 0),
        hour,
        max(_within(tokens_output) - thought - spoken, 0),
        thought,
        heard,
        spoken,
    )


def from_beside(
    tokens_input: int,
    tokens_output: int = 0,
    *,
    cached: int = 0,
    cache_write: int = 0,
    cache_write_1h: int = 0,
    reasoning: int = 0,
) -> Usage:
    """Return the usage of a provider that counts cached tokens *beside* the input: Anthropic.

    `cache_write` counts all writes, `cache_write_1h` is a part of it, and `reasoning` a part of
    `tokens_output`. Clamps as `from_inside` does.
    """
    hour, thought = _within(cache_write_1h), _within(reasoning)
    return Usage(
        _within(tokens_input),
        _within(cached),
        max(_within(cache_write) - hour, 0),
        hour,
        max(_within(tokens_output) - thought, 0),
        thought,
    )


def checked_usage(value: object, field: str = "usage") -> Usage:
    """Return `value`, a `Usage` or a table of its kinds from outside, with every count known to be sound.

    Raises: InvalidInput `table_wanted`, `field_unknown`, `usage_count` (facts: field, value, most).
    """
    usage = value if type(value) is Usage else Usage(**known_table(value, KINDS, field))
    for nth, count in enumerate(msgspec.structs.astuple(usage)):
        if type(count) is not int or not 0 <= count <= TOKENS_MAX:
            name = f"{field}.{KINDS[nth]}"
            raise InvalidInput("usage_count", field=name, value=shown(count), most=TOKENS_MAX)
    return usage


def _within(count: int) -> int:
    return 0 if count < 0 else min(count, TOKENS_MAX)
