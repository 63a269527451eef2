// Who is signed in: nobody asks for a stranger, and a session that is over leads to the way in.
import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter, Route, Routes, useLocation } from "react-router";
import { beforeEach, expect, test, vi } from "vitest";

import type { Me } from "../src/api";
import { showBalanceOptions } from "../src/api/@tanstack/react-query.gen";
import { client } from "../src/api/client.gen";
import { seemsSignedIn } from "../src/client";
import { answers, SignedIn, useMe, useSignOut, type Sent } from "../src/session";

const ALICE: Me = {
  role: "user", account: "alice", actor: "person:alice@example.com", email: "alice@example.com", name: "", locale: "en",
  time_zone: "Asia/Seoul", has_password: true, csrf_token: "only-we-know", expires_at: null,
};
const OVER = { status: 401, code: "unauthenticated", title: "Not signed in", detail: "Sign in.", type: "", instance: "" };
const FAULT = { ...OVER, status: 503, code: "database_trouble", title: "Trouble", detail: "Try again later." };

const asked = vi.fn<(method: string, path: string, csrf: string | null) => unknown>();

beforeEach(() => {
  asked.mockReset();
  const fetch = async (request: Request) => {
    const said = asked(request.method, new URL(request.url).pathname, request.headers.get("x-csrf-token"));
    if (said === undefined) throw new TypeError("Failed to fetch");
    const status = typeof said === "object" && said !== null && "status" in said ? Number(said.status) : 200;
    return new Response(JSON.stringify(said), { status, headers: { "content-type": "application/json" } });
  };
  client.setConfig({ baseUrl: "http://tokenhouse.test", fetch: fetch as typeof globalThis.fetch });
  document.cookie = "tokenhouse-signed-in=1; Path=/app";
});

function Inside() {
  const me = useMe();
  const leave = useSignOut();
  const { data } = useQuery({ ...showBalanceOptions({ path: { ref: "me" } }), enabled: me.name === "asks" });
  return <button onClick={() => void leave().catch(() => document.body.append("stays"))}>{me.actor} {data?.plan}</button>;
}

function WayIn() {
  const sent = useLocation().state as Sent | null;
  return <p>the way in, then {sent?.to ?? "nowhere"}{sent?.ended && ", told why"}</p>;
}

function open() {
  render(
    <QueryClientProvider client={answers()}>
      <MemoryRouter initialEntries={["/buy/1?came=paid"]}>
        <Routes>
          <Route path="/sign-in" element={<WayIn />} />
          <Route path="*" element={<SignedIn><Inside /></SignedIn>} />
        </Routes>
      </MemoryRouter>
    </QueryClientProvider>,
  );
}

test("for a stranger nothing is asked", async () => {
  document.cookie = "tokenhouse-signed-in=; Path=/app; Max-Age=0";
  open();
  await screen.findByText("the way in, then /buy/1?came=paid");
  expect(asked).not.toHaveBeenCalled();
});

test("who is signed in sees what is inside", async () => {
  asked.mockReturnValue(ALICE);
  open();
  await screen.findByText(/person:alice/);
  expect(asked).toHaveBeenCalledExactlyOnceWith("GET", "/api/v1/session", null);
});

test("a session that is over when the pages open leads to the way in, and is not asked for again", async () => {
  asked.mockReturnValue(OVER);
  open();
  await screen.findByText("the way in, then /buy/1?came=paid, told why");
  expect(seemsSignedIn()).toBe(false);
  expect(asked).toHaveBeenCalledOnce();
});

test("a session that ends meanwhile leads to the way in, whatever was asked", async () => {
  asked.mockImplementation((_method, path) => (path === "/api/v1/session" ? { ...ALICE, name: "asks" } : OVER));
  open();
  await screen.findByText("the way in, then /buy/1?came=paid, told why");
  expect(seemsSignedIn()).toBe(false);
});

test("trouble of the service is not the end of a session", async () => {
  asked.mockReturnValueOnce(FAULT).mockReturnValue(ALICE);
  open();
  expect((await screen.findByRole("alert")).textContent).toContain("Try again later.");
  expect(seemsSignedIn()).toBe(true);
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText(/person:alice/);
});

test("signing out shows the token, and forgets", async () => {
  asked.mockReturnValue(ALICE);
  open();
  await userEvent.click(await screen.findByText(/person:alice/));
  await screen.findByText("the way in, then nowhere");
  expect(asked).toHaveBeenLastCalledWith("DELETE", "/api/v1/session", "only-we-know");
  expect(seemsSignedIn()).toBe(false);
});

test("who cannot be signed out stays", async () => {
  asked.mockReturnValueOnce(ALICE).mockReturnValue(undefined);
  open();
  await userEvent.click(await screen.findByText(/person:alice/));
  await screen.findByText(/stays/);
  expect(seemsSignedIn()).toBe(true);
});
