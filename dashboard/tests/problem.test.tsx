// What is a problem of the API, and how one is shown.
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";

import { Empty, Failed, isProblem, Loading } from "../src/parts/problem";

test("only an answer of the API is a problem", () => {
  expect(isProblem({ status: 402, code: "refused", title: "Used up", detail: "Buy more." })).toBe(true);
  for (const other of [null, undefined, "no", new TypeError("Failed to fetch"), {}, { detail: "x" }]) expect(isProblem(other)).toBe(false);
});

test("a problem shows its title and what to do", () => {
  render(<Failed error={{ status: 402, code: "refused", title: "Used up", detail: "Buy more." }} />);
  expect(screen.getByRole("alert").textContent).toBe("Used upBuy more.");
});

test("where nothing can be asked again there is no button for it", () => {
  render(<Failed error={new TypeError("Failed to fetch")} />);
  expect(screen.queryByRole("button")).toBeNull();
  expect(screen.getByRole("alert").textContent).toContain("That did not work");
});

test("as many lines rest as will come", () => {
  render(<Loading rows={5} />);
  expect(screen.getByRole("status").childElementCount).toBe(5);
});

test("an empty place says so", () => {
  render(<Empty>Nothing yet.</Empty>);
  expect(screen.getByText("Nothing yet.")).toBeTruthy();
});
