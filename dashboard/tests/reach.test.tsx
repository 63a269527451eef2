// That the service cannot be reached is said once, and no longer than it is so.
import { onlineManager, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { Reach } from "../src/parts/reach";
import { answers } from "../src/session";

const ask = vi.fn<() => Promise<string>>();

function Figure({ name }: { name: string }) {
  const { data } = useQuery({ queryKey: [name], queryFn: ask, retry: false });
  return <p>{data}</p>;
}

function open() {
  const queries = answers();
  render(
    <QueryClientProvider client={queries}>
      <Reach />
      <Figure name="balance" />
      <Figure name="forecast" />
    </QueryClientProvider>,
  );
  return queries;
}

test("while answers come nothing is said", async () => {
  ask.mockResolvedValue("100,000");
  open();
  await screen.findAllByText("100,000");
  expect(screen.getByRole("status").textContent).toBe("");
});

test("two answers that do not come are one message, which goes when they come", async () => {
  ask.mockResolvedValue("100,000");
  const queries = open();
  await screen.findAllByText("100,000");
  ask.mockRejectedValue(new TypeError("Failed to fetch"));
  await act(() => queries.refetchQueries());
  expect(screen.getAllByText(/what was last seen/)).toHaveLength(1);
  expect(screen.getAllByText("100,000")).toHaveLength(2);
  ask.mockResolvedValue("99,000");
  await act(() => queries.refetchQueries());
  await screen.findAllByText("99,000");
  expect(screen.getByRole("status").textContent).toBe("");
});

test("a no has come, and is no silence", async () => {
  ask.mockRejectedValue({ status: 403, code: "forbidden", title: "Not allowed", detail: "This needs the role operator." });
  open();
  await vi.waitFor(() => expect(ask).toHaveBeenCalledTimes(2));
  expect(screen.getByRole("status").textContent).toBe("");
});

test("a browser without a network is believed at once", async () => {
  ask.mockResolvedValue("100,000");
  open();
  await screen.findAllByText("100,000");
  act(() => onlineManager.setOnline(false));
  expect(screen.getByRole("status").textContent).toContain("what was last seen");
  act(() => onlineManager.setOnline(true));
  expect(screen.getByRole("status").textContent).toBe("");
});

test("where nothing was seen before, nothing is said of it, and it is asked again by itself", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  ask.mockRejectedValue(new TypeError("Failed to fetch"));
  open();
  await vi.waitFor(() => expect(screen.getByRole("status").textContent).toContain("tries again by itself"));
  expect(screen.getByRole("status").textContent).not.toContain("last seen");
  ask.mockResolvedValue("100,000");
  await act(() => vi.advanceTimersByTimeAsync(6_000));
  await screen.findAllByText("100,000");
  expect(screen.getByRole("status").textContent).toBe("");
  vi.useRealTimers();
});
