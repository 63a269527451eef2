"""The shapes by the name of their wire format."""

from typing import Final

from tokenhouse.providers.demo.anthropic import Messages
from tokenhouse.providers.demo.openai import Chat, Completions, Embeddings
from tokenhouse.providers.demo.responses import Responses
from tokenhouse.providers.demo.shape import Chunk, Shape

__all__ = ["SHAPES", "Chunk", "Shape"]

SHAPES: Final[dict[str, Shape]] = {
    "openai-chat": Chat(),
    "openai-responses": Responses(),
    "openai-completions": Completions(),
    "openai-embeddings": Embeddings(),
    "anthropic-messages": Messages(),
}
