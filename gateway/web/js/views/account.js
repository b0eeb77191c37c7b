/**
 * The account dialog and the corner that opens it. Owns their elements and the form's faults; the
 * session itself is session.js's.
 */
import { problemKey } from "../problems.js";
import { byId, setHidden, setText, setTextOrHide } from "./dom.js";

const FIELDS = ["email", "password", "name"];

/**
 * @param {object} parts
 * @param {import("../session.js").Session} parts.session
 * @param {import("../api.js").Api} parts.api
 * @param {() => import("../words.js").Words} parts.words
 * @param {() => void} parts.onSignOut
 */
export function createAccount({ session, api, words, onSignOut }) {
  /** @type {HTMLDialogElement} */
  const dialog = byId("account");
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  let creating = false;
  /** @type {((signedIn: boolean) => void) | null} */
  let settle = null;

  const update = () => {
    const { t } = words();
    const identity = session.current();
    const who = identity?.owner.startsWith("demo:") ? t("account.demoCustomer") : identity?.label;
    setTextOrHide(byId("account-who"), who ?? "");
    setText(byId("account-open"), t(identity === null ? "account.signIn" : "account.signOut"));
    setText(byId("account-title"), t(creating ? "account.create" : "account.signIn"));
    setText(byId("account-submit"), t(creating ? "account.create" : "account.signIn"));
    setText(byId("account-switch"), t(creating ? "account.have" : "account.create"));
    setHidden(byId("field-name"), !creating);
    setTextOrHide(byId("password-hint"), creating ? t("account.passwordHint") : "");
    form.elements["name"].required = creating;
    form.elements["password"].minLength = creating ? 10 : 1;
    form.elements["password"].autocomplete = creating ? "new-password" : "current-password";
  };

  /** @returns {Promise<boolean>} whether somebody signed in */
  const ask = () => {
    creating = false;
    form.reset();
    showFaults(form, null, words().t);
    update();
    dialog.showModal();
    form.elements["email"].focus();
    return new Promise((resolve) => (settle = resolve));
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { t } = words();
    const given = Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value]));
    const submit = byId("account-submit");
    submit.disabled = true;
    setTextOrHide(byId("account-fault"), t("account.working"));
    const account = /** @type {{ email: string, password: string, name: string }} */ (given);
    const answer = await (creating ? session.signUp(api, account) : session.signIn(api, account));
    submit.disabled = false;
    showFaults(form, answer.problem, t);
    if (answer.ok) dialog.close();
  });
  dialog.addEventListener("close", () => {
    settle?.(session.current() !== null);
    settle = null;
    form.reset();
  });
  byId("account-switch").addEventListener("click", () => {
    creating = !creating;
    showFaults(form, null, words().t);
    update();
    form.elements[creating ? "name" : "email"].focus();
  });
  byId("account-close").addEventListener("click", () => dialog.close());
  return { ask, update, bind: (onSignIn) => bindCorner(session, onSignIn, onSignOut) };
}

/**
 * @param {import("../session.js").Session} session
 * @param {() => void} onSignIn
 * @param {() => void} onSignOut
 */
function bindCorner(session, onSignIn, onSignOut) {
  byId("account-open").addEventListener("click", () => {
    if (session.current() === null) onSignIn();
    else onSignOut();
  });
}

/**
 * Shows what is wrong: in words at the top, and at each field that the answer points to.
 * @param {HTMLFormElement} form
 * @param {import("../problems.js").Problem | null} problem
 * @param {import("../texts.js").Translate} t
 */
function showFaults(form, problem, t) {
  setTextOrHide(byId("account-fault"), problem === null ? "" : t(problemKey(problem.code)));
  let first = null;
  for (const name of FIELDS) {
    const fault = problem?.errors.find(({ pointer }) => pointer === `/${name}`);
    const field = form.elements[name];
    // The server's sentence is English whatever the page's language is.
    setTextOrHide(byId(`fault-${name}`), fault?.detail ?? "");
    if (fault === undefined) field.removeAttribute("aria-invalid");
    else field.setAttribute("aria-invalid", "true");
    if (fault !== undefined) first ??= field;
  }
  if (problem !== null) (first ?? form.elements["email"]).focus();
}
