"""The langchain-openai package as its README uses it."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from talk import spent, talk


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def chat(base, key, model, retries):
    options = {} if retries is None else {"max_retries": retries}
    return ChatOpenAI(base_url=f"{base}/v1", api_key=key, model=model, stream_usage=True, **options)


def usage_of(message):
    return spent(message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"])


def whole(base, key, model, text, retries=None, **_):
    answer = chat(base, key, model, retries).invoke(text)
    return {"text": answer.content, "usage": usage_of(answer)}


def streamed(base, key, model, text, retries=None, **_):
    answer = None
    for chunk in chat(base, key, model, retries).stream(text):
        answer = chunk if answer is None else answer + chunk
    return {"text": answer.content, "usage": usage_of(answer)}


def tools(base, key, model, text, retries=None, **_):
    bound = chat(base, key, model, retries).bind_tools([weather])
    messages = [HumanMessage(text)]
    answer = bound.invoke(messages)
    (call,) = answer.tool_calls
    messages += [answer, ToolMessage("sunny", tool_call_id=call["id"])]
    return {"tools": [[call["name"], call["args"]]], "text": bound.invoke(messages).content}


talk({"whole": whole, "streamed": streamed, "tools": tools})
