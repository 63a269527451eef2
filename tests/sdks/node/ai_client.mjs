// The AI SDK of Vercel as its documentation uses it, with its providers of either vendor's format.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { talk } from "./talk.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false; // They would go where the answers go.

/** The model by its format; `responses` is what the package of OpenAI takes by itself. */
function model(base, { key, model: name, form = "chat" }) {
  const options = { baseURL: `${base}/v1`, apiKey: key };
  if (form === "messages") return createAnthropic(options)(name);
  return form === "responses" ? createOpenAI(options)(name) : createOpenAI(options).chat(name);
}

const asked = (base, ask) => ({
  model: model(base, ask),
  prompt: ask.text,
  ...(ask.retries == null ? {} : { maxRetries: ask.retries }),
});

async function whole(base, ask) {
  const { text, usage } = await generateText(asked(base, ask));
  return { text, usage: [usage.inputTokens, usage.outputTokens] };
}

async function streamed(base, ask) {
  let trouble = null;
  const stream = streamText({ ...asked(base, ask), onError: ({ error }) => (trouble = error) });
  let text = "";
  for await (const part of stream.textStream) text += part;
  if (trouble) throw trouble;
  const usage = await stream.usage;
  return { text, usage: [usage.inputTokens, usage.outputTokens] };
}

async function tools(base, ask) {
  const seen = [];
  const weather = tool({
    description: "Tell the weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async (input) => {
      seen.push(["weather", input]);
      return "sunny";
    },
  });
  const { text } = await generateText({ ...asked(base, ask), tools: { weather }, stopWhen: stepCountIs(2) });
  return { text, tools: seen };
}

await talk({ whole, streamed, tools });
