"""The wire formats by name, as settings and paths name them."""

from typing import Final

from tokenhouse.providers.anthropic_messages import AnthropicMessages
from tokenhouse.providers.base import Dialect
from tokenhouse.providers.openai_chat import OpenAIChat
from tokenhouse.providers.openai_completions import OpenAICompletions
from tokenhouse.providers.openai_embeddings import OpenAIEmbeddings
from tokenhouse.providers.openai_responses import OpenAIResponses

_ALL: Final[tuple[Dialect, ...]] = (
    OpenAIChat(),
    OpenAIResponses(),
    OpenAICompletions(),
    OpenAIEmbeddings(),
    AnthropicMessages(),
)
DIALECTS: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in _ALL}
"""Every format as its own vendor takes it; a route to another vendor may want one made for it."""
