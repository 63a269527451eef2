// How a test talks with a client's script: an ask on each line that comes in, what the client showed on each that goes out.

import { createInterface } from "node:readline";

/** Answers every ask, `{"way": …}` and what that way takes; an exception is told as a user would see it. */
export async function talk(ways) {
  const base = process.argv[2];
  const say = (shown) => process.stdout.write(`${JSON.stringify(shown)}\n`);
  say({ ready: Object.keys(ways).sort() });
  for await (const line of createInterface({ input: process.stdin })) {
    const { way, ...ask } = JSON.parse(line);
    try {
      say(await ways[way](base, ask));
    } catch (error) {
      say({ error: told(error) });
    }
  }
}

/** An exception as a user sees it: its class, its status, its text, and the body that it kept. */
function told(error) {
  const status = error.status ?? error.statusCode ?? null;
  return { class: error.constructor.name, status, text: error.message, body: error.error ?? error.responseBody ?? null };
}
