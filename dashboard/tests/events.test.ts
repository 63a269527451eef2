// The events of a stream, whatever pieces its bytes come in.
import { describe, expect, it } from "vitest";

import { eventOf, eventsOf } from "../src/screens/chat/events";

const STREAM = [
  'event: start\ndata: {"session":"s","title":"안녕","seq":1}\n\n',
  ": a comment\n\n",
  'event: delta\ndata: {"text":"안녕하세요 👋"}\n\n',
  'event: unheard-of\ndata: {}\n\n',
  'event: done\ndata: {"session":"s"}\n\n',
  'event: delta\ndata: {"text":"half',
].join("");

function inPieces(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
}

describe("the events of a stream", () => {
  it.each([1, 2, 3, 7, 64, 10_000])("are the same in pieces of %i bytes", async (size) => {
    const names: string[] = [];
    let text = "";
    for await (const event of eventsOf(inPieces(new TextEncoder().encode(STREAM), size))) {
      names.push(event.name);
      if (event.name === "delta") text += event.data.text;
    }
    expect(names).toEqual(["start", "delta", "done"]);
    expect(text).toBe("안녕하세요 👋");
  });

  it("are none where a block says nothing that we know", () => {
    expect(eventOf(": still there")).toBeNull();
    expect(eventOf("data: {}")).toBeNull();
  });
});
