// Before every test: the words of the frame, in English, and a console that may not tell of errors.
import { ReadableStream } from "node:stream/web";

import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, expect, vi } from "vitest";

import { speak } from "../src/words";
import "../src/words/frame";

// Browsers have it; the document that tests live in has not.
Object.assign(globalThis, { ReadableStream });

const told: unknown[][] = [];

beforeEach(async () => {
  told.length = 0;
  vi.spyOn(console, "error").mockImplementation((...words) => void told.push(words));
  await speak("en");
});

afterEach(() => {
  cleanup();
  expect(told, "errors in the console").toEqual([]);
});
