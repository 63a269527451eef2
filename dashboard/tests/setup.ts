// Before every test: the words of the frame, in English, and a console that may not tell of errors.
import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, expect, vi } from "vitest";

import { speak } from "../src/words";
import "../src/words/frame";

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
