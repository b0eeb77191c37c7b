/**
 * A small client of the Chrome DevTools Protocol over `--remote-debugging-pipe`: messages of JSON
 * ended by a zero byte on file descriptors 3 and 4. Needs no package and no open port.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--remote-debugging-pipe",
];

const CLOSES_WITHIN_MS = 5_000;

/**
 * Starts a browser with a profile of its own and one blank page.
 * @param {string} program
 */
export async function openBrowser(program) {
  const profile = mkdtempSync(join(tmpdir(), "timedeal-browser-"));
  const stdio = /** @type {const} */ (["ignore", "ignore", "ignore", "pipe", "pipe"]);
  const browser = spawn(program, [...FLAGS, `--user-data-dir=${profile}`], { stdio });
  const [, , , toBrowser, fromBrowser] = /** @type {any[]} */ (browser.stdio);
  const waiting = new Map();
  const events = [];
  let rest = "";
  let lastId = 0;
  const gone = new Promise((resolve) => browser.once("exit", resolve).once("error", resolve));
  const fail = (error) => waiting.forEach(({ reject }) => reject(error));
  browser.once("error", fail);
  browser.once("exit", () => fail(new Error("the browser is gone")));
  toBrowser.on("error", () => {});
  fromBrowser.setEncoding("utf8").on("data", (chunk) => {
    const messages = (rest + chunk).split("\0");
    rest = messages.pop() ?? "";
    for (const message of messages.map((text) => JSON.parse(text))) {
      const { id, result, error } = message;
      if (id === undefined) events.push(message);
      else if (error) waiting.get(id)?.reject(new Error(error.message));
      else waiting.get(id)?.resolve(result);
      waiting.delete(id);
    }
  });
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      toBrowser.write(`${JSON.stringify({ id: lastId, method, params, sessionId })}\0`);
    });
  const close = async () => {
    // Asked to close, the browser takes its helper processes along; killed, it leaves them writing.
    const deadline = setTimeout(() => browser.kill("SIGKILL"), CLOSES_WITHIN_MS);
    send("Browser.close").catch(() => {});
    await gone;
    clearTimeout(deadline);
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    const { targetId } = await send("Target.createTarget", { url: "about:blank" });
    const attached = await send("Target.attachToTarget", { targetId, flatten: true });
    const call = (method, params) => send(method, params, attached.sessionId);
    return { call, events, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * @param {Awaited<ReturnType<typeof openBrowser>>} browser
 * @param {string} expression
 */
export async function evaluate({ call }, expression) {
  const { result, exceptionDetails } = await call("Runtime.evaluate", {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? expression);
  return result.value;
}

const KEYS = { Tab: [9, ""], Enter: [13, "\r"] };

/**
 * @param {Awaited<ReturnType<typeof openBrowser>>} browser
 * @param {"Tab" | "Enter"} key
 */
export async function press({ call }, key) {
  const [windowsVirtualKeyCode, text] = KEYS[key];
  const common = { key, code: key, windowsVirtualKeyCode };
  await call("Input.dispatchKeyEvent", { ...common, type: "keyDown", text });
  await call("Input.dispatchKeyEvent", { ...common, type: "keyUp" });
}
