import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { DEAL_STATUSES } from "../js/deal.js";
import { COMMAND_STATUSES, ORDER_STATUSES, REFUND_STATUSES } from "../js/order.js";
import { PAGE_CODES, problemKey, PROBLEM_CODES, REJECTION_CODES } from "../js/problems.js";
import { chooseLanguage, chooseLocale, createTexts, LANGUAGES } from "../js/texts.js";

const WEB = join(import.meta.dirname, "..");

/** Keys that are put together from a closed list. */
const LISTED = {
  "problem.": [...PROBLEM_CODES, ...REJECTION_CODES, ...PAGE_CODES],
  "deal.status.": DEAL_STATUSES,
  "order.status.": ORDER_STATUSES,
  "order.command.": COMMAND_STATUSES,
  "order.refund.": REFUND_STATUSES,
};

/** Keys that stand in the page's sources as they are. */
function literalKeys() {
  const files = readdirSync(join(WEB, "js"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js") && !name.startsWith("texts/"))
    .map((name) => join(WEB, "js", name));
  const sources = [...files, join(WEB, "index.html")].map((path) => readFileSync(path, "utf8"));
  const form = /"((?:page|account|deals?|checkout|orders?)\.[A-Za-z]+)"/g;
  const keys = sources.flatMap((text) => [...text.matchAll(form)].map((match) => match[1]));
  return new Set(keys);
}

function neededKeys() {
  const listed = Object.entries(LISTED).flatMap(([prefix, names]) =>
    names.map((name) => prefix + name),
  );
  return [...new Set([...listed, ...literalKeys()])].sort();
}

for (const [language, texts] of Object.entries(LANGUAGES)) {
  test(`${language} has every key that the page uses and no other`, () => {
    assert.deepEqual(Object.keys(texts).sort(), neededKeys());
  });

  test(`${language} has a form for each of its plural categories`, () => {
    const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
    for (const [key, text] of Object.entries(texts)) {
      if (typeof text === "string") assert.notEqual(text.trim(), "", key);
      else assert.deepEqual(Object.keys(text).sort(), [...pluralCategories].sort(), key);
    }
  });

  test(`${language} has the same gaps to fill as English`, () => {
    const gaps = (text) => {
      const forms = typeof text === "string" ? [text] : Object.values(text);
      return [...new Set(forms.flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();
    };
    for (const [key, text] of Object.entries(texts)) {
      assert.deepEqual(gaps(text), gaps(LANGUAGES.en[key]), key);
    }
  });
}

test("numbers choose the plural form", () => {
  const t = createTexts("en");
  assert.equal(t("order.ahead", { count: 1, ahead: "1" }), "1 order is ahead of you.");
  assert.equal(t("order.ahead", { count: 2, ahead: "2" }), "2 orders are ahead of you.");
  const ko = createTexts("ko");
  assert.equal(ko("order.ahead", { count: 1, ahead: "1" }), "앞에 1건의 주문이 있습니다.");
});

test("a code that this page does not know has a text", () => {
  assert.equal(problemKey("sold-out"), "problem.sold-out");
  assert.equal(problemKey("of-tomorrow"), "problem.unexpected");
});

test("the language is the chosen one, else the first wished one that the page speaks", () => {
  assert.equal(chooseLanguage(["de-DE", "ko-KR", "en"], null), "ko");
  assert.equal(chooseLanguage(["ko-KR"], "en"), "en");
  assert.equal(chooseLanguage(["de"], "xx"), "en");
  assert.equal(chooseLanguage(["constructor"], null), "en");
  assert.equal(chooseLocale("en", ["ko-KR", "en-GB"]), "en-GB");
  assert.equal(chooseLocale("en", ["ko-KR"]), "en");
});
