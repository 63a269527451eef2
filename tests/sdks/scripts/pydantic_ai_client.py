"""The pydantic-ai package as its README uses it, in front of either vendor's format."""

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from talk import spent, talk


def agent(base, key, model, form, retries):
    options = {} if retries is None else {"max_retries": retries}
    if form == "messages":
        theirs = AsyncAnthropic(base_url=base, api_key=key, **options)
        return Agent(AnthropicModel(model, provider=AnthropicProvider(anthropic_client=theirs)))
    theirs = AsyncOpenAI(base_url=f"{base}/v1", api_key=key, **options)
    return Agent(OpenAIChatModel(model, provider=OpenAIProvider(openai_client=theirs)))


def whole(base, key, model, text, form="chat", retries=None):
    answer = agent(base, key, model, form, retries).run_sync(text)
    return {"text": answer.output, "usage": spent(answer.usage.input_tokens, answer.usage.output_tokens)}


def streamed(base, key, model, text, form="chat", retries=None):
    stream = agent(base, key, model, form, retries).run_stream_sync(text)
    said = "".join(stream.stream_text(delta=True))
    return {"text": said, "usage": spent(stream.usage.input_tokens, stream.usage.output_tokens)}


def tools(base, key, model, text, form="chat", retries=None):
    asked = []
    ours = agent(base, key, model, form, retries)

    @ours.tool_plain
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(["weather", {"city": city}])
        return "sunny"

    return {"text": ours.run_sync(text).output, "tools": asked}


talk({"whole": whole, "streamed": streamed, "tools": tools})
