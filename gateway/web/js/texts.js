/**
 * The page's words. Owns the choice of the language and the look-up by key; the words stand in
 * `texts/`. A text with a number in it has one form per plural category of its language, chosen
 * by `count`.
 *
 * @typedef {string | Record<string, string>} Text
 * @typedef {(key: string, values?: Record<string, string | number>) => string} Translate
 */
import { en } from "./texts/en.js";
import { ko } from "./texts/ko.js";

/** @type {Record<string, Record<string, Text>>} */
export const LANGUAGES = { en, ko };

const STORED = "timedeal.language";

/**
 * @param {readonly string[]} wished in order, as `navigator.languages` has them
 * @param {string | null} chosen by the reader earlier
 * @returns {string} a key of LANGUAGES
 */
export function chooseLanguage(wished, chosen) {
  const codes = [chosen ?? "", ...wished].map((tag) => tag.toLowerCase().split("-")[0]);
  return codes.find((code) => Object.hasOwn(LANGUAGES, code)) ?? "en";
}

/**
 * The locale for numbers and times: the reader's own region, if it speaks the page's language.
 * @param {string} language
 * @param {readonly string[]} wished
 */
export function chooseLocale(language, wished) {
  return wished.find((tag) => tag.toLowerCase().split("-")[0] === language) ?? language;
}

/**
 * @param {string} language
 * @returns {Translate}
 */
export function createTexts(language) {
  const texts = LANGUAGES[language];
  const plural = new Intl.PluralRules(language);
  return (key, values = {}) => {
    const text = texts[key] ?? key;
    const form = typeof text === "string" ? text : text[plural.select(Number(values.count))];
    const template = form ?? /** @type {Record<string, string>} */ (text).other;
    return template.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
  };
}

/** @param {Storage} storage @returns {string | null} */
export function storedLanguage(storage) {
  return storage.getItem(STORED);
}

/** @param {Storage} storage @param {string} language */
export function storeLanguage(storage, language) {
  storage.setItem(STORED, language);
}
