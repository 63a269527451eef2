// What a change of the audit log shows: what differs, and nothing else.
import { describe, expect, test } from "vitest";

import { differences } from "../src/screens/operator/audit/change";

describe("differences", () => {
  test("a value that stayed is left out, one that changed shows both ways", () => {
    const before = { state: "active", plan: "free", tags: {} };
    expect(differences(before, { ...before, state: "suspended" })).toEqual([{ name: "state", before: "active", after: "suspended" }]);
  });

  test("a document within a document is named by its place", () => {
    const found = differences({ limit: [{ amount: 5 }] }, { limit: [{ amount: 7 }, { amount: 9 }] });
    expect(found).toEqual([
      { name: "limit.0.amount", before: "5", after: "7" },
      { name: "limit.1.amount", before: undefined, after: "9" },
    ]);
  });

  test("of a new thing only what it has is said", () => {
    expect(differences(null, { name: "", role: "auditor", disabled_at: null })).toEqual([{ name: "role", before: undefined, after: "auditor" }]);
  });

  test("a value that became nothing is said", () => {
    expect(differences({ name: "Bora" }, { name: "" })).toEqual([{ name: "name", before: "Bora", after: "“”" }]);
    expect(differences({ plan: "free" }, { plan: null })).toEqual([{ name: "plan", before: "free", after: "–" }]);
  });

  test("a bare value has no name, and nothing differs from nothing", () => {
    expect(differences(1, 2)).toEqual([{ name: "", before: "1", after: "2" }]);
    expect(differences(null, null)).toEqual([]);
  });
});
