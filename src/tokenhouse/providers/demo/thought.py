"""The thought: what the demo answers to a request, piece by piece, and how many tokens that is."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.providers import tokens
from tokenhouse.providers.base import Request
from tokenhouse.providers.demo.examples import example
from tokenhouse.providers.demo.words import chances, pieces
from tokenhouse.rules.amounts import shown

MODELS: Final = {"demo": (16, 100), "demo-large": (64, 400)}
"""Model -> tokens of its shortest answer, and by how much its longest is longer."""
OUTPUT_MAX: Final = 16_384
"""Tokens of one answer at most, as a model's own limit."""
BEHAVIOURS: Final = ("slow", "cut", "reset", "no-usage", "error-mid-stream", "hang")
"""What can be asked for besides `error-<status>`. After so many chunks, as `after` says: `cut` ends without a
word, `reset` breaks the connection, `error-mid-stream` says an error, `hang` says no more."""
AFTER: Final = {"cut": 5, "reset": 5, "error-mid-stream": 5, "hang": 0}
_ERROR: Final = re.compile(r"error-([45]\d\d)")
_PIECE: Final = re.compile(r"\w+|\W")
_NOT_THE_QUESTION: Final = {"stream", "stream_options", "demo", "model", "metadata"}
_TOOL: Final = re.compile(r"\btools?\b|도구", re.IGNORECASE)

_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How the demo is to behave: by model name (`demo-cut`), header `x-demo`, or `demo` in the body."""

    behave: str = ""
    status: int = 0
    """The status of the error that was asked for."""
    after: int = 0
    """After how many chunks it misbehaves."""
    tokens: int | None = None
    """How long the answer is to be; None: as the request's hash has it."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers: pieces of text, or of a tool's arguments, and how many tokens each ends at."""

    pieces: tuple[str, ...]
    ends: tuple[int, ...]
    tool: str = ""
    """The tool that is called; its name is part of the first token count."""
    cut: bool = False
    """Whether the cap ended it."""

    @property
    def text(self) -> str:
        """Return all of it."""
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        """Return how many tokens were produced."""
        return self.ends[-1] if self.ends else 0


class Thought(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered to one request. `shown`: how many of the answers the caller sees (`best_of`)."""

    request: Request
    id: str
    model: str
    tokens_input: int
    answers: tuple[Said, ...]
    shown: int
    shows_usage: bool = True
    """Whether the provider says its usage at all."""

    @property
    def tokens_output(self) -> int:
        """Return the tokens of all answers, also of those that nobody sees."""
        return sum(answer.tokens for answer in self.answers)


def wished(model: str, header: str, document: Mapping[str, Any]) -> tuple[str, Wish]:
    """Return the demo model that is meant, and how it is to behave.

    The body's wish goes before the header's, that before the model name's. Raises: NotFound, InvalidInput.
    """
    base = next((one for one in sorted(MODELS, key=len, reverse=True) if _names(model, one)), None)
    if base is None:
        raise NotFound("model_unknown", model=shown(model))
    asked = document.get("demo")
    metadata = document.get("metadata")
    if asked is None and isinstance(metadata, Mapping):
        asked = metadata.get("demo")
    table = asked if isinstance(asked, Mapping) else {"behave": asked}
    behave = table.get("behave") or header or model[len(base) + 1 :]
    found = _ERROR.fullmatch(behave) if isinstance(behave, str) else None
    if not isinstance(behave, str) or (behave and behave not in BEHAVIOURS and found is None):
        raise NotFound("model_unknown", model=shown(f"{base}-{behave}"))
    return base, Wish(
        behave="error" if found else behave,
        status=int(found[1]) if found else 0,
        after=_count(table, "after", AFTER.get(behave, 0)) or 0,
        tokens=_count(table, "tokens", None),
    )


