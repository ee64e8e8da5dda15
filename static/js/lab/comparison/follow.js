/* Follows all runs of a page; when they have ended, the server's figures replace the page's. */

import { followRun } from "../playground/stream.js";

/** @import { Follower } from "../playground/stream.js" */

/** @typedef {HTMLElement & { dataset: { eventsUrl: string } }} Place */

const ENDS = new Set(["done", "failed", "cancelled"]);
/* The end of a stream comes shortly before the row's. */
const PAUSES_MS = [150, 300, 600, 1200, 2500, 5000, 10_000];

/**
 * @param {HTMLElement} root
 * @param {object} handlers
 * @param {(place: Place, name: string, data: unknown, follower: Follower) => void} [handlers.onEvent]
 * @param {(place: Place, message: string) => void} [handlers.onTrouble]
 * @param {(ended: number, all: number) => void} [handlers.onProgress]
 * @param {() => void} handlers.onReplaced After the server's figures are on the page.
 */
export function followAll(root, handlers) {
  const places = /** @type {Place[]} */ ([...root.querySelectorAll("[data-events-url]")]);
  let ended = 0;
  if (places.length === 0) return;
  handlers.onProgress?.(0, places.length);
  const end = () => {
    ended += 1;
    handlers.onProgress?.(ended, places.length);
    if (ended === places.length) replace(root, handlers.onReplaced);
  };
  for (const place of places) {
    const follower = followRun(place.dataset.eventsUrl, {
      onEvent(name, data) {
        handlers.onEvent?.(place, name, data, follower);
        if (ENDS.has(name)) end();
      },
      onInterrupted: () => handlers.onTrouble?.(place, "The connection is lost. Reconnecting; the run continues."),
      onRefused(status) {
        handlers.onTrouble?.(place, status === 401 ? "You are signed out. Sign in again and reload this page." : "This run no longer exists.");
        end();
      },
    });
  }
}

/**
 * Put the server's present version of the part in its place, once no run of it is under way.
 *
 * @param {HTMLElement} root
 * @param {() => void} onReplaced
 */
async function replace(root, onReplaced) {
  for (const milliseconds of PAUSES_MS) {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    const fresh = await fetchFresh();
    if (!fresh || "active" in fresh.dataset) continue;
    root.replaceChildren(...fresh.childNodes);
    delete root.dataset.active;
    onReplaced();
    return;
  }
  location.reload();
}

/** The same part of the page as the server has it now; null if it cannot be fetched. */
async function fetchFresh() {
  try {
    const response = await fetch(location.href, { redirect: "error", cache: "no-store" });
    if (!response.ok) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return /** @type {HTMLElement | null} */ (page.querySelector("[data-follow]"));
  } catch {
    return null;
  }
}
