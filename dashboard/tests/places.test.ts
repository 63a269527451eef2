// Who may go where.
import { expect, test } from "vitest";

import type { Me } from "../src/api";
import { HOUSE, may, MINE, type Role } from "../src/places";

const ROLES: Role[] = ["user", "auditor", "operator", "owner"];
const as = (role: Role) => ({ role }) as Me;

test("each role may what those below it may", () => {
  const allowed = ROLES.map((mine) => ROLES.filter((wanted) => may(as(mine), wanted)));
  expect(allowed).toEqual([["user"], ["user", "auditor"], ["user", "auditor", "operator"], ROLES]);
});

test("a user sees nothing of the house, and people are the owner's", () => {
  expect(HOUSE.filter(({ role }) => may(as("user"), role))).toEqual([]);
  expect(MINE.every(({ role }) => may(as("user"), role))).toBe(true);
  expect(HOUSE.filter(({ role }) => !may(as("operator"), role)).map(({ path }) => path)).toEqual(["/operator/people"]);
});

test("no two places share an address, and what the menu names has a picture", () => {
  const places = [...MINE, ...HOUSE];
  expect(new Set(places.map(({ path }) => path)).size).toBe(places.length);
  expect(places.filter(({ name, icon }) => Boolean(name) !== Boolean(icon))).toEqual([]);
});
