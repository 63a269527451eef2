// The events of a streamed answer (text/event-stream), read from its bytes as they come.
import type { TurnAnswer } from "../../api";

export type TurnEvent =
  | { name: "start"; data: { session: string; title: string; seq: number } }
  | { name: "delta"; data: { text: string } }
  | { name: "done"; data: TurnAnswer }
  | { name: "error"; data: unknown };

const NAMES: readonly string[] = ["start", "delta", "done", "error"];

/** Yields each event once all of it has come; what a stream that broke off left half said is dropped. */
export async function* eventsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<TurnEvent> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held += decoder.decode(value, { stream: true });
    const blocks = held.split("\n\n");
    held = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = eventOf(block);
      if (event) yield event;
    }
  }
}

/** Returns the event of one block; none for a comment, or for what we do not know. */
export function eventOf(block: string): TurnEvent | null {
  let name = "";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice("event: ".length);
    else if (line.startsWith("data: ")) data.push(line.slice("data: ".length));
  }
  return NAMES.includes(name) ? ({ name, data: JSON.parse(data.join("\n")) } as TurnEvent) : null;
}
