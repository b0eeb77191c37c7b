/**
 * Where the API lives. Owns the one setting of the page.
 *
 * `<meta name="timedeal-api" content="https://api.example">` names the API's origin (and path, if
 * it has one); empty means the page's own origin. `?api=` overrides it only where the page itself
 * comes from this machine: anywhere else a crafted link could send a password to a stranger.
 */

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * @param {{ meta: string, query: string, pageUrl: string }} given
 * @returns {string} the base address without a slash at the end, empty for the page's own origin
 */
export function chooseApiBase({ meta, query, pageUrl }) {
  const wished = new URLSearchParams(query).get("api");
  const trusted = LOOPBACK.has(new URL(pageUrl).hostname);
  const chosen = (trusted && wished) || meta.trim();
  if (!chosen || !URL.canParse(chosen, pageUrl)) return "";
  const url = new URL(chosen, pageUrl);
  if (url.protocol !== "https:" && url.protocol !== "http:") return "";
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}
