"""OpenAI's embeddings: input alone, never streamed, never capped."""

from typing import Any, ClassVar, Final

from tokenhouse.errors import InvalidInput
from tokenhouse.providers.base import Request
from tokenhouse.providers.ears import Ear
from tokenhouse.providers.fields import document_of, model_of
from tokenhouse.providers.formats import Format
from tokenhouse.providers.openai_chat import ChatEar

METERED: Final = frozenset({"model", "input"})


class OpenAIEmbeddings(Format, frozen=True):
    """`POST /v1/embeddings`."""

    name: ClassVar[str] = "openai-embeddings"
    protocol: ClassVar[str] = "openai"

    def read(self, body: bytes) -> Request:
        """Return what the meter must know of `body`. Raises: InvalidInput that names the field."""
        document = document_of(body, METERED)
        if document.get("input") is None:
            raise InvalidInput("field_missing", field="input", value="")
        return Request(
            dialect=self, body=body, document=document, model=model_of(document), stream=False, cap=0
        )

    def ear(self, request: Request) -> Ear:
        """Return who hears the answer; its vectors are not unpacked."""
        return ChatEar(request)

    def changes(self, request: Request, cap: int | None) -> dict[str, Any]:  # noqa: ARG002 - as every format
        """Return none: there is no output to cap."""
        return {}
