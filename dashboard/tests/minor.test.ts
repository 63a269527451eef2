// Money that is typed becomes the smallest coins of its currency, digit by digit, or nothing at all.
import { expect, test } from "vitest";

import { minorOf } from "../src/parts/minor";

test.each([
  ["5", "USD", 500],
  ["5.5", "USD", 550],
  ["14.99", "EUR", 1499],
  ["0.01", "USD", 1],
  [" 1,234.50 ", "USD", 123_450],
  ["9.", "USD", 900],
  ["3300", "KRW", 3300],
  ["2,200", "JPY", 2200],
])("%s of %s is %i", (typed, currency, minor) => {
  expect(minorOf(typed, currency)).toBe(minor);
});

test.each([
  ["0", "USD"],
  ["5.555", "USD"],
  ["3300.5", "KRW"],
  ["-5", "USD"],
  ["five", "USD"],
  [".5", "USD"],
  ["1e3", "USD"],
])("%s of %s is no amount", (typed, currency) => {
  expect(minorOf(typed, currency)).toBeUndefined();
});

test("nothing typed asks for nothing in particular", () => {
  expect(minorOf("  ", "USD")).toBeNull();
});
