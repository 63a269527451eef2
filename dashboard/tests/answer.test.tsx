// What stands for a question to the API while it is asked, when it failed, and when it was answered.
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { Answer } from "../src/parts/answer";
import { speak } from "../src/words";

const REFUSED = { status: 403, code: "forbidden", title: "Not allowed", detail: "This needs the role operator." };
const LOST = new TypeError("Failed to fetch");

function shown(data: string | undefined, error: unknown, refetch = vi.fn()) {
  render(<Answer of={{ data, error, refetch }}>{(said) => <p>{said}</p>}</Answer>);
  return refetch;
}

test("while it is asked, something rests in its place, which is said", () => {
  shown(undefined, null);
  expect(screen.getByRole("status", { name: "Loading …" })).toBeTruthy();
});

test("the answer is shown by itself", () => {
  shown("100,000", null);
  expect(screen.getByText("100,000")).toBeTruthy();
  expect(screen.queryByRole("status")).toBeNull();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a no is told in the words of the API, and can be asked again", async () => {
  const again = shown(undefined, REFUSED);
  expect(screen.getByRole("alert").textContent).toContain("This needs the role operator.");
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(again).toHaveBeenCalledOnce();
});

test("a network that is away is told in the reader's language", async () => {
  await speak("ko");
  shown(undefined, LOST);
  expect(screen.getByRole("alert").textContent).toContain("서비스에 연결할 수 없습니다");
});

test("what was last seen stays when it cannot be asked again", () => {
  shown("100,000", LOST);
  expect(screen.getByText("100,000")).toBeTruthy();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("what went wrong stays in sight while it is asked again, until the answer is there", () => {
  const of = (data: string | undefined, error: unknown) => <Answer of={{ data, error, refetch: vi.fn() }}>{(said) => <p>{said}</p>}</Answer>;
  const { rerender } = render(of(undefined, REFUSED));
  rerender(of(undefined, null));
  expect(screen.getByRole("alert").textContent).toContain("This needs the role operator.");
  rerender(of("100,000", null));
  expect(screen.queryByRole("alert")).toBeNull();
  rerender(of(undefined, null));
  expect(screen.queryByRole("alert")).toBeNull();
});
