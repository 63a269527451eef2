"""OpenAI's legacy completions: a prompt, or a list of prompts, continued as plain text."""

from typing import Any, ClassVar, Final

from tokenhouse.errors import InvalidInput
from tokenhouse.providers.base import Request
from tokenhouse.providers.ears import Ear
from tokenhouse.providers.fields import (
    CHOICES_MAX,
    cap_of,
    choices_of,
    document_of,
    flag,
    lowered,
    model_of,
    table,
)
from tokenhouse.providers.formats import Format
from tokenhouse.providers.openai_chat import ChatEar, usage_asked

CAP_DEFAULT: Final = 16
"""What OpenAI takes for a `max_tokens` that is not set."""
METERED: Final = frozenset({"model", "stream", "stream_options", "n", "best_of", "max_tokens", "prompt"})


class OpenAICompletions(Format, frozen=True):
    """`POST /v1/completions`."""

    name: ClassVar[str] = "openai-completions"
    protocol: ClassVar[str] = "openai"

    asks_usage: bool = True
    """Whether the provider takes `stream_options`."""

    def read(self, body: bytes) -> Request:
        """Return what the meter must know of `body`. Raises: InvalidInput that names the field.

        An absent `max_tokens` is the 16 of OpenAI's reference: another provider may have no end at all.
        """
        document = document_of(body, METERED)
        prompts, each = _prompts(document.get("prompt")), choices_of(document)
        if prompts * each > CHOICES_MAX:
            raise InvalidInput("out_of_range", field="prompt", value=prompts, low=1, high=CHOICES_MAX // each)
        return Request(
            dialect=self,
            body=body,
            document=document,
            model=model_of(document),
            stream=flag(document, "stream"),
            choices=prompts * each,
            cap=cap_of(document, "max_tokens") or CAP_DEFAULT,
            shows_usage=flag(table(document, "stream_options"), "include_usage", "stream_options."),
        )

    def ear(self, request: Request) -> Ear:
        """Return who hears the answer."""
        return ChatEar(request)

    def changes(self, request: Request, cap: int | None) -> dict[str, Any]:
        """Return the cap and the stream's options, where they must be others; the default cap is sent."""
        changes: dict[str, Any] = {}
        if cap is not None and lowered(request.document.get("max_tokens"), cap) is not None:
            changes["max_tokens"] = min(cap, request.cap or cap)
        return changes | usage_asked(request) if self.asks_usage else changes


def _prompts(prompt: object) -> int:
    """Return how many prompts there are: a text, or a list of tokens, is one; else each has its answers."""
    if prompt is None or isinstance(prompt, str):
        return 1
    if not isinstance(prompt, list):
        raise InvalidInput("text_expected", field="prompt", value=type(prompt).__name__)
    return 1 if prompt and isinstance(prompt[0], int) else max(len(prompt), 1)
