/**
 * A purchase by keyboard alone, in a real browser against a running server in demo mode:
 *
 *     node keyboard.e2e.mjs http://127.0.0.1:8080/ [/usr/bin/chromium]
 *
 * Tabs from the page's top to the first deal that is open, presses Enter, and follows the focus to
 * the order. Exit code 0: passed, 1: failed, 2: could not run.
 */
import { setTimeout as pause } from "node:timers/promises";
import { evaluate, openBrowser, press } from "./cdp.mjs";

const TABS_MAX = 40;
const OPENS_WITHIN_MS = 60_000;
const DECIDED_WITHIN_MS = 20_000;

const [url, program = process.env.CHROMIUM ?? "/usr/bin/chromium"] = process.argv.slice(2);
if (url === undefined) {
  console.error("usage: keyboard.e2e.mjs URL [CHROMIUM]");
  process.exit(2);
}

/**
 * @param {string} what
 * @param {() => Promise<any>} look
 * @param {number} withinMs
 */
async function until(what, look, withinMs) {
  for (const end = Date.now() + withinMs; Date.now() < end; await pause(50)) {
    const seen = await look();
    if (seen) return seen;
  }
  throw new Error(`${what}: not within ${withinMs} ms`);
}

/** @param {Awaited<ReturnType<typeof openBrowser>>} browser */
async function buyByKeyboard(browser) {
  const ask = (expression) => evaluate(browser, expression);
  const usable = 'button[data-action="buy"]:not([aria-disabled])';
  await browser.call("Runtime.enable");
  await browser.call("Log.enable");
  await browser.call("Page.enable");
  await browser.call("Page.navigate", { url });
  await until("an open deal", () => ask(`!!document.querySelector('${usable}')`), OPENS_WITHIN_MS);

  const onBuy = `document.activeElement.matches('${usable}')`;
  let tabs = 0;
  while (!(await ask(onBuy))) {
    if ((tabs += 1) > TABS_MAX) throw new Error(`no buy button within ${TABS_MAX} tabs`);
    await press(browser, "Tab");
  }
  if (!(await ask("document.activeElement.matches(':focus-visible')"))) {
    throw new Error("the focus on the buy button cannot be seen");
  }
  await press(browser, "Enter");

  const order = "document.querySelector('.deal [data-order-status]:not([hidden])')";
  const decided = `["held", "confirmed"].includes(${order}?.dataset.orderStatus)`;
  await until("a decided order", () => ask(decided), DECIDED_WITHIN_MS);
  if (!(await ask(`${order}.contains(document.activeElement)`))) {
    throw new Error("the focus did not go on to the order");
  }
  const said = 'document.getElementById("announcer").textContent';
  await until("the result in the live region", () => ask(`${said} !== ""`), 2_000);
  const listed = "#orders [data-order-status]";
  await until("the order in the list", () => ask(`!!document.querySelector("${listed}")`), 2_000);
  const faults = browser.events.filter(
    ({ method, params }) =>
      method === "Runtime.exceptionThrown" ||
      (method === "Log.entryAdded" && params.entry.source === "security"),
  );
  if (faults.length > 0) throw new Error(`the page has faults: ${JSON.stringify(faults[0])}`);
  return { tabs, status: await ask(`${order}.dataset.orderStatus`) };
}

let browser;
try {
  browser = await openBrowser(program);
} catch (error) {
  console.error(`could not run: ${error.message}`);
  process.exit(2);
}
try {
  const { tabs, status } = await buyByKeyboard(browser);
  console.log(`pass: bought with ${tabs} tabs and Enter, the order is ${status}`);
} catch (error) {
  console.error(`fail: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
