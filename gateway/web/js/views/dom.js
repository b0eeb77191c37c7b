/**
 * Making and changing elements. Owns the rule that data reaches the page as text only: nothing
 * here or elsewhere writes HTML.
 */

/**
 * @param {string} tag with classes after dots: `p.note`
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} [children]
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, children = []) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  node.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {() => void} onClick
 * @returns {HTMLButtonElement}
 */
export function button(tag, attributes, onClick) {
  const node = /** @type {HTMLButtonElement} */ (element(tag, { type: "button", ...attributes }));
  node.addEventListener("click", onClick);
  return node;
}

/** Writes a text if it differs, so that selections and screen readers are left alone. */
export function setText(/** @type {Element} */ node, /** @type {string} */ text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Writes a text and hides the element while there is none. */
export function setTextOrHide(/** @type {HTMLElement} */ node, /** @type {string} */ text) {
  setText(node, text);
  setHidden(node, text === "");
}

/**
 * Hides or shows. Focus inside something that hides goes to `fallback`, not to the page's top.
 * @param {HTMLElement} node
 * @param {boolean} hidden
 * @param {HTMLElement} [fallback]
 */
export function setHidden(node, hidden, fallback) {
  if (node.hidden === hidden) return;
  const hadFocus = hidden && node.contains(document.activeElement);
  node.hidden = hidden;
  if (hadFocus) fallback?.focus();
}

/** @param {string} id @returns {any} an element that index.html has */
export function byId(id) {
  return document.getElementById(id);
}

/** Fills the fixed texts of index.html. @param {import("../texts.js").Translate} t */
export function fillTexts(t) {
  for (const node of document.querySelectorAll("[data-text]")) {
    setText(node, t(/** @type {HTMLElement} */ (node).dataset.text ?? ""));
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", t(/** @type {HTMLElement} */ (node).dataset.label ?? ""));
  }
}
