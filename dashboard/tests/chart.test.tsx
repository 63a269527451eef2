// A chart says the same as a table, in the words of the API.
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";

import { Chart, type Series } from "../src/parts/chart";

const drawn = vi.hoisted(() => vi.fn());
const pointed = vi.hoisted(() => vi.fn<(idx: number | null, left: number) => void>());
vi.mock("uplot", () => ({
  default: class {
    static paths = {};
    constructor(options: { hooks: { setCursor: ((chart: unknown) => void)[] } }, data: unknown) {
      drawn(data);
      pointed.mockImplementation((idx: number | null, left: number) =>
        options.hooks.setCursor.forEach((hear) => hear({ cursor: { idx, left }, bbox: { left: 40 }, width: 600 })),
      );
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

test("it draws the figures, and has a name", async () => {
  render(<Chart title="Tokens a day" places={DAYS} series={SERIES} />);
  await screen.findByRole("img", { name: "Tokens a day" });
  expect(drawn).toHaveBeenLastCalledWith([[0, 1], [1_200_000, 0], [7]]);
});

test("it draws anew in the colours of another theme", async () => {
  render(<Chart title="Tokens a day" places={DAYS} series={SERIES} />);
  await screen.findByRole("img");
  drawn.mockClear();
  document.documentElement.dataset.theme = "dark";
  await vi.waitFor(() => expect(drawn).toHaveBeenCalledOnce());
});

test("parts of a stack stand on each other, the highest behind", async () => {
  const parts = [SERIES[0], { title: "Large", points: [{ value: 7, shown: "7" }, { value: 3, shown: "3" }] }] as Series[];
  render(<Chart title="Tokens a day" places={DAYS} series={parts} kind="stack" />);
  await screen.findByRole("img");
  expect(drawn).toHaveBeenLastCalledWith([[0, 1], [1_200_007, 3], [1_200_000, 0]]);
  expect(screen.getAllByRole("listitem").map((one) => one.textContent)).toEqual(["Small", "Large"]);
});

test("its table holds every figure as it is shown, and an empty place where there is none", async () => {
  render(<Chart title="Tokens a day" places={DAYS} series={SERIES} />);
  await userEvent.click(screen.getByRole("button", { name: "As a table" }));
  const table = screen.getByRole("table", { name: "Tokens a day" });
  const rows = within(table).getAllByRole("row").map((row) => [...row.children].map((cell) => cell.textContent));
  expect(rows).toEqual([["", "Small", "Large"], ["Nov 1", "1,200,000", "7"], ["Nov 2", "0", ""]]);
  await userEvent.click(screen.getByRole("button", { name: "As a chart" }));
  await screen.findByRole("img", { name: "Tokens a day" });
});

test("places of one name stay apart", async () => {
  const error = vi.spyOn(console, "error");
  render(<Chart title="Tokens an hour" places={["9 AM", "9 AM"]} series={SERIES} />);
  await userEvent.click(screen.getByRole("button", { name: "As a table" }));
  expect(screen.getAllByRole("row")).toHaveLength(3);
  expect(error).not.toHaveBeenCalled();
});

test("what is pointed at is said in the API's words, each part of a stack with its own figure", async () => {
  const parts = [SERIES[0], { title: "Large", points: [{ value: 7, shown: "7" }, { value: 3, shown: "3" }] }] as Series[];
  render(<Chart title="Tokens a day" places={DAYS} series={parts} kind="stack" />);
  await screen.findByRole("img");
  pointed(0, 100);
  const words = screen.getByText("Nov 1").parentElement;
  expect(words?.hidden).toBe(false);
  expect([...(words?.children ?? [])].map((line) => line.textContent)).toEqual(["Nov 1", "Small1,200,000", "Large7"]);
  pointed(1, 500);
  expect(words?.style.left).toBe("auto");
  pointed(null, -10);
  expect(words?.hidden).toBe(true);
});
