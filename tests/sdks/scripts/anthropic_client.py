"""The anthropic package as its README uses it. It takes the server's root as its base."""

from anthropic import Anthropic
from talk import spent, talk

WEATHER = {
    "name": "weather",
    "description": "Tell the weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
TOKENS_MAX = 300


def client(base, key, retries):
    options = {} if retries is None else {"max_retries": retries}
    return Anthropic(base_url=base, api_key=key, **options)


def whole(base, key, model, text, retries=None, **_):
    answer = client(base, key, retries).messages.create(
        model=model, max_tokens=TOKENS_MAX, messages=[{"role": "user", "content": text}]
    )
    usage = spent(answer.usage.input_tokens, answer.usage.output_tokens)
    return {"text": answer.content[0].text, "usage": usage, "more": answer.model_extra or {}}


def streamed(base, key, model, text, retries=None, **_):
    with client(base, key, retries).messages.stream(
        model=model, max_tokens=TOKENS_MAX, messages=[{"role": "user", "content": text}]
    ) as stream:
        said = "".join(stream.text_stream)
        usage = stream.get_final_message().usage
    return {"text": said, "usage": spent(usage.input_tokens, usage.output_tokens)}


def tools(base, key, model, text, retries=None, **_):
    messages = [{"role": "user", "content": text}]
    ours = client(base, key, retries).messages
    answer = ours.create(model=model, max_tokens=TOKENS_MAX, messages=messages, tools=[WEATHER])
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    end = ours.create(model=model, max_tokens=TOKENS_MAX, messages=messages, tools=[WEATHER])
    return {"tools": [[call.name, call.input]], "text": end.content[0].text}


def counted(base, key, model, text, retries=None, **_):
    count = client(base, key, retries).messages.count_tokens(
        model=model, messages=[{"role": "user", "content": text}]
    )
    return {"tokens": count.input_tokens}


def models(base, key, retries=None, **_):
    return {"models": [one.id for one in client(base, key, retries).models.list()]}


talk({"whole": whole, "streamed": streamed, "tools": tools, "counted": counted, "models": models})
