"""Usage objects of every vendor, read into disjoint kinds; each rule here comes from recorded answers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from tokenhouse.providers.base import Measured
from tokenhouse.rules.usage import NOTHING, Usage, from_beside, from_inside

Table = Mapping[str, Any]
TABLE: Final = (dict, Mapping)
"""What a table is; nearly always the first, of which it is seen at once."""
BELIEVED_MAX: Final = 10**9
"""Tokens of one call in all: a thousand times today's longest context. What says more is broken, and is not
believed: it would put an account into a debt that nobody made."""


class Reading(msgspec.Struct, frozen=True):
    """What one usage object says."""

    usage: Usage
    marks: tuple[str, ...] = ()
    parts: tuple[tuple[str, Usage], ...] = ()
    """By model, where several ran."""


class Tally:
    """The usage of one answer, gathered from whatever parts of it speak of usage.

    The last object wins (Groq sends up to five, Gemini one a chunk, each for the whole so far). Anthropic
    sends halves: of each field the last value that is not null wins, and nothing is ever added.
    """

    __slots__ = ("_halves", "_reading", "absurd", "model", "usage_input")

    def __init__(self) -> None:
        self.model = ""
        self.usage_input: Usage | None = None
        self.absurd = False
        """Whether an object said more than can be believed, and was passed over."""
        self._reading: Reading | None = None
        self._halves: dict[str, Any] = {}

    @property
    def reading(self) -> Reading | None:
        """Return the last account of the whole answer."""
        return self._reading

    def name(self, model: object) -> None:
        """Take note of who answers; Azure's first chunk says an empty name."""
        if model and isinstance(model, str):
            self.model = model

    def see(self, usage: object, *, begun: bool = False) -> None:
        """Take a usage object; `begun`: the answer has only begun, so its output says nothing yet."""
        if not isinstance(usage, TABLE):
            return
        if _is_anthropic(usage):
            self._halves.update((name, value) for name, value in usage.items() if value is not None)
            usage = self._halves
        reading = _read(usage, self.model)
        if reading is None:
            return
        if reading.usage.total > BELIEVED_MAX:
            self.absurd = True
        elif begun:
            self.usage_input = _input_of(reading.usage)
        else:
            self._reading = reading

    def add(self, document: object) -> None:
        """Take the usage and the model out of an answer, or of an event of one, of any vendor."""
        if not isinstance(document, Mapping):
            return
        for path in _MODELS:
            self.name(_at(document, path))
        for path in _PLACES:
            found = _at(document, path)
            if isinstance(found, Mapping) and _reader(found) is not None:
                self.see(found, begun=path == ("message", "usage"))
                return


def find_usage(document: object) -> Measured | None:
    """Return what `document` says of usage where vendors say it: an answer, an event, or a list of them.

    Text is left out: this reads what others have produced and kept, such as an app's own answer. For a usage
    object by itself there is `read_usage`; a bare `{"input_tokens": 14}` is Anthropic's count, which is free.
    """
    tally = Tally()
    for one in document if isinstance(document, list) else [document]:
        tally.add(one)
    return measured_by(tally) if tally.reading or tally.usage_input else None


def measured_by(tally: Tally) -> Measured:
    """Return what `tally` knows."""
    reading, marks = tally.reading, ("absurd",) if tally.absurd else ()
    if reading is None:
        return Measured(usage_input=tally.usage_input, model=tally.model, marks=marks)
    return Measured(
        usage=reading.usage,
        usage_input=tally.usage_input,
        parts=reading.parts,
        model=tally.model,
        finished=True,
        marks=reading.marks + marks,
    )


def read_usage(usage: Table, model: str = "") -> Reading | None:
    """Return what a usage object of any vendor says; None where it is unknown, only zeros, or unbelievable.

    `model` is who answers, for a vendor that lists several models' parts and leaves its own name out.
    """
    reading = _read(usage, model)
    return None if reading is None or reading.usage.total > BELIEVED_MAX else reading


def _read(usage: Table, model: str) -> Reading | None:
    """Return what a usage object says, believable or not."""
    reader = _reader(usage)
    reading = reader(usage, model) if reader is not None else None
    return None if reading is None or not reading.usage.total else reading


