/**
 * Amounts as people read them. Owns the digits of ISO 4217; the API speaks in minor units.
 *
 * @typedef {{ amount: number, currency: string }} Money
 */

/**
 * Currencies whose minor unit is not a hundredth. Listed here because browsers round some of them
 * as shops do (the dinar of Iraq without fils), and a price must not be off by a power of ten.
 */
const DIGITS = new Map([
  ...["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"].map((c) => [c, 0]),
  ...["RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"].map((c) => [c, 0]),
  ...["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"].map((c) => [c, 3]),
  ...["CLF", "UYW"].map((c) => [c, 4]),
]);

/** @param {string} currency @returns {number} digits after the point */
export function minorDigits(currency) {
  return DIGITS.get(currency) ?? 2;
}

/**
 * @param {Money} money
 * @returns {string} the amount in major units, exact, with a point
 */
export function majorUnits({ amount, currency }) {
  const digits = minorDigits(currency);
  const sign = amount < 0 ? "-" : "";
  const all = String(Math.abs(amount)).padStart(digits + 1, "0");
  if (digits === 0) return sign + all;
  return `${sign}${all.slice(0, -digits)}.${all.slice(-digits)}`;
}

/**
 * @param {Money} money
 * @param {string} locale
 */
export function formatMoney(money, locale) {
  const digits = minorDigits(money.currency);
  try {
    const format = new Intl.NumberFormat(locale, {
      style: "currency",
      currency: money.currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    return format.format(/** @type {any} */ (majorUnits(money)));
  } catch {
    return `${majorUnits(money)} ${money.currency}`;
  }
}
