// The openai package of npm as its README uses it.

import OpenAI from "openai";

import { talk } from "./talk.mjs";

const weather = {
  type: "function",
  function: {
    name: "weather",
    description: "Tell the weather of a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

const client = (base, { key, retries }) =>
  new OpenAI({ baseURL: `${base}/v1`, apiKey: key, ...(retries == null ? {} : { maxRetries: retries }) });

async function whole(base, ask) {
  const answer = await client(base, ask).chat.completions.create({
    model: ask.model,
    messages: [{ role: "user", content: ask.text }],
  });
  const usage = [answer.usage.prompt_tokens, answer.usage.completion_tokens];
  return { text: answer.choices[0].message.content, usage };
}

async function streamed(base, ask) {
  const stream = await client(base, ask).chat.completions.create({
    model: ask.model,
    messages: [{ role: "user", content: ask.text }],
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  return { text, usage: [usage.prompt_tokens, usage.completion_tokens] };
}

async function tools(base, ask) {
  const ours = client(base, ask);
  const messages = [{ role: "user", content: ask.text }];
  const first = await ours.chat.completions.create({ model: ask.model, messages, tools: [weather] });
  const message = first.choices[0].message;
  const call = message.tool_calls[0];
  messages.push(message, { role: "tool", tool_call_id: call.id, content: "sunny" });
  const end = await ours.chat.completions.create({ model: ask.model, messages, tools: [weather] });
  const asked = [[call.function.name, JSON.parse(call.function.arguments)]];
  return { tools: asked, text: end.choices[0].message.content };
}

async function responses(base, ask) {
  const answer = await client(base, ask).responses.create({ model: ask.model, input: ask.text });
  return { text: answer.output_text, usage: [answer.usage.input_tokens, answer.usage.output_tokens] };
}

await talk({ whole, streamed, tools, responses });
