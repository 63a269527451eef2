"""What the pages say, out of their own words, so that a flow can be walked in either language.

A test that walks says `page.get_by_role("button", name=said("form.save"))`; whether the words themselves are
good is for the tests that name them, and for people.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from dashboard.build import HERE, node

READ: Final = """
import { readdirSync } from "node:fs";
import { registerHooks } from "node:module";

const kept = { en: {}, ko: {} };
const put = (into, more) => {
  for (const [name, one] of Object.entries(more)) {
    if (typeof one === "string") into[name] = one;
    else put((into[name] ??= {}), one);
  }
};
globalThis.say = (words) => ["en", "ko"].forEach((language) => put(kept[language], words[language]));
const source = "export const say = globalThis.say;";
registerHooks({
  resolve: (name, context, next) => {
    if (name === ".") return { url: "words:say", format: "module", shortCircuit: true };
    return next(name.startsWith("./") && !name.endsWith(".ts") ? `${name}.ts` : name, context);
  },
  load: (url, context, next) => {
    return url === "words:say" ? { format: "module", source, shortCircuit: true } : next(url, context);
  },
});
const folder = new URL("./src/words/", process.argv[1]);
for (const file of readdirSync(folder)) if (file !== "index.ts") await import(new URL(file, folder));
console.log(JSON.stringify(kept));
"""
"""Loads every file of words by itself, and keeps what each says."""
BLANK: Final = re.compile(r"\{\{(\w+)(?:, number)?\}\}")


@cache
def spoken() -> dict[str, Any]:
    """Return all words of the pages, by language."""
    program = [node() / "bin" / "node", "--input-type=module", "--eval", READ, (HERE / "words").as_uri()]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    words: dict[str, Any] = json.loads(done.stdout)
    return words


@dataclass(frozen=True)
class Said:
    """What the pages say in one language."""

    language: str

    def __call__(self, key: str, *, count: int | None = None, **values: Any) -> str:
        """Return the words of a key, filled in; with a count, those for so many."""
        found = spoken()[self.language]
        *above, last = key.split(".")
        for one in above:
            found = found[one]
        if count is not None:
            values["count"] = f"{count:,}"
            forms = (f"{last}_zero",) * (count == 0) + (f"{last}_one",) * (
                count == 1 and self.language == "en"
            )
            last = next((one for one in (*forms, f"{last}_other") if one in found), last)
        return BLANK.sub(lambda blank: str(values[blank[1]]), found[last])
