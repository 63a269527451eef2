"""The litellm package as its README uses it, in front of either vendor's format."""

import json

import litellm
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


def completion(base, key, model, messages, form, retries, **more):
    options = {} if retries is None else {"max_retries": retries, "num_retries": retries}
    return litellm.completion(
        model=f"openai/{model}" if form == "chat" else f"anthropic/{model}",
        api_base=f"{base}/v1" if form == "chat" else base,
        api_key=key,
        messages=messages,
        **options,
        **more,
    )


def whole(base, key, model, text, form="chat", retries=None):
    answer = completion(base, key, model, [{"role": "user", "content": text}], form, retries)
    usage = spent(answer.usage.prompt_tokens, answer.usage.completion_tokens)
    return {"text": answer.choices[0].message.content, "usage": usage}


def streamed(base, key, model, text, form="chat", retries=None):
    messages = [{"role": "user", "content": text}]
    told = {"stream": True, "stream_options": {"include_usage": True}}
    said, usage = "", None
    for chunk in completion(base, key, model, messages, form, retries, **told):
        said += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = getattr(chunk, "usage", None) or usage
    return {"text": said, "usage": spent(usage.prompt_tokens, usage.completion_tokens)}


def tools(base, key, model, text, form="chat", retries=None):
    messages = [{"role": "user", "content": text}]
    answer = completion(base, key, model, messages, form, retries, tools=[WEATHER])
    message = answer.choices[0].message
    (call,) = message.tool_calls
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    end = completion(base, key, model, messages, form, retries, tools=[WEATHER])
    asked = [[call.function.name, json.loads(call.function.arguments)]]
    return {"tools": asked, "text": end.choices[0].message.content}


litellm.suppress_debug_info = True
talk({"whole": whole, "streamed": streamed, "tools": tools})