def _openai_chat(usage: Table, model: str) -> Reading:
    """Read chat completions, completions and embeddings, and the many vendors that speak them.

    Beside OpenAI's fields: DeepSeek's `prompt_cache_hit_tokens`, Moonshot's `cached_tokens`, the cache
    writes of OpenRouter and LiteLLM, and embeddings that state a total alone.
    """
    read, said = _table(usage, "prompt_tokens_details"), _table(usage, "completion_tokens_details")
    completion, total = _count(usage, "completion_tokens"), _count(usage, "total_tokens")
    prompt = _count(usage, "prompt_tokens") if "prompt_tokens" in usage else max(total - completion, 0)
    return _inside(
        prompt,
        completion,
        total,
        cached=_count(read, "cached_tokens") or _count(usage, "prompt_cache_hit_tokens", "cached_tokens"),
        cache_write=_count(read, "cache_write_tokens", "cache_creation_tokens")
        or _count(usage, "cache_creation_input_tokens"),
        reasoning=_count(said, "reasoning_tokens"),
        audio_input=_count(read, "audio_tokens"),
        audio_output=_count(said, "audio_tokens"),
    )


def _openai_responses(usage: Table, model: str) -> Reading:
    """Read responses, and what else of OpenAI counts input and output: images, transcriptions, realtime."""
    read = _table(usage, "input_tokens_details", "input_token_details")
    said = _table(usage, "output_tokens_details", "output_token_details")
    return _inside(
        _count(usage, "input_tokens"),
        _count(usage, "output_tokens"),
        _count(usage, "total_tokens"),
        cached=_count(read, "cached_tokens"),
        cache_write=_count(read, "cache_write_tokens"),
        reasoning=_count(said, "reasoning_tokens"),
        audio_input=_count(read, "audio_tokens"),
        audio_output=_count(said, "audio_tokens"),
    )


def _anthropic(usage: Table, model: str) -> Reading:
    """Read messages. Several `iterations` are the truth, and the figures beside them a part of it."""
    plain = _anthropic_run(usage)
    listed = usage.get("iterations")
    runs = [run for run in listed if isinstance(run, Mapping)] if isinstance(listed, list) else []
    if len(runs) < 2:
        return Reading(plain)
    by_model: dict[str, Usage] = {}
    for run in runs:
        who = run.get("model")
        who = who if isinstance(who, str) and who else model
        by_model[who] = by_model.get(who, NOTHING) + _anthropic_run(run)
    if model in by_model:
        by_model[model] = _thinking_apart(by_model[model], plain.reasoning)
    usage_all = sum(by_model.values(), NOTHING)
    if usage_all.total < plain.total:
        return Reading(plain, ("total_larger",))
    return Reading(usage_all, ("iterations",), tuple(by_model.items()) if len(by_model) > 1 else ())


def _anthropic_run(usage: Table) -> Usage:
    """Read the figures of one run of a model; writes of an hour are a part of all writes."""
    writes = _table(usage, "cache_creation")
    hour = _count(writes, "ephemeral_1h_input_tokens")
    written = _count(usage, "cache_creation_input_tokens")
    if usage.get("cache_creation_input_tokens") is None:
        written = hour + _count(writes, "ephemeral_5m_input_tokens")
    produced = _count(usage, "output_tokens")
    return from_beside(
        _count(usage, "input_tokens"),
        produced,
        cached=_count(usage, "cache_read_input_tokens"),
        cache_write=written,
        cache_write_1h=min(hour, written),
        reasoning=min(_count(_table(usage, "output_tokens_details"), "thinking_tokens"), produced),
    )


def _gemini(usage: Table, model: str) -> Reading:
    """Read generateContent: thoughts lie beside the candidates, tool prompts beside the prompt."""
    thoughts = _count(usage, "thoughtsTokenCount")
    heard = _audio(usage, "promptTokensDetails") - _audio(usage, "cacheTokensDetails")
    return _inside(
        _count(usage, "promptTokenCount") + _count(usage, "toolUsePromptTokenCount"),
        _count(usage, "candidatesTokenCount") + thoughts,
        _count(usage, "totalTokenCount"),
        cached=_count(usage, "cachedContentTokenCount"),
        reasoning=thoughts,
        audio_input=max(heard, 0),
        audio_output=_audio(usage, "candidatesTokensDetails"),
    )


def _cohere(usage: Table, model: str) -> Reading:
    """Read chat and embed: what is billed, which leaves out the tokens of Cohere's own prompt."""
    billed = _table(usage, "billed_units", "tokens")
    return Reading(from_inside(_count(billed, "input_tokens"), _count(billed, "output_tokens")))