def think(request: Request, base: str, wish: Wish) -> Thought:
    """Return the answer to a request: the same for the same question, whole or streamed."""
    document, dialect_name = request.document, request.dialect.name
    asked = {name: value for name, value in document.items() if name not in _NOT_THE_QUESTION}
    seed = _encode((base, asked))
    draw = next(chances(seed))
    least, more = MODELS[base]
    wanted = least + draw % more if wish.tokens is None else wish.tokens
    most = min(request.cap or OUTPUT_MAX, OUTPUT_MAX)
    answers = tuple(
        _answer(document, seed + bytes([number % 256, number // 256]), min(wanted, OUTPUT_MAX), most)
        for number in range(request.choices if dialect_name != "openai-embeddings" else 0)
    )
    best, n = document.get("best_of"), document.get("n") or 1
    return Thought(
        request=request,
        id=blake2b(seed, digest_size=12).hexdigest(),
        model=base,
        tokens_input=tokens.count(dialect_name, document, base).tokens,
        answers=answers,
        shown=len(answers) // best * n if isinstance(best, int) and best > n else len(answers),
        shows_usage=wish.behave != "no-usage",
    )


def _answer(document: Mapping[str, Any], seed: bytes, wanted: int, most: int) -> Said:
    """Return one answer of at most `most` tokens: a tool's call, JSON, or plain sentences."""
    tool = _tool_called(document)
    if tool is not None:
        name, schema = tool
        return _counted(_encode(example(schema, chances(seed))).decode(), most, tool=name)
    schema = _schema_wanted(document)
    if schema is not None:
        return _counted(_encode(example(schema, chances(seed))).decode(), most)
    number = min(wanted, most)
    return Said(pieces=pieces(seed, number), ends=tuple(range(1, number + 1)), cut=wanted > most)


def _counted(text: str, most: int, *, tool: str = "") -> Said:
    """Return a text that is not made of whole tokens, cut where it would exceed `most`."""
    known = tokens.vocabulary("demo")
    parts: list[str] = []
    ends: list[int] = []
    before = known.count(tool) if tool else 0
    whole = _PIECE.findall(text)
    for part in whole:
        end = max(before + known.count("".join([*parts, part])), ends[-1] if ends else 0)
        if end > most:
            break
        parts.append(part)
        ends.append(end)
    return Said(pieces=tuple(parts), ends=tuple(ends), tool=tool, cut=len(parts) < len(whole))


def _tool_called(document: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return name and parameters of the tool that the request wants called: it says so, or its text does."""
    known = dict(_tool(one) for one in document.get("tools") or () if isinstance(one, Mapping))
    choice = document.get("tool_choice")
    if not known or choice == "none" or _is_result(document):
        return None
    kind = choice.get("type") if isinstance(choice, Mapping) else choice
    named = _tool(choice)[0] if isinstance(choice, Mapping) else ""
    if named in known:
        return named, known[named]
    text = _last_text(document)
    meant = next((name for name in known if name and name in text), None)
    if meant is None and kind not in {"required", "any"} and not _TOOL.search(text):
        return None
    name = meant or next(iter(known))
    return name, known[name]


def _tool(one: Mapping[str, Any]) -> tuple[str, Any]:
    """Return name and schema of a tool, in any vendor's way of writing it."""
    inner = one.get("function")
    table = inner if isinstance(inner, Mapping) else one
    return str(table.get("name", "")), table.get("parameters") or table.get("input_schema") or {
        "type": "object"
    }


def _schema_wanted(document: Mapping[str, Any]) -> Any:
    """Return the schema of the structured answer that is wanted, or None."""
    text = document.get("text")
    form = document.get("response_format") or (text.get("format") if isinstance(text, Mapping) else None)
    if not isinstance(form, Mapping) or form.get("type") not in {"json_schema", "json_object"}:
        return None
    inner = form.get("json_schema")
    found = inner.get("schema") if isinstance(inner, Mapping) else form.get("schema")
    return found or {"type": "object", "properties": {"answer": {"type": "string"}}}


def _last(document: Mapping[str, Any]) -> Any:
    """Return the last thing that was said."""
    said = document.get("messages") or document.get("input") or document.get("prompt") or ""
    return said[-1] if isinstance(said, list) else said


def _last_text(document: Mapping[str, Any]) -> str:
    """Return the text of the last thing that was said."""
    last = _last(document)
    content = last.get("content") if isinstance(last, Mapping) else last
    parts = content if isinstance(content, list) else [content]
    return " ".join(str(one.get("text", "")) if isinstance(one, Mapping) else str(one) for one in parts)


def _is_result(document: Mapping[str, Any]) -> bool:
    """Whether the last thing is what a tool returned: then it is time for words."""
    last = _last(document)
    if not isinstance(last, Mapping):
        return False
    content = last.get("content")
    parts = content if isinstance(content, list) else []
    returned = any(isinstance(one, Mapping) and one.get("type") == "tool_result" for one in parts)
    return returned or last.get("role") == "tool" or last.get("type") == "function_call_output"


def _names(model: str, base: str) -> bool:
    """Whether `model` is a demo model, or one with a behaviour behind it."""
    return model == base or model.startswith(f"{base}-")


def _count(table: Mapping[str, Any], name: str, otherwise: int | None) -> int | None:
    """Return a whole number of a wish; as text too, for metadata hold nothing else. Raises: InvalidInput."""
    value = table.get(name, otherwise)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 7:
        value = int(value)
    if value is None or (isinstance(value, int) and 0 <= value <= OUTPUT_MAX):
        return value
    raise InvalidInput("out_of_range", field=f"demo.{name}", value=shown(value), low=0, high=OUTPUT_MAX)
