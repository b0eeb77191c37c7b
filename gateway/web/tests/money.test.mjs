import assert from "node:assert/strict";
import test from "node:test";
import { formatMoney, majorUnits, minorDigits } from "../js/money.js";

function check(amount, currency, locale, expect) {
  const shown = formatMoney({ amount, currency }, locale);
  assert.equal(shown.replaceAll("\u00A0", " "), expect);
}

test("each currency has its own digits", () => {
  check(12900, "KRW", "ko-KR", "₩12,900");
  check(12900, "KRW", "en-US", "₩12,900");
  check(4500, "JPY", "en-US", "¥4,500");
  check(12999, "USD", "en-US", "$129.99");
  check(12345, "BHD", "en-US", "BHD 12.345");
  check(5, "USD", "en-US", "$0.05");
  check(0, "USD", "en-US", "$0.00");
  check(-150, "USD", "en-US", "-$1.50");
});

test("minor units are those of ISO 4217, also where browsers round", () => {
  check(1234567, "IQD", "en-US", "IQD 1,234.567");
  assert.equal(minorDigits("CLF"), 4);
  assert.equal(minorDigits("EUR"), 2);
});

test("large amounts stay exact", () => {
  assert.equal(majorUnits({ amount: 9007199254740991, currency: "USD" }), "90071992547409.91");
});

test("a currency that is none is still shown", () => {
  check(150, "U$", "en-US", "1.50 U$");
});
