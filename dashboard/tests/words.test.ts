// Every word that is said exists in both languages, takes the same facts in both, and is said somewhere.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import i18next from "i18next";
import ts from "typescript";
import { expect, test, vi } from "vitest";

// What each file adds is kept: the bundle has only the first of two that give one key different words.
const adding = vi.spyOn(i18next, "addResourceBundle");
for (const load of Object.values(import.meta.glob("../src/words/*.ts"))) await load();
const added = [...adding.mock.calls];

const SOURCE = join(import.meta.dirname, "..", "src");
const NOT_SAID_THERE = /^(api|words)\//;
const PLURAL = /_(zero|one|two|few|many|other)$/;

type Words = { [name: string]: string | Words };

function flat(words: Words, before = ""): [string, string][] {
  return Object.entries(words).flatMap(([name, said]) =>
    typeof said === "string" ? [[before + name, said] as [string, string]] : flat(said, `${before}${name}.`),
  );
}

const english = new Map(flat(i18next.getResourceBundle("en", "translation") as Words));
const korean = new Map(flat(i18next.getResourceBundle("ko", "translation") as Words));
const keys = [...english.keys()].map((key) => key.replace(PLURAL, ""));

/** What the source says: every text that stands in it, and every text with holes as a pattern; `said` are those of `t`. */
function read() {
  const texts = new Set<string>();
  const patterns: { place: string; pattern: RegExp; said: boolean }[] = [];
  const said: { place: string; key: string }[] = [];
  for (const name of readdirSync(SOURCE, { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(name) || NOT_SAID_THERE.test(name)) continue;
    const file = ts.createSourceFile(name, readFileSync(join(SOURCE, name), "utf8"), ts.ScriptTarget.Latest, true);
    const walk = (node: ts.Node, inWords: boolean): void => {
      const place = `${name}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
      if (ts.isStringLiteralLike(node)) {
        texts.add(node.text);
        if (inWords) said.push({ place, key: node.text });
      }
      if (ts.isTemplateExpression(node)) {
        const parts = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
        const pattern = new RegExp(`^${parts.map((part) => part.replace(/[.*+?^$()|[\]\\]/g, "\\$&")).join("[^.]*")}$`);
        if (inWords || parts[0]?.includes(".")) patterns.push({ place, pattern, said: inWords });
        node.templateSpans.forEach(({ expression }) => walk(expression, false));
        return;
      }
      if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "t") {
        const [key, ...rest] = node.arguments;
        if (key) walkKey(key);
        rest.forEach((one) => walk(one, false));
        return;
      }
      ts.forEachChild(node, (child) => walk(child, inWords));
    };
    // Of a choice between two words the condition is none.
    const walkKey = (key: ts.Expression): void => {
      if (ts.isConditionalExpression(key)) {
        walk(key.condition, false);
        walkKey(key.whenTrue);
        walkKey(key.whenFalse);
      } else walk(key, ts.isStringLiteralLike(key) || ts.isTemplateExpression(key));
    };
    walk(file, false);
  }
  return { texts, patterns, said };
}

const { texts, patterns, said } = read();

test("both languages have the same words", () => {
  expect([...korean.keys()].map((key) => key.replace(PLURAL, "")).filter((key) => !keys.includes(key))).toEqual([]);
  const there = new Set([...korean.keys()].map((key) => key.replace(PLURAL, "")));
  expect(keys.filter((key) => !there.has(key))).toEqual([]);
});

test("no key has two meanings, of which the screen that was opened first would choose", () => {
  expect(added.length).toBeGreaterThan(40);
  const meanings = new Map<string, Set<string>>();
  for (const [language, , words] of added) {
    for (const [key, said] of flat(words as Words, `${language}: `)) meanings.set(key, (meanings.get(key) ?? new Set()).add(said));
  }
  expect([...meanings].filter(([, said]) => said.size > 1)).toEqual([]);
});

test("both languages are told the same facts", () => {
  const facts = (said = "") => [...new Set([...said.matchAll(/{{(\w+)/g)].map(([, name]) => name))].sort();
  const differ = [...english].filter(([key, words]) => korean.has(key) && `${facts(words)}` !== `${facts(korean.get(key))}`);
  expect(differ.map(([key]) => key)).toEqual([]);
});

test("Korean is not left in English", () => {
  const same = [...english].filter(([key, words]) => korean.get(key) === words && /^[^0-9]*[a-z]{3} [a-z]{3}/.test(words));
  expect(same).toEqual([]);
});

test("whatever is said has words", () => {
  expect(said.length).toBeGreaterThan(50);
  expect(said.filter(({ key }) => !keys.includes(key))).toEqual([]);
  expect(patterns.filter((one) => one.said && !keys.some((key) => one.pattern.test(key)))).toEqual([]);
});

test("no words stand there for nobody", () => {
  expect(keys.filter((key) => !texts.has(key) && !patterns.some(({ pattern }) => pattern.test(key)))).toEqual([]);
});
