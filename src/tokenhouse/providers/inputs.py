"""Inputs: how each wire format says what a model reads, its frame included."""

from collections.abc import Callable
from typing import Any, Final

from tokenhouse.providers.attachments import audio_tokens, file_tokens, plain_text
from tokenhouse.providers.images import image_rule, image_size, unpacked
from tokenhouse.providers.prompts import Prompt
from tokenhouse.providers.tools import add_schema, add_tools

PER_MESSAGE: Final = 3
PER_NAME: Final = 1
PRIMING: Final = 3
"""OpenAI's cookbook, "How to count tokens with tiktoken": `<|start|>role<|message|>…<|end|>`, and what
primes the answer."""
PLAIN: Final = ("role", "content")
"""All that most messages have; of such a one nothing else is looked for."""
OLDEST: Final = "gpt-3.5-turbo-0301"
"""The one model with 4 tokens a message, where a name takes the place of the role."""
HARMONY_PREAMBLE: Final = 80
"""The system message that gpt-oss' template adds: identity, dates, effort and channels."""
CLAUDE_TOOLS: Final = 530
"""The largest of Anthropic's tool-use system prompts, in its table of tokens by model."""
AUDIO_UNSEEN: Final = 3_000
"""An earlier spoken answer that is sent by its id: five minutes of it."""


def prompt(dialect_name: str, document: dict[str, Any], model: str) -> Prompt:
    """Return what the model reads of a body of this dialect; whatever the body holds, it is no error."""
    found = Prompt(model=model.casefold().rpartition("/")[2].removeprefix("openai.").removeprefix("ft:"))
    READERS[dialect_name](found, document)
    if found.model.startswith("gpt-oss"):
        found.add_fixed(HARMONY_PREAMBLE)
    return found


def _chat(found: Prompt, document: dict[str, Any]) -> None:
    for message in _list(document.get("messages")):
        _message(found, message)
    found.fixed += PRIMING
    add_tools(found, [*_list(document.get("tools")), *_list(document.get("functions"))])
    add_schema(found, document.get("response_format"))


def _responses(found: Prompt, document: dict[str, Any]) -> None:
    """Add the items of a Responses request; what the provider remembers by id is not in it."""
    if document.get("instructions"):
        _message(found, {"role": "developer", "content": document["instructions"]})
    given = document.get("input")
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else _list(given):
        _message(found, item)
    found.fixed += PRIMING
    found.estimated |= any(document.get(key) for key in ("previous_response_id", "conversation", "prompt"))
    add_tools(found, _list(document.get("tools")))
    text = document.get("text")
    add_schema(found, text.get("format") if isinstance(text, dict) else None)


def _plain(found: Prompt, document: dict[str, Any]) -> None:
    """Add texts that are read as they are, or arrays of tokens that are counted already."""
    for key in ("prompt", "input", "suffix"):
        given = document.get(key)
        for one in given if isinstance(given, list) else [given]:
            if isinstance(one, int):
                found.fixed += 1
            elif isinstance(one, list) and all(isinstance(token, int) for token in one):
                found.fixed += len(one)
            else:
                found.add(one)


def _anthropic(found: Prompt, document: dict[str, Any]) -> None:
    if document.get("system"):
        _message(found, {"role": "system", "content": document["system"]})
    for message in _list(document.get("messages")):
        _message(found, message)
    found.fixed += PRIMING
    tools = _list(document.get("tools"))
    if tools:
        found.add_fixed(CLAUDE_TOOLS)
        found.add_json(tools)


def _message(found: Prompt, message: object) -> None:
    """Add one message, or one item of a Responses input: its frame, who says it, and what."""
    oldest = found.model == OLDEST
    found.fixed += PER_MESSAGE + oldest
    if not isinstance(message, dict):
        found.add_json(message)
        return
    role, content = message.get("role"), message.get("content")
    found.add(role)
    if len(message) == len(PLAIN) and isinstance(content, str) and role is not None:
        found.texts.append(content)
        return
    if message.get("name") and "role" in message:
        found.add(message["name"])
        found.fixed += -PER_NAME if oldest else PER_NAME
    for key in ("content", "output", "summary"):
        _content(found, message.get(key))
    for key in ("refusal", "reasoning_content"):
        found.add(message.get(key))
    for call in [*_list(message.get("tool_calls")), message.get("function_call")]:
        called = call.get("function", call.get("custom", call)) if isinstance(call, dict) else call
        _called(found, called)
    if "role" not in message:
        found.estimated = True
        _called(found, message)
    if isinstance(message.get("audio"), dict):
        found.add_fixed(AUDIO_UNSEEN, audio=True)


