// A chart says the same as a table, in the words of the API.
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";

import { Chart, type Series } from "../src/parts/chart";

const drawn = vi.hoisted(() => vi.fn());
vi.mock("uplot", () => ({
  default: class {
    static paths = {};
    constructor(_options: unknown, data: unknown) {
      drawn(data);
    }
    setSize() {}
    destroy() {}
  },
}));

const DAYS = ["Nov 1", "Nov 2"];
const SERIES: Series[] = [
  { title: "Small", points: [{ value: 1_200_000, shown: "1,200,000" }, { value: 0, shown: "0" }] },
  { title: "Large", points: [{ value: 7, shown: "7" }] },
];

beforeEach(() => {
  drawn.mockClear();
  vi.stubGlobal("ResizeObserver", class {
    observe() {}
    disconnect() {}
  });
});

test("it draws the figures, and has a name", () => {
  render(<Chart title="Tokens a day" places={DAYS} series={SERIES} />);
  expect(screen.getByRole("img", { name: "Tokens a day" })).toBeTruthy();
  expect(drawn).toHaveBeenLastCalledWith([[0, 1], [1_200_000, 0], [7]]);
});

test("its table holds every figure as it is shown, and an empty place where there is none", async () => {
  render(<Chart title="Tokens a day" places={DAYS} series={SERIES} />);
  await userEvent.click(screen.getByRole("button", { name: "As a table" }));
  const table = screen.getByRole("table", { name: "Tokens a day" });
  const rows = within(table).getAllByRole("row").map((row) => [...row.children].map((cell) => cell.textContent));
  expect(rows).toEqual([["", "Small", "Large"], ["Nov 1", "1,200,000", "7"], ["Nov 2", "0", ""]]);
  await userEvent.click(screen.getByRole("button", { name: "As a chart" }));
  expect(screen.getByRole("img", { name: "Tokens a day" })).toBeTruthy();
});
