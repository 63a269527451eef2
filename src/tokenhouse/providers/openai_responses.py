"""OpenAI's responses, and the vendors that speak them, such as DeepSeek."""

from typing import Any, ClassVar, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.providers.base import Request
from tokenhouse.providers.ears import Ear
from tokenhouse.providers.fields import cap_of, document_of, flag, lowered, model_of
from tokenhouse.providers.formats import Format
from tokenhouse.providers.sse import event_of

METERED: Final = frozenset({"model", "stream", "max_output_tokens", "background"})
_ENDS: Final = {"response.completed", "response.incomplete", "response.failed"}
_SOUND: Final = ("response.audio.delta", "response.output_audio.delta")
"""Deltas that are no text, but sound in base64."""


class OpenAIResponses(Format, frozen=True):
    """`POST /v1/responses`."""

    name: ClassVar[str] = "openai-responses"
    protocol: ClassVar[str] = "openai"

    def read(self, body: bytes) -> Request:
        """Return what the meter must know of `body`.

        Raises: InvalidInput that names the field; `background_unmetered`, for an answer that is fetched later
        tells the meter nothing.
        """
        document = document_of(body, METERED)
        if flag(document, "background"):
            raise InvalidInput("background_unmetered", field="background", value="true")
        return Request(
            dialect=self,
            body=body,
            document=document,
            model=model_of(document),
            stream=flag(document, "stream"),
            cap=cap_of(document, "max_output_tokens"),
        )

    def ear(self, request: Request) -> Ear:
        """Return who hears the answer."""
        return ResponsesEar(request)

    def changes(self, request: Request, cap: int | None) -> dict[str, Any]:
        """Return the cap, where it must be another."""
        lower = lowered(request.cap, cap)
        return {} if lower is None else {"max_output_tokens": lower}


class ResponsesEar(Ear):
    """Hears responses: deltas as they come, and the whole response once more at the end."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._next = 0

    def understand(self, data: bytes) -> bool:
        """Take an event, or a whole answer."""
        event = _EVENT.decode(data)
        kind = event.type
        if type(event.sequence_number) is int:
            self._next = event.sequence_number + 1
        if kind is None:
            self._end(_RESPONSE.decode(data))
        elif kind.endswith(".delta"):
            if type(event.delta) is str and kind not in _SOUND:
                self.say(event.delta)
        elif kind == "response.output_item.added":
            if isinstance(event.item, dict):
                self.say(event.item.get("name"))
        elif kind in _ENDS:
            self._end(_RESPONSE.decode(event.response))
        elif kind == "error":
            self.fail(event.error or {"code": event.code, "message": event.message})
        return False

    def ending(self, error: bytes) -> bytes:
        """Return the format's own error event.

        Its members stand twice: at the top, where the reference has them, and in `error`, where SDKs look.
        """
        inner = msgspec.json.decode(error)["error"]
        event = {
            "type": "error",
            "sequence_number": self._next,
            "code": inner["code"],
            "message": inner["message"],
            "param": inner["param"],
            "error": inner,
        }
        return event_of(msgspec.json.encode(event), b"error")

    def _end(self, response: "_Response") -> None:
        """Take a response that is over. Its text has been heard already, unless no deltas came."""
        self.tally.name(response.model)
        self.tally.see(response.usage)
        if self.silent:
            self.say(response.output)
        if response.error:
            self.fail(response.error)
        else:
            self.finished = response.status in {"completed", "incomplete"}


class _Event(msgspec.Struct, gc=False):
    type: str | None = None
    delta: Any = None
    item: Any = None
    response: msgspec.Raw = msgspec.Raw(b"{}")
    sequence_number: Any = None
    error: Any = None
    code: Any = None
    message: Any = None


class _Response(msgspec.Struct, gc=False):
    model: Any = None
    status: Any = None
    usage: Any = None
    output: Any = None
    error: Any = None


_EVENT: Final = msgspec.json.Decoder(_Event)
_RESPONSE: Final = msgspec.json.Decoder(_Response)