def _called(found: Prompt, call: object) -> None:
    """Add a function that was called: its name, what it was given, and a frame as of a message."""
    if isinstance(call, dict):
        for key in ("name", "arguments", "input"):
            if call.get(key) is not None:
                found.add(call[key])
                found.add_fixed(PER_MESSAGE)


def _content(found: Prompt, content: object) -> None:
    """Add a message's content: a text or parts, and the parts of a tool's result, without recursion."""
    if not isinstance(content, list):
        found.add(content)
        return
    rest: list[object] = list(reversed(content))
    while rest:
        part = rest.pop()
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(part, dict) or not isinstance(kind, str):
            found.add(part)
        elif kind in _PARTS:
            _PARTS[kind](found, part)
        elif kind == "tool_result" and isinstance(part.get("content"), list):
            found.add_fixed(PER_MESSAGE)
            rest.extend(reversed(part["content"]))
        else:
            _other(found, part)


def _text(found: Prompt, part: dict[str, Any]) -> None:
    found.add(part.get("text"))


def _image(found: Prompt, part: dict[str, Any]) -> None:
    """Add an image of either provider: a URL, a data URL, base64, or the id of a file."""
    inner = [part[key] for key in ("image_url", "source") if isinstance(part.get(key), dict)]
    held: dict[str, Any] = inner[0] if inner else part
    url = held.get("url", held.get("image_url"))
    data = unpacked(url) if isinstance(url, str) else held.get("data")
    size = image_size(data) if isinstance(data, str) else None
    detail = held.get("detail", part.get("detail"))
    found.fixed += image_rule(found.model).tokens(size, str(detail))
    found.estimated |= size is None


def _audio(found: Prompt, part: dict[str, Any]) -> None:
    sound = part.get("input_audio")
    data = sound.get("data") if isinstance(sound, dict) else None
    found.add_fixed(audio_tokens(data, found.model) if isinstance(data, str) else AUDIO_UNSEEN, audio=True)


def _file(found: Prompt, part: dict[str, Any]) -> None:
    """Add a file of either provider: a text as text, anything else by the page."""
    inner = [part[key] for key in ("file", "source") if isinstance(part.get(key), dict)]
    held: dict[str, Any] = inner[0] if inner else part
    for key in ("title", "context", "filename"):
        found.add(part.get(key) or held.get(key))
    data = next((held[key] for key in ("file_data", "data") if isinstance(held.get(key), str)), None)
    kind = held.get("type")
    if kind in ("text", "content"):
        _content(found, data or held.get("content"))
        return
    text = plain_text(data) if data is not None else None
    if text is not None:
        found.add(text)
    else:
        found.add_fixed(file_tokens(data and (unpacked(data) or data)))


def _other(found: Prompt, part: dict[str, Any]) -> None:
    """Add a part without a rule of its own: a call, a result, thinking; all but its ids and signatures."""
    found.add_fixed(PER_MESSAGE)
    for key, value in part.items():
        if key not in _UNREAD:
            found.add(value)


_UNREAD: Final = frozenset(("type", "id", "tool_use_id", "call_id", "signature", "cache_control", "status"))
_PARTS: Final[dict[str, Callable[[Prompt, dict[str, Any]], None]]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "summary_text": _text,
    "image_url": _image,
    "input_image": _image,
    "image": _image,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
    "document": _file,
}
READERS: Final[dict[str, Callable[[Prompt, dict[str, Any]], None]]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "openai-completions": _plain,
    "openai-embeddings": _plain,
    "anthropic-messages": _anthropic,
}
"""The dialects, by name."""


def _list(value: object) -> list[Any]:
    """Return a list as it is, nothing for nothing, and anything else as the one member of a list."""
    return value if isinstance(value, list) else [] if value is None else [value]
