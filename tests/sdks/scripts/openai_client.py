"""The openai package as its README uses it: chat, responses, completions, embeddings, models."""

import json

from openai import OpenAI
from talk import spent, talk

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def client(base, key, retries):
    options = {} if retries is None else {"max_retries": retries}
    return OpenAI(base_url=f"{base}/v1", api_key=key, **options)


def whole(base, key, model, text, retries=None, **_):
    answer = client(base, key, retries).chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}]
    )
    usage = spent(answer.usage.prompt_tokens, answer.usage.completion_tokens)
    more = answer.model_extra or {}
    return {"text": answer.choices[0].message.content, "usage": usage, "more": more}


def streamed(base, key, model, text, retries=None, **_):
    stream = client(base, key, retries).chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": text}],
        stream=True,
        stream_options={"include_usage": True},
    )
    said, usage = "", None
    for chunk in stream:
        said += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = chunk.usage or usage
    return {"text": said, "usage": spent(usage.prompt_tokens, usage.completion_tokens)}


def streamed_plainly(base, key, model, text, retries=None, **_):
    stream = client(base, key, retries).chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}], stream=True
    )
    chunks = list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    return {"text": said, "usages": sum(chunk.usage is not None for chunk in chunks)}


def tools(base, key, model, text, retries=None, **_):
    messages = [{"role": "user", "content": text}]
    ours = client(base, key, retries)
    message = ours.chat.completions.create(model=model, messages=messages, tools=[WEATHER]).choices[0].message
    (call,) = message.tool_calls
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    end = ours.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    asked = [[call.function.name, json.loads(call.function.arguments)]]
    return {"tools": asked, "text": end.choices[0].message.content}


def responses(base, key, model, text, retries=None, **_):
    answer = client(base, key, retries).responses.create(model=model, input=text)
    return {"text": answer.output_text, "usage": spent(answer.usage.input_tokens, answer.usage.output_tokens)}


def responses_streamed(base, key, model, text, retries=None, **_):
    with client(base, key, retries).responses.stream(model=model, input=text) as stream:
        said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        usage = stream.get_final_response().usage
    return {"text": said, "usage": spent(usage.input_tokens, usage.output_tokens)}


def completions(base, key, model, text, retries=None, **_):
    answer = client(base, key, retries).completions.create(model=model, prompt=text)
    usage = spent(answer.usage.prompt_tokens, answer.usage.completion_tokens)
    return {"text": answer.choices[0].text, "usage": usage}


def embeddings(base, key, model, text, retries=None, **_):
    answer = client(base, key, retries).embeddings.create(model=model, input=[text, "another"])
    sizes = [len(one.embedding) for one in answer.data]
    return {"sizes": sizes, "usage": spent(answer.usage.prompt_tokens, 0)}


def models(base, key, retries=None, **_):
    return {"models": [one.id for one in client(base, key, retries).models.list()]}


talk(
    {
        "whole": whole,
        "streamed": streamed,
        "streamed plainly": streamed_plainly,
        "tools": tools,
        "responses": responses,
        "responses streamed": responses_streamed,
        "completions": completions,
        "embeddings": embeddings,
        "models": models,
    }
)