def _bedrock(usage: Table, model: str) -> Reading:
    """Read Converse: cached tokens lie beside the input, and inside the total."""
    found = from_beside(
        _count(usage, "inputTokens"),
        _count(usage, "outputTokens"),
        cached=_count(usage, "cacheReadInputTokens"),
        cache_write=_count(usage, "cacheWriteInputTokens"),
    )
    excess = _count(usage, "totalTokens") - found.total
    return Reading(found + Usage(reasoning=excess), ("total_larger",)) if excess > 0 else Reading(found)


def _inside(tokens_input: int, tokens_output: int, total: int, *, reasoning: int, **parts: int) -> Reading:
    """Return the reading of a vendor that counts parts inside; a total that is larger is charged.

    What it exceeds the parts by is hidden thinking: 35 + 12 behind a façade, total 109.
    """
    excess = total - tokens_input - tokens_output
    if excess <= 0:
        return Reading(from_inside(tokens_input, tokens_output, reasoning=reasoning, **parts))
    hidden = max(reasoning, excess)
    return Reading(
        from_inside(tokens_input, tokens_output + excess, reasoning=hidden, **parts), ("total_larger",)
    )


def _is_anthropic(usage: Table) -> bool:
    return _reader(usage) is _anthropic


def _reader(usage: Table) -> Callable[[Table, str], Reading] | None:
    """Return who can read `usage`, by fields that only this vendor has."""
    if "prompt_tokens" in usage or "completion_tokens" in usage:
        return _openai_chat
    if "input_tokens" in usage or "output_tokens" in usage:
        inside = {"total_tokens", "input_tokens_details", "input_token_details"}
        return _anthropic if inside.isdisjoint(usage) else _openai_responses
    for name, reader in _SIGNS.items():
        if name in usage:
            return reader
    return None


_SIGNS: Final[dict[str, Callable[[Table, str], Reading]]] = {
    "total_tokens": _openai_chat,
    "promptTokenCount": _gemini,
    "totalTokenCount": _gemini,
    "billed_units": _cohere,
    "inputTokens": _bedrock,
}
_PLACES: Final = (
    ("usage",),  # OpenAI, Anthropic, Cohere 2, Bedrock; an app that hands it on.
    ("response", "usage"),  # Events of responses.
    ("message", "usage"),  # Anthropic's message_start.
    ("usageMetadata",),  # Gemini.
    ("x_groq", "usage"),
    ("delta", "usage"),  # Cohere 2's message-end.
    ("metadata", "usage"),  # Bedrock's ConverseStream.
    ("meta",),  # Cohere 1 and its embeddings.
)
_MODELS: Final = (("model",), ("response", "model"), ("message", "model"), ("modelVersion",))


def _at(document: Table, path: Iterable[str]) -> Any:
    """Return what stands at `path`, or None."""
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _table(usage: Table, *names: str) -> Table:
    """Return the first of `names` that is a table; an empty one where none is."""
    for name in names:
        found = usage.get(name)
        if found is not None and isinstance(found, TABLE):
            return found
    return {}


def _count(usage: Table, *names: str) -> int:
    """Return the first of `names` that is a count; 0 where none is. Cohere's counts are whole floats."""
    for name in names:
        found = usage.get(name)
        if type(found) is int and found >= 0:
            return found
        if isinstance(found, float) and found.is_integer() and found >= 0:
            return int(found)
    return 0


def _audio(usage: Table, name: str) -> int:
    """Return the audio tokens in Gemini's list of modalities."""
    details = usage.get(name)
    tables = [one for one in details if isinstance(one, Mapping)] if isinstance(details, list) else []
    return sum(_count(one, "tokenCount") for one in tables if one.get("modality") == "AUDIO")


def _input_of(usage: Usage) -> Usage:
    """Return the input of `usage` alone."""
    return Usage(
        usage.input,
        usage.cached_input,
        usage.cache_write,
        usage.cache_write_1h,
        audio_input=usage.audio_input,
    )


def _thinking_apart(usage: Usage, thinking: int) -> Usage:
    """Return `usage` with `thinking` of its output as reasoning: it is stated once, for the own model."""
    moved = min(thinking, usage.output)
    return msgspec.structs.replace(usage, output=usage.output - moved, reasoning=usage.reasoning + moved)
