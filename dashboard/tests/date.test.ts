// When a day begins somewhere, and when a clock there shows a time, also on the days on which the clocks there change.
import { expect, test } from "vitest";

import { beginning, moment } from "../src/parts/date";

test.each([
  ["2026-11-21", "Asia/Seoul", false, "2026-11-20T15:00:00.000Z"],
  ["2026-11-21", "Asia/Seoul", true, "2026-11-21T15:00:00.000Z"],
  ["2026-12-31", "UTC", true, "2027-01-01T00:00:00.000Z"],
  ["2026-11-21", "Asia/Kathmandu", false, "2026-11-20T18:15:00.000Z"],
  ["2026-11-21", "Pacific/Kiritimati", false, "2026-11-20T10:00:00.000Z"],
  ["2026-03-29", "Europe/Berlin", false, "2026-03-28T23:00:00.000Z"],
  ["2026-03-29", "Europe/Berlin", true, "2026-03-29T22:00:00.000Z"],
  ["2026-03-08", "America/Los_Angeles", false, "2026-03-08T08:00:00.000Z"],
  ["2026-03-08", "America/Los_Angeles", true, "2026-03-09T07:00:00.000Z"],
  ["2026-11-01", "America/Los_Angeles", true, "2026-11-02T08:00:00.000Z"],
])("the day %s in %s, after it: %s", (day, zone, after, at) => {
  expect(beginning(day, zone, after)).toBe(at);
});

test.each([
  ["2026-11-21T09:30Z", "Asia/Seoul", "2026-11-21T00:30:00.000Z"],
  ["2026-03-29T12:00Z", "Europe/Berlin", "2026-03-29T10:00:00.000Z"],
])("the clock shows %s in %s", (shown, zone, at) => {
  expect(moment(new Date(shown), zone)).toBe(at);
});
